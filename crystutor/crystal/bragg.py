"""The Bragg pattern of a structure: its intensities and the level of the speckle between peaks."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure
from threadpoolctl import ThreadpoolController

FALSE_ALARM = 1e-6  # probability that one speckle of the whole pattern passes for a peak
FEW_ATOMS = 40  # with fewer there is no speckle: the cell is taken as perfect
MOST_SCATTERERS = 4000  # a random choice of that many atoms has the same peaks
WEAKEST_PEAK = 1e-4  # over the strongest possible; rounded coordinates make fainter ones
SHELL_SIZE = 200
BLAS = ThreadpoolController()


@dataclass(frozen=True)
class BraggPattern:
    """Intensities at the reciprocal-lattice points of a structure's own cell, one of each +-h.

    Attributes
    ----------
    indices : integer vectors h, shape (n, 3)
    g : their lengths, shape (n,) [1/Å]
    intensities : |sum_j exp(2 pi i h.x_j)|^2, shape (n,)
    background : mean intensity of the speckle at the same points, shape (n,)
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
    def threshold(self) -> float:
        """Ratio that one speckle of the whole pattern exceeds by chance once in a million."""
        return float(np.log(len(self.g) / FALSE_ALARM))

    @property
    def thermal_fraction(self) -> float:
        """Share of the speckle that must come from displaced atoms, in [0, 1].

        The speckle of vacancies is the same at all |g|; that of displaced atoms vanishes at
        |g| = 0. A growth of less than twofold may be chance.
        """
        return float(1 - min(1.0, 2 * self.background[0] / self.background[-1]))

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
    """Evaluate the structure factor of unit scatterers.

    Parameters
    ----------
    structure
        Periodic structure.
    g_max
        Largest |g| of the pattern [1/Å].

    Notes
    -----
    The sum factorises into one exponential per axis. It costs one complex matrix product for each
    value of the first index.
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


def _is_first_of_pair(indices):
    """True for one of h and -h, and false for h = 0."""
    h, k, l = indices.T
    return (h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (l > 0))))


def _speckle_level(g, intensities, n_scatterers):
    """Mean of the exponentially distributed speckle, from its median, shell by shell in |g|.

    The speckle of two or three vacancies takes few values, and its median may be zero. Half of the
    estimate from the upper quartile is then better.
    """
    floor = WEAKEST_PEAK * n_scatterers**2 / np.log(len(intensities) / FALSE_ALARM)
    if n_scatterers < FEW_ATOMS:
        return np.full(len(intensities), floor)
    n_shells = max(1, len(intensities) // SHELL_SIZE)
    centers = [np.mean(shell**2) for shell in np.array_split(g, n_shells)]
    shells = np.array_split(intensities, n_shells)
    quantiles = [np.quantile(shell, (0.5, 0.75)) for shell in shells]
    levels = np.max(quantiles / np.array([np.log(2), 2 * np.log(4)]), axis=1)
    return np.maximum(np.interp(g**2, centers, levels), floor)
