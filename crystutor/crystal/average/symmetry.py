"""The space group of an average structure: the highest that its sites do not exclude."""

from dataclasses import dataclass, field

import numpy as np
import spglib
from scipy.special import chdtrc

from crystutor.crystal.average.folding import Folded

LEAST_ERROR = 0.003  # of a place that is written to 0.01 Å [Å]
UNEVEN = 4  # atoms; rounding of more shows in their scatter
WIDTHS = (12.0, 8.0, 5.0, 3.0)  # tolerances that are tried [largest error of a site]
LARGEST_TOLERANCE = 0.3  # [bond lengths]
LATTICE_TOLERANCE = 0.005  # change of length of a lattice vector that is turned, as a share
TOO_FAR = 1e-4  # probability that sites are as far from symmetric places by chance
SHARED = 4  # atoms whose scatter is taken from all sites, beside those of a site
CUBIC_GROUPS = {  # of a lattice with one site: number, symbol, points in the conventional cell
    "cP": (221, "Pm-3m", 1),
    "cF": (225, "Fm-3m", 4),
    "cI": (229, "Im-3m", 2),
}
FAMILIES, LAST_OF_FAMILY = "amothc", (2, 15, 74, 142, 194, 230)  # of space groups


@dataclass(frozen=True, eq=False)
class Group:
    """A space group.

    Attributes
    ----------
    number : international number; None if Spglib finds none
    symbol : its Hermann-Mauguin symbol, or ""
    bravais : its Bravais lattice in Pearson's two letters, or ""
    lengths : edges of the conventional cell, shape (3,) [Å]
    tolerance : within which the symmetry holds [Å]
    """

    number: int | None = None
    symbol: str = ""
    bravais: str = ""
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(3))
    tolerance: float = 0.0


def errors_of_sites(folded: Folded) -> np.ndarray:
    """Standard error of each site's place, per component, shape (n_sites,) [Å]."""
    counts = np.maximum(1, folded.counts)
    squares, freedom = folded.scatter**2 * (counts - 1), counts - 1
    mean = squares.sum() / max(1, freedom.sum())
    scatter = (squares + SHARED * mean) / (freedom + SHARED)
    return np.sqrt(scatter / counts + (LEAST_ERROR / np.minimum(counts, UNEVEN)) ** 2)


def find_group(lattice: np.ndarray, folded: Folded, kinds: np.ndarray, distance: float) -> Group:
    """Find the space group of the sites of an average cell.

    Parameters
    ----------
    lattice
        Vectors of the cell as rows, shape (3, 3) [Å].
    folded
        The sites, in a cell that is nearly this one.
    kinds
        Number of the kind of each site, shape (n_sites,).
    distance
        Bond length [Å].

    Returns
    -------
    Group
        The first that fits, of those that Spglib finds within 12, 8, 5 and 3 standard errors of
        the sites' places. A group fits if the distances of the sites from symmetric places are
        those of chance, by a chi squared test.

    References
    ----------
    A. Togo, K. Shinohara and I. Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822 (2024).
    """
    errors = errors_of_sites(folded)
    fractions = folded.centers @ np.linalg.inv(folded.basis)
    cell = (lattice.tolist(), fractions.tolist(), kinds.tolist())
    found = Group()
    for width in WIDTHS:
        tolerance = _tolerance(width, errors, distance)
        dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
        if dataset is None:
            continue
        found = _named(dataset, tolerance)
        turned = _keeps_lengths(dataset.rotations, lattice)
        if turned and _fits(dataset, lattice, fractions, kinds, errors):
            break
    return found


def group_of_one_site(lattice: np.ndarray, bravais: str, folded: Folded, distance: float) -> Group:
    """Give the space group of a cubic lattice, one of `CUBIC_GROUPS`, with one site in its cell.

    It is what `find_group` finds for the same parameters, but Spglib takes 10 ms.
    """
    number, symbol, n_points = CUBIC_GROUPS[bravais]
    edge = np.cbrt(n_points * abs(np.linalg.det(lattice)))
    tolerance = _tolerance(WIDTHS[0], errors_of_sites(folded), distance)
    return Group(number, symbol, bravais, np.full(3, edge), tolerance)


def _tolerance(width, errors, distance):
    return float(min(width * errors.max(), LARGEST_TOLERANCE * distance))


def _named(dataset, tolerance):
    family = FAMILIES[np.searchsorted(LAST_OF_FAMILY, dataset.number)]
    centring = "S" if dataset.international[0] in "ABC" else dataset.international[0]
    lengths = np.linalg.norm(dataset.std_lattice, axis=1)
    return Group(dataset.number, dataset.international, family + centring, lengths, tolerance)


def _keeps_lengths(rotations, lattice):
    """Whether a group's rotations turn the lattice's vectors into vectors of the same lengths."""
    lengths = np.linalg.norm(lattice, axis=1)
    turned = np.linalg.norm(rotations.transpose(0, 2, 1) @ lattice, axis=2)
    return bool((np.abs(turned / lengths - 1) < LATTICE_TOLERANCE).all())


def _fits(dataset, lattice, fractions, kinds, errors):
    """Whether the sites are as close to places of the group's symmetry as chance lets them be."""
    n = len(fractions)
    images = np.einsum("gij,nj->gni", dataset.rotations, fractions)
    images += dataset.translations[:, None]
    steps = images[:, :, None] - fractions
    steps -= np.round(steps)
    lengths = np.where(kinds[:, None] == kinds, ((steps @ lattice) ** 2).sum(axis=-1), np.inf)
    targets = lengths.argmin(axis=2)
    misses = np.take_along_axis(steps, targets[:, :, None, None], axis=2)[:, :, 0] @ lattice
    misses -= misses.mean(axis=1, keepdims=True)  # each operation's translation is fitted
    sums = np.zeros((n, 3))
    np.add.at(sums, targets.ravel(), misses.reshape(-1, 3))
    away = sums / len(targets)
    turns = np.trace(dataset.rotations, axis1=1, axis2=2)
    free = (turns * (targets == np.arange(n)).sum(axis=1)).sum() / len(targets)
    total = ((away / errors[:, None]) ** 2).sum()
    return bool(chdtrc(max(1.0, 3 * n - free), total) > TOO_FAR)
