"""The average lattice of a crystal, found from its own diffraction, defects or not.

The intensity of N atoms grows like N^2 at the reciprocal-lattice points of the average lattice, and
like N everywhere else. For a periodic structure, every candidate is a reciprocal-lattice point of
its own cell, an integer vector h. The peaks among the candidates generate a sublattice.
"""

import numpy as np
import spglib
from pymatgen.core import Structure
from scipy.special import gammaincc

from crystutor.crystal.bragg import FEW_ATOMS, bragg_pattern

RESOLUTION = 2.0  # highest |g| times the bond length
FALSE_REFINEMENT = 3e-4  # probability that speckle refines a lattice by a given factor
MOST_VACANCIES = 0.8  # fraction
FALSE_CANDIDATES = 10  # speckles among the points that are tried as faint peaks
STRONG, FAINT = 3.0, 2.5  # least mean intensity over background of a set of points
THERMAL = 2.0  # factor on both where all of the background comes from displacements
WIDEST_VACUUM = 6.0  # [Å]


class NoAverageLatticeError(ValueError):
    """No three-dimensional average lattice stands out of the diffraction pattern."""


def find_average_lattice(structure: Structure, bond_length: float) -> tuple[np.ndarray, float]:
    """Find the primitive vectors of the average lattice.

    Parameters
    ----------
    structure
        Periodic structure, perfect or defective, one cell or many, in any orientation.
    bond_length
        Its average nearest-neighbour distance [Å]; sets the resolution.

    Returns
    -------
    vectors : ndarray
        As rows, in the structure's frame, shape (3, 3) [Å].
    displacement : float
        Standard deviation of the atoms' displacements per component [Å].

    Raises
    ------
    NoAverageLatticeError
        If no lattice stands out: a liquid, an amorphous solid, a slab, a molecule in a box.
    """
    _refuse_vacuum(structure, bond_length)
    pattern = bragg_pattern(structure, RESOLUTION / bond_length)
    basis = _peak_lattice(pattern)
    if len(basis) < 3 or _is_speckle(pattern, basis):
        if not _has_symmetry(structure):
            raise NoAverageLatticeError(
                f"no average lattice: the strongest peak is {pattern.ratios.max():.1f} times "
                f"the background, {pattern.threshold:.1f} and three directions are needed"
            )
        basis = np.eye(3, dtype=int)
    reciprocal = basis @ structure.lattice.reciprocal_lattice_crystallographic.matrix
    return np.linalg.inv(reciprocal).T, pattern.displacement


def _peak_lattice(pattern):
    """Basis of the integer lattice that the peaks generate, shape (<= 3, 3).

    A single faint peak looks like speckle. Faint peaks refine the lattice if together they are
    too bright for that.
    """
    basis = _refine(pattern, np.zeros((0, 3), int), pattern.threshold, STRONG)
    if len(basis) < 3:
        return basis
    finer = _refine(pattern, basis, np.log(len(pattern.g) / FALSE_CANDIDATES), FAINT)
    index = abs(np.linalg.det(basis) / np.linalg.det(finer))
    n_choices = 3 * index**2  # about as many lattices are finer by this factor
    by_chance = n_choices * _speckle_probability(pattern, finer, basis)
    return finer if by_chance < FALSE_REFINEMENT else basis


def _refine(pattern, basis, threshold, least):
    """Refine a lattice by the points brighter than a threshold, strongest first.

    A point outside the lattice is taken only if the whole set of points that it would add reaches
    the least mean intensity over background. The diffuse foot of a strong peak does not reach it.
    Long sound waves make that foot bright; displacements therefore raise the limit.
    """
    least *= 1 + (THERMAL - 1) * pattern.thermal_fraction
    peaks = np.flatnonzero(pattern.ratios > threshold)
    peaks = peaks[np.argsort(-pattern.intensities[peaks], kind="stable")]
    peaks = peaks[~_contains(basis, pattern.indices[peaks])]
    while len(peaks):
        finer = integer_basis(np.vstack([basis, pattern.indices[peaks[0]]]))
        if len(finer) > len(basis) or _added(pattern, finer, basis).mean() > least:
            basis = finer
        peaks = peaks[1:]
        peaks = peaks[~_contains(basis, pattern.indices[peaks])]
    return basis


