"""How elements, vacancies and shifts are ordered: on which lattice, on which kinds of sites."""

from dataclasses import dataclass

import numpy as np
import spglib
from scipy.special import chdtrc  # chi2.sf takes 50 times as long

from crystutor.crystal.average.folding import Folded, fold
from crystutor.crystal.lattice.sublattices import coarser_lattices, reduced, sublattice_basis
from crystutor.crystal.samples import Atoms, Sample, nearest_atoms
from crystutor.crystal.structures import numbers_of

MOST_ATOMS = 3000  # that are folded
FEW_ATOMS = 40  # a periodic cell with as many is taken as it is
FEW_CELLS = 8  # with fewer, sites are compared by their commonest element
FALSE_ALARM = 1e-5  # probability that chance orders the elements or the vacancies
DIFFERENT = 1e-3  # probability that any two sites of one kind differ as much
PERFECT = 0.02  # [bond lengths]
LARGE_SHARE = 0.3  # of the atoms' scatter that ordered shifts explain; motion seldom does
FEWEST_PERIODS = 2.5  # of ordered shifts along an edge of the box; longer waves are motion
SHARPEST = 0.003  # places are compared within that or more [Å]


@dataclass(frozen=True, eq=False)
class AtomsToFold:
    """Atoms of a sample that are folded.

    Attributes
    ----------
    positions : shape (n, 3) [Å]
    numbers : atomic numbers, shape (n,)
    share : of the atoms of the sample, in (0, 1]
    distance : bond length [Å]
    """

    positions: np.ndarray
    numbers: np.ndarray
    share: float
    distance: float


def atoms_to_fold(structure: Atoms, sample: Sample, distance: float) -> AtomsToFold:
    """All atoms, or a ball of a large sample; places, atomic numbers and share of the sample."""
    positions, numbers = sample.fractions @ sample.box, numbers_of(structure)
    if len(positions) <= MOST_ATOMS:
        return AtomsToFold(positions, numbers, 1.0, distance)
    center = positions[len(positions) // 2]
    indices, vectors = nearest_atoms(sample, center, MOST_ATOMS, distance)
    return AtomsToFold(vectors + center, numbers[indices], MOST_ATOMS / len(positions), distance)


def fold_with_elements(places: Folded, atoms: AtomsToFold, sample: Sample) -> Folded:
    """Fold into the cell that elements, vacancies and shifts have: that of the places or coarser.

    Shifts are the distances of the atoms from their sites.
    """
    elements = np.unique(atoms.numbers)
    whole = sample.periodic.all()
    if whole and len(sample) <= FEW_ATOMS:
        return places if len(elements) == 1 else _fold_as_written(places, atoms, sample)
    folded = places
    while True:
        n_cells = number_of_cells(folded, atoms, sample) if whole and atoms.share == 1 else None
        repeats = np.round(sample.box[sample.periodic] @ np.linalg.inv(folded.basis))
        taken = folded.without_interstitials()
        kinds = np.unique(atoms.numbers[folded.sites >= 0], return_inverse=True)[1]
        chances = [
            (_of_order(taken, kinds, p, a, n_cells, sample), p, a)
            for p, a in coarser_lattices()
            if not (repeats @ a % p).any()
        ]
        lowest, p, a = min(chances, key=lambda chance: chance[0], default=(0.0, 1, np.zeros(3)))
        if lowest > np.log(FALSE_ALARM):
            return folded
        basis = sublattice_basis(folded.basis, p, a)
        folded = fold(atoms.positions, basis, atoms.distance)


def _fold_as_written(places, atoms, sample):
    """Fold a small cell of several elements into the primitive cell that Spglib finds in it."""
    cell = (sample.box.tolist(), sample.fractions.tolist(), atoms.numbers.tolist())
    dataset = spglib.get_symmetry_dataset(cell, symprec=PERFECT * atoms.distance)
    basis = reduced(sample.box if dataset is None else dataset.primitive_lattice)
    same = abs(np.linalg.det(basis) / np.linalg.det(places.basis)) < 1.5
    return places if same else fold(atoms.positions, basis, atoms.distance)


def _of_order(folded, kinds, p, a, n_cells, sample):
    """Log of the probability that p sublattices differ as much by chance, in kinds or shifts."""
    parts = folded.sites * p + folded.cells @ a % p
    n_sites, n_kinds = len(folded.centers), kinds.max() + 1
    table = np.bincount(parts * n_kinds + kinds, minlength=n_sites * p * n_kinds)
    return min(
        _of_kinds(table.reshape(n_sites, p, n_kinds), n_cells),
        _of_shifts(folded, parts, p, a, sample),
    )


def _of_kinds(table, n_cells):
    """Log of the probability that p sublattices differ as much by chance.

    In the shares of the elements, or, if the number of cells is known, in that of the vacancies.
    The table of atoms has the shape (n_sites, p, n_elements).
    """
    tables = [table]
    if n_cells is not None:
        atoms = table.sum(axis=2)
        vacancies = np.maximum(0, n_cells / table.shape[1] - atoms)
        tables.append(np.stack([atoms, vacancies], axis=2))
    return min(map(_log_chance, tables))


def _of_shifts(folded, parts, p, a, sample):
    """Log of the probability that the atoms of p sublattices are shifted as differently by chance.

    0 if the shifts explain little of the atoms' scatter, or are a wave as long as the sample.
    """
    counts = np.bincount(parts)
    sums = np.stack([np.bincount(parts, x) for x in folded.offsets.T], axis=1)
    between = ((sums**2).sum(axis=1) / np.maximum(1, counts)).sum()
    total = (folded.offsets**2).sum()
    n_parts = np.count_nonzero(counts)
    freedom = 3 * (n_parts - len(folded.centers))
    variance = max((total - between) / max(1, 3 * (len(parts) - n_parts)), SHARPEST**2)
    if (
        between - freedom * variance < LARGE_SHARE * total
        or _periods(folded, p, a, sample) < FEWEST_PERIODS
    ):
        return 0.0
    return _log_tail(between / variance, max(1, freedom))


def _periods(folded, p, a, sample):
    """How often the longest wave of a sublattice fits along an edge of the box."""
    nearby = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), axis=-1).reshape(-1, 3)
    waves = (a / p + nearby) @ np.linalg.inv(folded.basis).T
    longest = waves[np.linalg.norm(waves, axis=1).argmin()]
    return np.abs(sample.box @ longest).max()


