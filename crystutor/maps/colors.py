"""Colours of orientations: the inverse pole figure of a direction of the sample."""

import numpy as np
from scipy.spatial.transform import Rotation

from crystutor.arguments import InputError

LAUE_CLASSES = {"c": "m-3m", "t": "4/mmm", "hP": "6/mmm", "hR": "-3m"}
HALF = np.sqrt(0.5)
CORNERS = {  # red, green and blue, as unit vectors along the standard axes, and their names
    "m-3m": (np.array([[0, 0, 1], [HALF, 0, HALF], np.full(3, np.sqrt(1 / 3))]), "001 011 111"),
    "4/mmm": (np.array([[0, 0, 1], [1, 0, 0], [HALF, HALF, 0]]), "001 100 110"),
    "6/mmm": (np.array([[0, 0, 1], [1, 0, 0], [np.sqrt(3 / 4), 0.5, 0]]), "0001 2-1-10 10-10"),
}
CORNERS["-3m"] = CORNERS["6/mmm"]
UNKNOWN = (0.85, 0.85, 0.85)  # colour without an orientation
SHADE = 0.55  # of it is taken away where a trigonal crystal differs most from its mirror image
LARGEST_HARMONIC = 3 * np.sqrt(3) / 16  # of z Im (x + iy)^3 on the unit sphere


def laue_class(bravais: str) -> str:
    """Name the symmetry of directions in a crystal whose lattice is given in Pearson's letters.

    Examples
    --------
    >>> laue_class("cF"), laue_class("hR")
    ('m-3m', '-3m')
    """
    name = LAUE_CLASSES.get(bravais, LAUE_CLASSES.get(bravais[:1]))
    if name is None:
        raise InputError(f"the lattice is {bravais!r}; accepted are c*, t*, hP and hR")
    return name


def orientation_colors(
    orientations: np.ndarray, bravais: str, direction: tuple[float, float, float] = (0, 0, 1)
) -> np.ndarray:
    """Colour orientations by the crystal direction that points along a direction of the sample.

    Parameters
    ----------
    orientations
        Quaternions x y z w, from the standard axes of the cell to the sample, shape (n, 4).
    bravais
        Bravais lattice in Pearson's two letters: cubic, tetragonal, hP or hR.
    direction
        In the sample, of any length.

    Returns
    -------
    ndarray
        Red, green and blue, shape (n, 3), in [0, 1]. Light grey where the orientation is nan.

    Notes
    -----
    These are the usual colours of an inverse pole figure: 001 is red, 011 green and 111 blue in a
    cubic crystal. They say what points along the direction, not how the crystal is turned about it.

    Examples
    --------
    >>> orientation_colors([[0, 0, 0, 1]], "cF").tolist()
    [[1.0, 0.0, 0.0]]
    """
    orientations = np.reshape(np.asarray(orientations, float), (-1, 4))
    colors = np.tile(UNKNOWN, (len(orientations), 1))
    known = np.isfinite(orientations).all(axis=1)
    if known.any():
        along = np.asarray(direction, float) / np.linalg.norm(direction)
        inside = Rotation.from_quat(orientations[known]).inv().apply(along)
        colors[known] = direction_colors(inside, laue_class(bravais))
    return colors


def direction_colors(directions: np.ndarray, laue: str) -> np.ndarray:
    """Colour directions in a crystal.

    Parameters
    ----------
    directions
        Unit vectors along the standard axes, shape (n, 3).
    laue
        Laue class: m-3m, 4/mmm, 6/mmm or -3m.

    Returns
    -------
    ndarray
        Shape (n, 3), in [0, 1].

    Notes
    -----
    A direction is moved into the standard triangle and written as a sum of its three corners. The
    square roots of the coefficients, divided by the largest, are red, green and blue. The sector
    of -3m is two triangles of 6/mmm; the colours of the second are darker.
    """
    folded = into_sector(directions, laue)
    shares = np.abs(folded) @ np.linalg.inv(CORNERS[laue][0])
    colors = np.sqrt(np.clip(shares, 0, None))
    colors /= colors.max(axis=1, keepdims=True)
    if laue == "-3m":
        darker = np.clip(-_handedness(directions) / LARGEST_HARMONIC, 0, 1)
        colors *= 1 - SHADE * darker[:, None]
    return colors


def into_sector(directions: np.ndarray, laue: str) -> np.ndarray:
    """Move directions, shape (n, 3), into the sector of a Laue class by its symmetry.

    The sector lies between the corners; that of -3m also has its mirror image, with y < 0.
    """
    x, y, z = np.abs(directions).T
    if laue == "m-3m":
        return np.sort(np.abs(directions), axis=1)[:, [1, 0, 2]]
    if laue == "4/mmm":
        return np.stack([np.maximum(x, y), np.minimum(x, y), z], axis=1)
    angle = np.arctan2(y, x) % (np.pi / 3)
    angle = np.minimum(angle, np.pi / 3 - angle)
    radius = np.hypot(x, y)
    mirrored = (laue == "-3m") & (_handedness(directions) < 0)
    sign = np.where(mirrored, -1, 1)
    return np.stack([radius * np.cos(angle), sign * radius * np.sin(angle), z], axis=1)


def stereographic(directions: np.ndarray) -> np.ndarray:
    """Project unit vectors of the upper half, shape (n, 3), into the unit circle, shape (n, 2)."""
    return directions[:, :2] / (1 + directions[:, 2:])


def key_picture(laue: str, n: int = 200) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Draw the sector of a Laue class in its colours.

    Parameters
    ----------
    laue
        Laue class: m-3m, 4/mmm, 6/mmm or -3m.
    n
        Number of pixels along x.

    Returns
    -------
    tuple
        Picture with transparent surroundings, shape (m, n, 4), lowest row first, and its edges
        left, right, bottom and top in the stereographic projection.
    """
    corners = stereographic(CORNERS[laue][0])
    right, top = corners.max(axis=0)
    bottom = -top if laue == "-3m" else 0.0
    m = max(2, round(n * (top - bottom) / right))
    u, v = np.meshgrid(np.linspace(0, right, n), np.linspace(bottom, top, m))
    square = u**2 + v**2
    directions = np.stack([2 * u, 2 * v, 1 - square], axis=-1) / (1 + square)[..., None]
    flat = directions.reshape(-1, 3)
    inside = np.isclose(into_sector(flat, laue), flat, atol=1e-9).all(axis=1)
    picture = np.column_stack([direction_colors(flat, laue), inside]).reshape(m, n, 4)
    return picture, (0.0, float(right), float(bottom), float(top))


def _handedness(directions):
    """The lowest harmonic that tells a direction from its mirror image in -3m but not in 32."""
    x, y, z = directions.T
    return z * ((x + 1j * y) ** 3).imag
