from itertools import pairwise

import numpy as np
import pytest
from pymatgen.core import Molecule

from crystutor import (
    build_cluster,
    build_prototype,
    displace_atoms,
    remove_atoms,
    remove_body_centers,
    space_group,
    substitute_atoms,
)


def test_displacements_are_normal_with_the_given_sigma(copper):
    moved = displace_atoms(copper, 0.05, seed=1).cart_coords - copper.cart_coords
    assert moved.std() == pytest.approx(0.05, rel=0.05)
    assert moved.mean() == pytest.approx(0, abs=0.01)


def test_vacancies_are_floored_and_keep_the_others_in_place(copper):
    damaged = remove_atoms(copper, 0.15, seed=1)
    assert len(damaged) == 256 - 38
    kept = {tuple(x) for x in np.round(damaged.frac_coords, 9)}
    assert kept <= {tuple(x) for x in np.round(copper.frac_coords, 9)}


def test_same_seed_same_defects(copper):
    assert remove_atoms(copper, 0.25, seed=4) == remove_atoms(copper, 0.25, seed=4)
    assert remove_atoms(copper, 0.25, seed=4) != remove_atoms(copper, 0.25, seed=5)
    assert displace_atoms(copper, 0.1, seed=4) == displace_atoms(copper, 0.1, seed=4)


LEVELS = np.linspace(0, 0.95, 20)


@pytest.mark.parametrize("seed", range(5))
def test_with_one_seed_damage_only_grows(seed, copper):
    """Atoms that are gone, or foreign, stay so at a higher level; displacements only grow."""
    tungsten = build_cluster(build_prototype("bcc"))
    for remove, crystal in ((remove_atoms, copper), (remove_body_centers, tungsten)):
        left = [{tuple(x) for x in remove(crystal, level, seed).frac_coords} for level in LEVELS]
        assert all(more < less for less, more in pairwise(left))
    alloys = [substitute_atoms(copper, level, 2, seed).atomic_numbers for level in LEVELS]
    foreign = [{(i, Z) for i, Z in enumerate(alloy) if Z != 29} for alloy in alloys]
    assert all(less < more for less, more in pairwise(foreign))
    moves = [
        displace_atoms(copper, level, seed).cart_coords - copper.cart_coords for level in LEVELS
    ]
    np.testing.assert_allclose(moves, LEVELS[:, None, None] * moves[-1] / LEVELS[-1], atol=1e-9)


def test_substitution_gives_binaries_and_ternaries(copper):
    for n_species in (1, 2):
        alloy = substitute_atoms(copper, 0.5, n_species, seed=2)
        assert len(alloy.composition) == n_species + 1
        assert alloy.composition["Cu"] == 128
        np.testing.assert_array_equal(alloy.frac_coords, copper.frac_coords)


def test_body_centers_leave_simple_cubic():
    iron = build_cluster(build_prototype("bcc", "Fe"))
    half = remove_body_centers(iron, 0.5, seed=1)
    assert len(half) == 250 - 62
    empty = remove_body_centers(iron, 1.0)
    assert len(empty) == 125
    assert space_group(empty, 1e-3) == 221
    with pytest.raises(ValueError, match="not a perfect bcc crystal"):
        remove_body_centers(build_prototype("fcc"), 0.5)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_fractions_outside_0_to_1(copper, fraction):
    for change in (remove_atoms, substitute_atoms):
        with pytest.raises(ValueError, match="a number from 0 to 1 is accepted"):
            change(copper, fraction)


def test_other_bad_arguments(copper):
    with pytest.raises(ValueError, match="sigma is -0.1"):
        displace_atoms(copper, -0.1)
    with pytest.raises(ValueError, match="remove all 256 atoms"):
        remove_atoms(copper, 1.0)
    with pytest.raises(ValueError, match="n_species is 0"):
        substitute_atoms(copper, 0.5, n_species=0)


def test_a_finite_sample_is_damaged_alike(copper):
    """A molecule loses the same atoms, and moves them as far, as a structure."""
    particle = Molecule(copper.species, copper.cart_coords)
    for damage in (remove_atoms, substitute_atoms):
        damaged, expected = damage(particle, 0.25, seed=1), damage(copper, 0.25, seed=1)
        assert isinstance(damaged, Molecule)
        assert damaged.atomic_numbers == expected.atomic_numbers
        np.testing.assert_allclose(damaged.cart_coords, expected.cart_coords)
    moved = displace_atoms(particle, 0.1, seed=1)
    np.testing.assert_allclose(moved.cart_coords, displace_atoms(copper, 0.1, seed=1).cart_coords)