def _log_chance(table):
    """Log of the probability of a table of sites, sublattices and kinds, by chi squared tests.

    The lower one of all sites together and, times their number, of the most uneven site.
    """
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=2, keepdims=True)
    expected = expected / np.maximum(1, table.sum(axis=(1, 2), keepdims=True))
    totals = ((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum(axis=(1, 2))
    n_kinds = (table.sum(axis=1) > 0).sum(axis=1)
    freedom = (table.shape[1] - 1) * np.maximum(0, n_kinds - 1)
    if not totals.any():
        return 0.0
    single = _log_tail(totals, np.maximum(1, freedom)).min() + np.log(len(table))
    return min(single, _log_tail(totals.sum(), max(1, freedom.sum())))


def _log_tail(chi_squared, freedom):
    """Log of the probability of a larger chi squared."""
    with np.errstate(divide="ignore"):
        return np.log(chdtrc(freedom, chi_squared))


def counts_of(folded: Folded, numbers: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """Atoms of each element on each site, shape (n_sites, n_elements)."""
    table = np.zeros((len(folded.centers), len(elements)), int)
    taken = folded.sites >= 0
    np.add.at(table, (folded.sites[taken], np.searchsorted(elements, numbers[taken])), 1)
    return table


def number_of_cells(folded: Folded, atoms: AtomsToFold, sample: Sample) -> float:
    """Number of cells that were folded; in a finite sample the fullest site counts as full."""
    if not sample.periodic.all():
        return float(folded.counts.max())
    return float(atoms.share * abs(np.linalg.det(sample.box) / np.linalg.det(folded.basis)))


def kinds_of_sites(counts: np.ndarray, n_cells: float, whole: bool) -> np.ndarray:
    """Number the kinds of sites: those that hold the same within the errors, shape (n_sites,)."""
    if n_cells < FEW_CELLS:
        return counts.argmax(axis=1) + 1
    atoms = counts.sum(axis=1)
    full = np.column_stack([atoms, np.maximum(0, n_cells - atoms)]) if whole else atoms[:, None]
    kinds = np.zeros(len(counts), int)
    sums: list[tuple[np.ndarray, np.ndarray]] = []
    for site in np.argsort(-atoms, kind="stable"):
        own = counts[site], full[site]
        chances = [_chance_of_one_kind(own, of_kind) for of_kind in sums]
        best = int(np.argmax(chances)) if chances else 0
        if not chances or chances[best] < DIFFERENT / len(counts):
            best = len(sums)
            sums.append((np.zeros(counts.shape[1]), np.zeros(full.shape[1])))
        kinds[site] = best + 1
        sums[best] = sums[best][0] + own[0], sums[best][1] + own[1]
    return kinds


def _chance_of_one_kind(first, second):
    """Probability that two sites hold elements and vacancies as different by chance, the lower."""
    return min(_chance(one, other) for one, other in zip(first, second, strict=True))


def _chance(first, second):
    """Probability that two rows of counts differ as much by chance, by a chi squared test."""
    table = np.array([first, second])[:, first + second > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    total = ((table - expected) ** 2 / expected).sum()
    return chdtrc(max(1, table.shape[1] - 1), total)
