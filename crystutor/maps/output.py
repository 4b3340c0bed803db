"""A map as files that other programs read."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from crystutor.crystal.space_groups import CLASSES
from crystutor.files import finished_file, write_csv, write_text

DIGITS = 6
NONE = "none"  # class in the columns of an extended XYZ


def write_map(found: Any, folder: Path) -> None:
    """Write a `StructureMap` as atoms.xyz, windows.csv, grains.csv and summary.json."""
    with finished_file(folder / "atoms.xyz") as path:
        _write_atoms(found, path)
    write_csv(folder / "windows.csv", _rows_of_windows(found.windows))
    write_csv(folder / "grains.csv", map(_row_of_grain, found.grains))
    write_text(folder / "summary.json", json.dumps(_summary(found), indent=2, allow_nan=False))


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
