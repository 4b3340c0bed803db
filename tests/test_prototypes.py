import itertools

import gemmi
import numpy as np
import pytest

from crystutor import PROTOTYPES, bond_length, build_prototype, build_rhombohedral, space_group
from crystutor.crystal.prototypes import build_crystal
from crystutor.crystal.space_groups import CLASSES, SPACE_GROUP_CLASSES

NAMED = [name for name, prototype in PROTOTYPES.items() if prototype.kind != "enumerated"]


def values_in(prototype, rng, n_random):
    """The example's values, every corner of the ranges, and random points between."""
    names = list(prototype.ranges)
    lows, highs = np.reshape([prototype.ranges[name] for name in names], (-1, 2)).T
    corners = np.array(list(itertools.product((0, 1), repeat=len(names))), ndmin=2)
    fractions = np.vstack([corners, rng.uniform(size=(n_random, len(names)))])
    yield prototype.parameters
    for row in lows + fractions * (highs - lows):
        yield {**prototype.parameters, **dict(zip(names, map(float, row), strict=True))}


@pytest.mark.parametrize("name", NAMED)
def test_space_group_holds_over_the_ranges(name):
    prototype = PROTOTYPES[name]
    for parameters in values_in(prototype, np.random.default_rng(0), n_random=10):
        crystal = build_crystal(prototype, parameters)
        for symprec in (1e-3, 1e-6):
            assert space_group(crystal, symprec) == prototype.space_group, parameters


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_space_group_of_hypothetical_prototypes(step):
    rng = np.random.default_rng(0)
    hypothetical = [prototype for name, prototype in PROTOTYPES.items() if name not in NAMED]
    for prototype in hypothetical[::step]:
        low, high = np.reshape(list(prototype.ranges.values()), (-1, 2)).T
        values = dict(zip(prototype.ranges, map(float, rng.uniform(low, high)), strict=True))
        crystal = build_crystal(prototype, {**prototype.parameters, **values})
        for symprec in (1e-3, 1e-6):
            assert space_group(crystal, symprec) == prototype.space_group, (prototype, values)


def test_labels_agree_with_sites():
    for prototype in PROTOTYPES.values():
        pearson, number = prototype.aflow.split("_")[1:3]
        centring = {"P": 1, "I": 2, "F": 4, "R": 3}[pearson[1]]
        n_atoms = len(build_crystal(prototype, prototype.parameters))
        assert int(number) == prototype.space_group
        assert n_atoms == int(pearson[2:]) * (3 if pearson[1] == "R" else 1), prototype.name
        assert n_atoms % centring == 0


def test_every_class_has_prototypes_and_ranges_hold_the_example():
    assert {SPACE_GROUP_CLASSES[p.space_group] for p in PROTOTYPES.values()} == set(CLASSES)
    for prototype in PROTOTYPES.values():
        assert set(prototype.ranges) == set(prototype.parameters) - {"a"}
        assert gemmi.Element(prototype.element).atomic_number > 0
        for name, (low, high) in prototype.ranges.items():
            assert low < prototype.parameters[name] < high


@pytest.mark.parametrize(
    ("name", "distance"),
    [("fcc", 2.556), ("bcc", 2.732), ("diamond", 1.537), ("beta-Sn", 3.02), ("graphite", 1.42)],
)
def test_known_distances(name, distance):
    assert bond_length(build_prototype(name)) == pytest.approx(distance, abs=0.005)


def test_another_element_is_scaled_to_its_radius():
    assert bond_length(build_prototype("bcc", "Fe")) == pytest.approx(2 * 1.32)


@pytest.mark.parametrize(("mu_squared", "number"), [(3 / 8, 229), (3 / 2, 221), (6, 225), (1, 166)])
def test_cubic_points_of_the_rhombohedral_path(mu_squared, number):
    crystal = build_rhombohedral(mu_squared**0.5)
    assert space_group(crystal, 1e-6) == number
    assert bond_length(crystal) == pytest.approx(3.345)


def test_bad_requests():
    with pytest.raises(ValueError, match="prototype 'fc' is unknown"):
        build_prototype("fc")
    with pytest.raises(ValueError, match="element 'Xx' is unknown"):
        build_prototype("fcc", "Xx")
    with pytest.raises(ValueError, match="no parameter c_over_a; it has a"):
        build_prototype("fcc", "Cu", c_over_a=1.0)
    with pytest.raises(ValueError, match="mu is -1"):
        build_rhombohedral(-1)