def _speckle_probability(pattern, finer, coarser):
    """Probability that speckle is as bright as the points that a lattice adds.

    Points that differ by a vector of the coarser lattice are not independent: n sites per cell
    give each coset n amplitudes, and h and -h have the same intensity.
    """
    added = _added(pattern, finer, coarser)
    if len(added) == 0:
        return 1.0
    n_cells, n_finer_cells = (abs(np.linalg.det(basis)) for basis in (coarser, finer))
    vacancies = min(pattern.background[0] / pattern.n_scatterers, MOST_VACANCIES)
    sites_per_cell = max(1.0, pattern.n_scatterers / (1 - vacancies) / n_cells)
    n_amplitudes = min(len(added), (n_cells / n_finer_cells - 1) * sites_per_cell / 2)
    return gammaincc(n_amplitudes, added.mean() * n_amplitudes)  # sum of so many exponentials


def _added(pattern, finer, coarser):
    """Ratios of the points by which one lattice is finer than another."""
    return pattern.ratios[_contains(finer, pattern.indices) & ~_contains(coarser, pattern.indices)]


def _is_speckle(pattern, basis):
    """Whether a lattice owes its brightness to the three points that made it."""
    if pattern.n_scatterers < FEW_ATOMS:
        return False
    ratios = np.sort(pattern.ratios[_contains(basis, pattern.indices)])
    return len(ratios) <= 3 or ratios[:-3].mean() < STRONG


def _contains(basis, vectors):
    """Whether each integer vector is an integer combination of the rows of a basis, shape (n,)."""
    coefficients = vectors @ np.linalg.pinv(basis) if len(basis) else np.zeros((len(vectors), 0))
    rounded = np.round(coefficients)
    return (np.abs(rounded @ basis - vectors) < 0.5).all(axis=1)


def integer_basis(vectors: np.ndarray) -> np.ndarray:
    """Find a basis of the lattice that integer vectors generate.

    Parameters
    ----------
    vectors
        As rows, shape (n, m), integers.

    Returns
    -------
    ndarray
        Non-zero rows of the vectors' Hermite form, shape (rank, m), integers.

    Examples
    --------
    >>> integer_basis(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 1]]))
    array([[1, 1, 1],
           [0, 2, 0],
           [0, 0, 2]])
    """
    rows = np.array(vectors, dtype=int)
    rank = 0
    for column in range(rows.shape[1]):
        while np.count_nonzero(rows[rank:, column]) > 1:
            values = np.abs(rows[rank:, column])
            pivot = rank + np.where(values > 0, values, values.max() + 1).argmin()
            rows[[rank, pivot]] = rows[[pivot, rank]]
            rows[rank + 1 :] -= np.outer(rows[rank + 1 :, column] // rows[rank, column], rows[rank])
        pivots = rank + np.flatnonzero(rows[rank:, column])
        if len(pivots):
            rows[[rank, pivots[0]]] = rows[[pivots[0], rank]]
            rows[:rank] -= np.outer(rows[:rank, column] // rows[rank, column], rows[rank])
            rank += 1
    return rows[:rank]


def _has_symmetry(structure):
    cell = (structure.lattice.matrix, structure.frac_coords, structure.atomic_numbers)
    dataset = spglib.get_symmetry_dataset(cell, symprec=1e-3)
    return dataset is not None and dataset.number > 2


def _refuse_vacuum(structure, bond_length):
    for axis, normal in enumerate(structure.lattice.reciprocal_lattice_crystallographic.abc):
        fractions = np.sort(np.mod(structure.frac_coords[:, axis], 1.0))
        gap = np.diff(fractions, append=fractions[0] + 1).max() / normal
        if gap > max(WIDEST_VACUUM, 3 * bond_length):
            raise NoAverageLatticeError(
                f"no average lattice: {gap:.0f} Å of vacuum along axis {'abc'[axis]}; "
                "a crystal that fills its cell is accepted, not a slab, a layer or a molecule"
            )
