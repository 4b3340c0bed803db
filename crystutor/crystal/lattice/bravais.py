"""The symmetric lattices that a measured lattice may stand for, weighed by strain."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

SYMMETRY = ("cP", "cF", "cI", "hP", "tI", "tP", "hR", "other")  # highest first
AT_REST = 0.0025  # strain at which a lower symmetry is believed as much as a higher one
IN_MOTION = 0.016  # the same where atoms move: a box of a simulation is strained
MOTION = 0.01  # scatter of the atoms' places that counts as motion [bond lengths]
BELIEVED_AT_REST = 0.005  # largest strain of a lattice that counts as symmetric, at rest
FARTHEST = 0.04  # the same in motion; a class may be named for such a lattice
NEARLY_ALL = 0.15  # share of the higher lattice's strain that a lower one may leave unexplained
WITHIN = 0.1  # first look at ratios of lengths and at cosines
COEFFICIENTS = np.array(  # of the vectors of which conventional cells are made, one of each pair
    [v for v in itertools.product(range(-3, 4), repeat=3) if v > (0, 0, 0)]
)
HALF, THIRD = 0.5, 1 / 3
CENTRINGS = {  # by the cosine of the angle of the base: inner lattice points, symmetries
    0.0: (
        ((), ("cP", "tP")),
        (((HALF, HALF, HALF),), ("cI", "tI")),
        (((HALF, HALF, 0), (HALF, 0, HALF), (0, HALF, HALF)), ("cF",)),
    ),
    0.5: (
        ((), ("hP",)),
        (((2 * THIRD, THIRD, THIRD), (THIRD, 2 * THIRD, 2 * THIRD)), ("hR",)),
    ),
}
LEAST_WEIGHT = 0.01
EXACT = 2e-5  # strain that rounded numbers make


@dataclass(frozen=True, eq=False)
class SymmetricLattice:
    """A conventional cell of a measured lattice, and how well the symmetry fits.

    Attributes
    ----------
    matrix : cell vectors as rows, not idealised, shape (3, 3) [Å]
    bravais : Bravais lattice in Pearson's two letters, or "other"
    strain : largest principal strain to the nearest lattice of that symmetry
    weight : belief in this symmetry, in [0, 1]
    """

    matrix: np.ndarray
    bravais: str
    strain: float
    weight: float = 1.0


def weigh_lattices(
    basis: np.ndarray,
    error: float = 0.0,
    scatter: float = 0.0,
    may_be: Callable[[np.ndarray, str], bool] | None = None,
) -> tuple[list[SymmetricLattice], dict[str, np.ndarray]]:
    """Find the symmetric lattices near a measured one, and weigh them.

    Parameters
    ----------
    basis
        Primitive vectors as rows, right-handed, shape (3, 3) [Å].
    error
        Standard error of the strain of this lattice.
    scatter
        Standard deviation of an atom's place per component [bond lengths].
    may_be
        Function of a conventional cell and its Bravais lattice that says whether the crystal has
        that symmetry; asked for strained lattices only.

    Returns
    -------
    lattices : list of SymmetricLattice
        Those with a weight above 1 %, the weightiest first. If none is near, the primitive cell
        itself as "other".
    possible : dict
        Conventional cells by Bravais lattice: theirs, and those of all higher symmetries within
        4 % of strain.

    Notes
    -----
    The highest symmetry within 0.5 % of strain has the weight 2^-(strain / s)^2. s is 0.25 % for
    a crystal at rest: cells whose parameters are rounded to 0.01 Å stay cubic. The two grow to 4 %
    and 1.6 % for a crystal in motion: the box of a simulation is never exactly cubic. A lower
    symmetry takes the rest where it leaves less than about 15 % of that strain unexplained.
    """
    near = _near_lattices(basis)
    if may_be:
        near = [each for each in near if each.strain < EXACT or may_be(each.matrix, each.bravais)]
    motion = 1 - np.exp(-((scatter / MOTION) ** 2))
    scale = np.hypot(AT_REST + (IN_MOTION - AT_REST) * motion, 2 * error)
    limit = np.hypot(BELIEVED_AT_REST + (FARTHEST - BELIEVED_AT_REST) * motion, 4 * error)
    believable = [lattice for lattice in near if lattice.strain < limit]
    if not believable:
        return [SymmetricLattice(basis, "other", 0.0)], {"other": basis}
    highest = min(believable, key=lambda lattice: SYMMETRY.index(lattice.bravais))
    belief = 0.5 ** ((highest.strain / scale) ** 2)
    weights = [belief]
    lower = [lattice for lattice in believable if lattice is not highest]
    unexplained = np.hypot(NEARLY_ALL * highest.strain, 2 * error) + EXACT
    for lattice in lower:
        weights.append((1 - belief) * 0.5 ** ((lattice.strain / unexplained) ** 4))
    total = sum(weights)
    weighed = [
        replace(lattice, weight=float(weight / total))
        for lattice, weight in zip([highest, *lower], weights, strict=True)
        if weight > LEAST_WEIGHT * total
    ]
    weighed.sort(key=lambda lattice: -lattice.weight)
    rank = SYMMETRY.index(weighed[0].bravais)
    higher = [lattice for lattice in near if SYMMETRY.index(lattice.bravais) < rank]
    return weighed, {lattice.bravais: lattice.matrix for lattice in (*weighed, *higher)}


def _near_lattices(basis):
    """Conventional cells of the symmetric lattices near a lattice; of each symmetry the nearest."""
    near = []
    for cosine, centrings in CENTRINGS.items():
        cells = _conventional_cells(basis, cosine)
        for points, names in centrings:
            centred = cells[_have_points(cells, points)] @ basis
            for bravais in names if len(centred) else ():
                strains = strain_to_symmetry(centred, bravais)
                cell = _along_the_frame(centred[strains.round(9).argmin()], bravais)
                near.append(SymmetricLattice(cell, bravais, float(strains.min())))
    return [lattice for lattice in near if lattice.strain < FARTHEST]


def _conventional_cells(basis, cosine):
    """Right-handed cells with equal a and b at an angle and upright c, roughly; integers."""
    vectors = COEFFICIENTS @ basis
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors.T / np.outer(lengths, lengths)
    equal = np.triu(np.abs(np.log(lengths / lengths[:, None])) < WITHIN, 1)
    upright = np.abs(cosines) < WITHIN
    pairs = np.argwhere(equal & (np.abs(np.abs(cosines) - cosine) < WITHIN))
    pair, above = np.nonzero(upright[pairs[:, 0]] & upright[pairs[:, 1]])
    a, b = pairs[pair].T
    opposite = np.where(cosines[a, b] > 0, -1, 1)[:, None]  # 120 degrees, not 60
    cells = np.stack([COEFFICIENTS[a], opposite * COEFFICIENTS[b], COEFFICIENTS[above]], axis=1)
    cells = np.concatenate([cells, cells * np.array([[-1], [-1], [1]])])  # both settings of hR
    n_points = np.round(np.linalg.det(cells)).astype(int)
    cells[n_points < 0, 2] *= -1
    return cells[np.isin(np.abs(n_points), (1, 2, 3, 4))]


def _have_points(cells, points):
    """Which cells, in coefficients of a primitive one, have just these lattice points inside."""
    inner = np.array(points).reshape(-1, 3) @ cells
    right = np.abs(np.linalg.det(cells) - len(points) - 1) < 0.5
    return right & (np.abs(inner - np.round(inner)) < 1e-6).all(axis=(1, 2))


def strain_to_symmetry(matrix: np.ndarray, bravais: str) -> np.ndarray:
    """Largest principal strain between cells and the nearest ones of a symmetry.

    Parameters
    ----------
    matrix
        Vectors of conventional cells as rows, shape (..., 3, 3) [Å].
    bravais
        Bravais lattice in Pearson's two letters.

    Returns
    -------
    ndarray
        Shape (...). The nearest cell has the metric's mean over the symmetry's rotations.
    """
    metric = matrix @ matrix.swapaxes(-1, -2)
    stretches = np.sqrt(np.linalg.eigvals(np.linalg.solve(_ideal(metric, bravais), metric)).real)
    return np.abs(stretches - 1).max(axis=-1)


def ideal_lattice(matrix: np.ndarray, bravais: str, primitive: np.ndarray) -> np.ndarray:
    """Primitive vectors of the nearest lattice of a symmetry, shape (3, 3) [Å]; turned somehow.

    Parameters
    ----------
    matrix
        Vectors of the conventional cell as rows, shape (3, 3) [Å].
    bravais
        Bravais lattice in Pearson's two letters; "other" leaves the lattice as it is.
    primitive
        Vectors of the primitive cell of the same lattice, shape (3, 3) [Å].
    """
    if bravais == "other":
        return primitive
    conventional = np.linalg.cholesky(_ideal(matrix @ matrix.T, bravais))
    return primitive @ np.linalg.inv(matrix) @ conventional


def _ideal(metric, bravais):
    """Metric of the nearest lattice of a symmetry: the mean over its rotations."""
    turns = _rotations(bravais)
    turned = np.einsum("nij,...jk,nlk->...il", turns, metric, turns, optimize=True)
    return turned / len(turns)


def _along_the_frame(matrix, bravais):
    """Of the settings of a cell that its symmetry allows, the one most along x, y and z."""
    directions = matrix / np.linalg.norm(matrix, axis=1)[:, None]
    along = [np.trace(turn @ directions) for turn in _rotations(bravais)]
    return _rotations(bravais)[int(np.argmax(np.round(along, 6)))] @ matrix


def _rotations(bravais):
    """Rotations of a lattice, as they mix the vectors of its conventional cell, (n, 3, 3)."""
    return ROTATIONS[bravais[0] if bravais != "hR" else "hR"]


def _group(*generators):
    """All products of some integer matrices."""
    found = [np.eye(3, dtype=int)]
    for matrix in found:
        for generator in generators:
            product = generator @ matrix
            if not any(np.array_equal(product, known) for known in found):
                found.append(product)
    return np.array(found)


_TURNED_OVER = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
_CUBIC = np.array(
    [
        signs * np.eye(3, dtype=int)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in np.array(list(itertools.product((1, -1), repeat=3)))[:, :, None]
        if np.linalg.det(signs * np.eye(3)[list(order)]) > 0
    ]
)
ROTATIONS = {
    "c": _CUBIC,
    "t": _CUBIC[np.abs(_CUBIC[:, 2, 2]) == 1],
    "h": _group(np.array([[1, 1, 0], [-1, 0, 0], [0, 0, 1]]), _TURNED_OVER),
    "hR": _group(np.array([[0, 1, 0], [-1, -1, 0], [0, 0, 1]]), _TURNED_OVER),
}
