import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from crystutor.maps.colors import (
    CORNERS,
    UNKNOWN,
    direction_colors,
    into_sector,
    key_picture,
    laue_class,
    orientation_colors,
)
from crystutor.maps.orientations import rotation_group

LATTICES = ("cF", "tI", "hP", "hR")


def random_directions(n):
    directions = np.random.default_rng(1).normal(size=(n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@pytest.mark.parametrize("bravais", LATTICES)
def test_equivalent_orientations_have_one_colour(bravais):
    some = Rotation.random(50, rng=1)
    first = orientation_colors(some.as_quat(), bravais, (1, 2, 3))
    for operation in rotation_group(bravais):
        again = orientation_colors((some * operation).as_quat(), bravais, (1, 2, 3))
        np.testing.assert_allclose(again, first, atol=1e-6)
    opposite = orientation_colors(some.as_quat(), bravais, (-1, -2, -3))
    np.testing.assert_allclose(opposite, first, atol=1e-6)
    assert np.ptp(first, axis=0).min() > 0.5  # and others have other colours


@pytest.mark.parametrize("bravais", LATTICES)
def test_corners_are_red_green_and_blue(bravais):
    laue = laue_class(bravais)
    corners = CORNERS[laue][0]
    np.testing.assert_allclose(direction_colors(corners, laue), np.eye(3), atol=1e-7)
    np.testing.assert_allclose(into_sector(corners, laue), corners, atol=1e-7)


@pytest.mark.parametrize("bravais", LATTICES)
def test_colours_change_smoothly(bravais):
    """Also across the edges of the sector, where a wrong symmetry would make a jump."""
    laue, directions = laue_class(bravais), random_directions(5000)
    near = directions + 1e-7
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    jumps = np.abs(direction_colors(directions, laue) - direction_colors(near, laue))
    assert jumps.max() < 0.02
    angles = np.radians(np.arange(0, 360, 5))
    for height in (-1e-8, 1e-8):
        ring = np.stack([np.cos(angles), np.sin(angles), np.full(len(angles), height)], axis=1)
        same = direction_colors(ring * [1, 1, 0], laue)
        np.testing.assert_allclose(direction_colors(ring, laue), same, atol=2e-4)


def test_a_trigonal_crystal_is_told_from_its_mirror_image():
    one, other = np.array([[0.75, np.sqrt(3) / 4, 0.5], [0.75, -np.sqrt(3) / 4, 0.5]])
    hexagonal = direction_colors(np.array([one, other]), "6/mmm")
    np.testing.assert_allclose(hexagonal[0], hexagonal[1])
    trigonal = direction_colors(np.array([one, other]), "-3m")
    assert np.abs(trigonal[0] - trigonal[1]).max() > 0.2
    sectors = into_sector(np.array([one, other]), "-3m")
    np.testing.assert_allclose(sectors[0], sectors[1] * [1, -1, 1])


def test_a_known_orientation():
    """A crystal turned by 45° about x has 011 along z, and still 100 along x."""
    turned = Rotation.from_euler("x", 45, degrees=True).as_quat()
    np.testing.assert_allclose(orientation_colors(turned, "cI"), [[0, 1, 0]], atol=1e-7)
    np.testing.assert_allclose(orientation_colors(turned, "cI", (1, 0, 0)), [[1, 0, 0]], atol=1e-7)


def test_no_orientation_is_grey_and_no_lattice_is_refused():
    colors = orientation_colors([[0, 0, 0, 1], [np.nan] * 4], "cF")
    np.testing.assert_allclose(colors, [[1, 0, 0], UNKNOWN])
    with pytest.raises(ValueError, match="lattice is 'aP'; accepted are"):
        orientation_colors([[0, 0, 0, 1]], "aP")


@pytest.mark.parametrize("laue", CORNERS)
def test_the_key_shows_the_sector(laue):
    picture, (left, right, bottom, _) = key_picture(laue, 80)
    assert left == 0 and right > 0 and (bottom < 0) == (laue == "-3m")
    assert picture.shape[1:] == (80, 4) and picture.min() >= 0 and picture.max() <= 1
    shown = picture[..., 3].mean()
    assert 0.3 < shown < 0.9 and picture[-1, 0, 3] == 0  # the corner above 001 is outside
