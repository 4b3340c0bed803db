"""A map of a sample: windows, grains, boundaries, and the grain of each atom."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crystutor.crystal.samples import Sample
from crystutor.crystal.space_groups import CLASSES
from crystutor.files import finished_file, write_csv, write_text
from crystutor.maps.grains import Boundary, Grain
from crystutor.maps.windows import Windows

DIGITS = 6
NONE = "none"  # class in the columns of an extended XYZ


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
        """A line for each grain, one for what belongs to none, and what was guessed."""
        n = len(self.numbers)
        lines = [
            f"grain {grain.number}: {grain.label} {grain.probability:.1%}, {grain.n_atoms} atoms "
            f"({grain.volume_share:.1%}), lattice {grain.bravais}"
            + (f", space group {grain.symbol} ({grain.space_group})" if grain.space_group else "")
            + f", overlap {grain.overlap:.2f}"
            for grain in self.grains
        ]
        rest = int((self.atom_grains < 0).sum())
        lines.append(f"no grain: {rest} atoms ({rest / n:.1%})")
        lines += [f"vacuum along {a}: taken as finite along {a}" for a in self.sample.vacuum]
        return "\n".join(lines)

    def write(self, folder: str | Path) -> None:
        """Write atoms.xyz, windows.csv, grains.csv and summary.json into a folder.

        Parameters
        ----------
        folder
            It is made if it is not there. Each file appears whole or not at all. The columns of
            the extended XYZ are read by OVITO and ASE; orientations are quaternions x, y, z, w.
        """
        folder = Path(folder)
        with finished_file(folder / "atoms.xyz") as path:
            _write_atoms(self, path)
        write_csv(folder / "windows.csv", _rows_of_windows(self.windows))
        write_csv(folder / "grains.csv", map(_row_of_grain, self.grains))
        write_text(folder / "summary.json", json.dumps(_summary(self), indent=2, allow_nan=False))


def _write_atoms(found, path):
    import ase
    import ase.io  # slow to import

    sample = found.sample
    atoms = ase.Atoms(found.numbers, sample.fractions @ sample.box, cell=sample.box)
    atoms.pbc = sample.periodic
    labels = found.atom_labels
    atoms.new_array("class", np.where(labels == "", NONE, labels))
    atoms.new_array("grain", found.atom_grains)
    atoms.new_array("probability", found.atom_probabilities.round(DIGITS))
    atoms.new_array("overlap", found.atom_overlaps.round(DIGITS))
    atoms.new_array("orientation", np.nan_to_num(found.atom_orientations).round(DIGITS))
    ase.io.write(path, atoms, format="extxyz")


def _rows_of_windows(windows):
    for n in range(len(windows)):
        yield {
            **_columns("xyz", windows.centers[n]),
            "class": windows.labels[n],
            "reason": windows.reasons[n],
            **_columns([f"p_{name}" for name in CLASSES], windows.probabilities[n]),
            "bravais": windows.bravais[n],
            "overlap": round(float(windows.overlaps[n]), DIGITS),
            "strain": round(float(windows.strains[n]), DIGITS),
            **_columns(["q_x", "q_y", "q_z", "q_w"], windows.orientations[n]),
        }


def _row_of_grain(grain):
    return {
        "grain": grain.number,
        "class": grain.label,
        "probability": round(grain.probability, DIGITS),
        "n_atoms": grain.n_atoms,
        "volume_share": round(grain.volume_share, DIGITS),
        "bravais": grain.bravais,
        "space_group": grain.space_group,
        "overlap": round(grain.overlap, DIGITS),
        "strain": round(grain.strain, DIGITS),
        **_columns(["q_x", "q_y", "q_z", "q_w"], grain.orientation),
        "n_windows": grain.n_windows,
    }


def _columns(names, values):
    """Named numbers; an empty field where there is none."""
    return {
        name: "" if np.isnan(value) else round(float(value), DIGITS)
        for name, value in zip(names, values, strict=True)
    }


def _summary(found):
    rest = int((found.atom_grains < 0).sum())
    return {
        "schema": 1,
        "n_atoms": len(found.numbers),
        "n_windows": len(found.windows),
        "n_atoms_of_no_grain": rest,
        "vacuum": list(found.sample.vacuum),
        "grains": [_row_of_grain(grain) for grain in found.grains],
        "boundaries": [
            {
                "grains": list(boundary.grains),
                "misorientation": None
                if np.isnan(boundary.misorientation)
                else round(boundary.misorientation, 3),
                "n_contacts": boundary.n_contacts,
            }
            for boundary in found.boundaries
        ],
    }
