"""The average lattice of a crystal, found from its own diffraction, defects or not.

At the reciprocal-lattice points of the average lattice the intensity of N atoms grows like N^2,
everywhere else like N. For a periodic structure every candidate is a reciprocal-lattice point of
its own cell, an integer vector h; the peaks among them generate a sublattice.
"""

from dataclasses import dataclass

import numpy as np
import spglib
from pymatgen.core import Structure
from threadpoolctl import ThreadpoolController

RESOLUTION = 2.0  # highest |g| times the bond length
FALSE_ALARM = 1e-6  # probability that one speckle of the whole pattern passes for a peak
FEW_ATOMS = 40  # below, there is no speckle to tell peaks from: the cell is taken as perfect
MOST_SCATTERERS = 4000  # a random choice of that many atoms has the same peaks
WEAKEST_PEAK = 1e-4  # of the strongest possible: what rounded coordinates leave behind
SIGNIFICANCE = 3.0  # mean intensity over background of a set of points
SHELL_SIZE = 200
WIDEST_VACUUM = 6.0  # [Å]
BLAS = ThreadpoolController()


class NoAverageLatticeError(ValueError):
    """No three-dimensional average lattice stands out of the diffraction pattern."""


@dataclass(frozen=True)
class BraggPattern:
    """Intensities at the reciprocal-lattice points of a structure's own cell, one of each +-h.

    Attributes
    ----------
    indices : integer vectors h, shape (n, 3)
    g : their lengths, shape (n,) [1/Å]
    intensities : |sum_j exp(2 pi i h.x_j)|^2, shape (n,)
    background : level of the speckle at the same points, shape (n,)
    n_scatterers : number of atoms in the sum
    """

    indices: np.ndarray
    g: np.ndarray
    intensities: np.ndarray
    background: np.ndarray
    n_scatterers: int

    @property
    def ratios(self) -> np.ndarray:
        """Intensity over background."""
        return self.intensities / self.background

    @property
    def displacement(self) -> float:
        """Standard deviation of the atoms' displacements per component [Å], from the speckle.

        Vacancies of fraction x and displacements leave a background of 1 - (1 - x) exp(-4 pi^2
        sigma^2 g^2) per atom: a straight line in the logarithm over g^2.
        """
        order = 1 - np.minimum(self.background / self.n_scatterers, 0.99)
        outer = self.g > self.g[-1] / 3
        slope = np.polyfit(self.g[outer] ** 2, np.log(order[outer]), 1)[0]
        return float(np.sqrt(max(0.0, -slope)) / (2 * np.pi))


