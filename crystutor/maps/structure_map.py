"""A map of a sample: windows, grains, boundaries, and the grain of each atom."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crystutor.crystal.samples import Sample
from crystutor.maps.grains import Boundary, Grain
from crystutor.maps.output import write_map
from crystutor.maps.windows import Windows


@dataclass(frozen=True, eq=False, repr=False)
class StructureMap:
    """What is where in a sample.

    Attributes
    ----------
    sample : positions [Å], box, and along which edges it repeats
    numbers : atomic numbers, shape (n,)
    windows : the atoms around each of many points
    grains : pieces of one crystal, the largest first
    boundaries : where grains touch
    atom_grains : number of each atom's grain, -1 for none, shape (n,), integers
    atom_labels : class of each atom's grain, "" for none, shape (n,)
    atom_overlaps : share of the grain's shortest lattice vectors that lead from the atom and its
        neighbours to atoms, shape (n,)
    atom_probabilities : that of the class of the grain, shape (n,)
    """

    sample: Sample
    numbers: np.ndarray
    windows: Windows
    grains: tuple[Grain, ...]
    boundaries: tuple[Boundary, ...]
    atom_grains: np.ndarray
    atom_overlaps: np.ndarray

    def __repr__(self) -> str:
        return f"<StructureMap: {len(self.numbers)} atoms, {len(self.grains)} grains>"

    @property
    def atom_labels(self) -> np.ndarray:
        """Class of each atom's grain, "" for none, shape (n,)."""
        return self._of_grains([grain.label for grain in self.grains], "")

    @property
    def atom_probabilities(self) -> np.ndarray:
        """Probability of the class of each atom's grain, 0 for none, shape (n,)."""
        return self._of_grains([grain.probability for grain in self.grains], 0.0)

    @property
    def atom_orientations(self) -> np.ndarray:
        """Quaternion x, y, z, w of each atom's grain, nan for none, shape (n, 4)."""
        return self._of_grains([grain.orientation for grain in self.grains], np.full(4, np.nan))

    def _of_grains(self, values, nothing):
        return np.array([*values, nothing])[self.atom_grains]

    def describe(self) -> str:
        """A line for each grain, and one for what belongs to none."""
        n = len(self.numbers)
        lines = [
            f"grain {grain.number}: {grain.label} {grain.probability:.1%}, {grain.n_atoms} atoms "
            f"({grain.volume_share:.1%}), lattice {grain.bravais}"
            + (f", space group {grain.symbol} ({grain.space_group})" if grain.space_group else "")
            + f", overlap {grain.overlap:.2f}"
            for grain in self.grains
        ]
        rest = int((self.atom_grains < 0).sum())
        return "\n".join([*lines, f"no grain: {rest} atoms ({rest / n:.1%})"])

    def write(self, folder: str | Path) -> None:
        """Write atoms.xyz, windows.csv, grains.csv and summary.json into a folder.

        Parameters
        ----------
        folder
            It is made if it is not there. Each file appears whole or not at all. The columns of
            the extended XYZ are read by OVITO and ASE; orientations are quaternions x, y, z, w.
        """
        write_map(self, Path(folder))
