import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from crystutor import build_prototype, find_average_cell
from crystutor.maps.orientations import (
    mean_orientation,
    misorientations,
    orientation_of,
    rotation_group,
)

SIZES = {"cF": 24, "cI": 24, "cP": 24, "tI": 8, "hP": 12, "hR": 6}
TURN = Rotation.from_euler("xyz", [20, -35, 50], degrees=True)


@pytest.mark.parametrize("bravais", SIZES)
def test_the_group_keeps_the_lattice(bravais):
    base = {"c": np.eye(3), "t": np.diag([1, 1, 1.7])}.get(
        bravais[0], np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1.6]])
    )
    group = rotation_group(bravais)
    assert len(group) == SIZES[bravais]
    turned = base @ group.as_matrix().transpose(0, 2, 1) @ np.linalg.inv(base)
    assert turned == pytest.approx(np.round(turned), abs=1e-9)


def test_another_lattice_has_no_group_here():
    with pytest.raises(ValueError, match="'other'; accepted are"):
        rotation_group("other")


@pytest.mark.parametrize(("name", "bravais"), [("fcc", "cF"), ("hcp", "hP"), ("beta-Sn", "tI")])
def test_orientation_of_a_turned_crystal(name, bravais):
    cell = find_average_cell(build_prototype(name))
    assert cell.bravais == bravais
    straight = orientation_of(cell.matrix, bravais)
    turned = orientation_of(cell.matrix @ TURN.as_matrix().T, bravais)
    assert misorientations(TURN * straight, turned, bravais) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("bravais", SIZES)
def test_equivalent_orientations_are_not_apart(bravais):
    group = rotation_group(bravais)
    assert misorientations(TURN, TURN * group, bravais) == pytest.approx(0, abs=1e-4)
    tilted = TURN * Rotation.from_rotvec([0, 0.1, 0])
    expected = np.degrees(0.1)
    assert misorientations(TURN * group[1], tilted * group, bravais) == pytest.approx(expected)


def test_cubic_crystals_are_at_most_63_degrees_apart():
    angles = misorientations(TURN, Rotation.random(500, random_state=1), "cF")
    assert 50 < angles.max() <= 62.8  # Mackenzie's limit


def test_mean_of_equivalent_orientations():
    rng = np.random.default_rng(1)
    group = rotation_group("hP")
    shaken = TURN * Rotation.from_rotvec(rng.normal(0, 0.02, (300, 3)))
    shaken = shaken * group[rng.integers(len(group), size=300)]
    mean = mean_orientation(shaken, np.ones(300), "hP")
    assert misorientations(TURN, mean, "hP") < 0.3