@BLAS.wrap(limits=1, user_api="blas")  # so that several processes share the cores
def bragg_pattern(structure: Structure, g_max: float) -> BraggPattern:
    """Evaluate the structure factor of unit scatterers up to |g| = g_max [1/Å].

    The sum factorises into one exponential per axis, so that it costs one complex matrix product
    for each value of the first index.
    """
    fractions = np.mod(structure.frac_coords, 1.0)
    if len(fractions) > MOST_SCATTERERS:
        fractions = np.random.default_rng(0).choice(fractions, MOST_SCATTERERS, replace=False)
    limits = np.floor(g_max * np.array(structure.lattice.abc)).astype(int)
    axes = [np.arange(-limit, limit + 1) for limit in limits]
    axes[0] = axes[0][limits[0] :]
    first, second, third = (
        np.exp(2j * np.pi * np.outer(axis, x)).astype(np.complex64)
        for axis, x in zip(axes, fractions.T, strict=True)
    )
    amplitudes = np.stack([(second * row) @ third.T for row in first])
    indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    g = np.linalg.norm(
        indices @ structure.lattice.reciprocal_lattice_crystallographic.matrix, axis=1
    )
    kept = np.flatnonzero((g <= g_max) & _is_first_of_pair(indices))
    kept = kept[np.argsort(g[kept], kind="stable")]
    intensities = np.abs(amplitudes.ravel()[kept]).astype(float) ** 2
    background = _speckle_level(g[kept], intensities, len(fractions))
    return BraggPattern(indices[kept], g[kept], intensities, background, len(fractions))


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
        For a liquid, an amorphous solid, a slab, a molecule in a box.
    """
    _refuse_vacuum(structure, bond_length)
    pattern = bragg_pattern(structure, RESOLUTION / bond_length)
    threshold = np.log(len(pattern.g) / FALSE_ALARM)
    basis = _peak_lattice(pattern, threshold)
    if len(basis) < 3 or _is_speckle(pattern, basis):
        if not _has_symmetry(structure):
            raise NoAverageLatticeError(
                f"no average lattice: the strongest peak is {pattern.ratios.max():.1f} times "
                f"the background, {threshold:.1f} and three directions are needed"
            )
        basis = np.eye(3, dtype=int)
    reciprocal = basis @ structure.lattice.reciprocal_lattice_crystallographic.matrix
    return np.linalg.inv(reciprocal).T, pattern.displacement


def _is_first_of_pair(indices):
    """True for one of h and -h, and false for h = 0."""
    h, k, l = indices.T
    return (h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (l > 0))))


def _speckle_level(g, intensities, n_scatterers):
    """Mean of the exponentially distributed speckle, from its median, shell by shell in |g|."""
    floor = WEAKEST_PEAK * n_scatterers**2 / np.log(len(intensities) / FALSE_ALARM)
    if n_scatterers < FEW_ATOMS:
        return np.full(len(intensities), floor)
    n_shells = max(1, len(intensities) // SHELL_SIZE)
    centers = [np.mean(shell**2) for shell in np.array_split(g, n_shells)]
    levels = [np.median(shell) / np.log(2) for shell in np.array_split(intensities, n_shells)]
    return np.maximum(np.interp(g**2, centers, levels), floor)


def _peak_lattice(pattern, threshold):
    """Basis of the integer lattice that the peaks generate, strongest first, shape (<= 3, 3).

    A weaker peak outside the lattice of the stronger ones refines it only if the whole set of
    points that it would add stands out; the diffuse foot of a strong peak does not pass.
    """
    peaks = np.flatnonzero(pattern.ratios > threshold)
    peaks = peaks[np.argsort(-pattern.intensities[peaks], kind="stable")]
    basis = np.zeros((0, 3), int)
    while len(peaks):
        candidate = integer_basis(np.vstack([basis, pattern.indices[peaks[0]]]))
        if len(candidate) > len(basis) or _stands_out(pattern, candidate, basis):
            basis = candidate
        outside = ~_contains(basis, pattern.indices[peaks])
        outside[0] = False
        peaks = peaks[outside]
    return basis


def _stands_out(pattern, finer, coarser):
    """Tell if the points by which one lattice is finer than another are bright on average."""
    added = _contains(finer, pattern.indices) & ~_contains(coarser, pattern.indices)
    return pattern.ratios[added].mean() > SIGNIFICANCE


def _is_speckle(pattern, basis):
    """Tell if a lattice owes its brightness to the three points from which it was made."""
    if pattern.n_scatterers < FEW_ATOMS:
        return False
    ratios = np.sort(pattern.ratios[_contains(basis, pattern.indices)])
    return len(ratios) <= 3 or ratios[:-3].mean() < SIGNIFICANCE


def _contains(basis, vectors):
    """Tell which integer vectors are integer combinations of the rows of a basis."""
    coefficients = vectors @ np.linalg.pinv(basis) if len(basis) else np.zeros((len(vectors), 0))
    rounded = np.round(coefficients)
    return (np.abs(rounded @ basis - vectors) < 0.5).all(axis=1)


def integer_basis(vectors: np.ndarray) -> np.ndarray:
    """Basis of the lattice that integer vectors generate: their Hermite form's non-zero rows.

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
        if gap > max(WIDEST_VACUUM, 2 * bond_length):
            raise NoAverageLatticeError(
                f"no average lattice: {gap:.0f} Å of vacuum along axis {'abc'[axis]}; "
                "a crystal that fills its cell is accepted, not a slab, a layer or a molecule"
            )
