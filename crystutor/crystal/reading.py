"""Read a crystal structure from a file."""

import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from pymatgen.core import Lattice, Molecule, Structure

from crystutor.crystal.structures import (
    NOT_FINITE,
    ZERO_VOLUME,
    build_structure,
    check_structure,
)

EXAMPLES = Path(str(files("crystutor") / "data" / "examples"))
LARGE_CIF = 300_000  # [byte], about 4,000 atoms
PYMATGEN_FORMATS = {
    ".cif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".xsf": "xsf",
    ".cssr": "cssr",
    ".res": "res",
    ".json": "json",
    ".yaml": "yaml",
}
ASE_FORMATS = {
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".gen": "gen",
    ".in": "aims",
    ".pdb": "proteindatabank",
}
ACCEPTED_FORMATS = (
    "CIF (.cif), VASP (POSCAR, CONTCAR, .vasp), extended XYZ (.xyz, .extxyz), XSF (.xsf), "
    "pymatgen (.json, .yaml), SHELX (.res), CSSR (.cssr), DFTB+ (.gen), FHI-aims (.in), PDB (.pdb)"
)


def read_structure(path: str | Path) -> Structure | Molecule:
    """Read a crystal structure from a file.

    Parameters
    ----------
    path
        File in a format that pymatgen or ASE reads: CIF, POSCAR, extended XYZ, ...
        (`ACCEPTED_FORMATS`). The file's name gives the format.

    Returns
    -------
    Structure or Molecule
        As in the file, without oxidation states and site properties. A file without lattice, or
        whose box repeats along no axis, gives a molecule. A box that repeats along some axes
        gives a structure whose `lattice.pbc` says along which. It has passed
        `crystutor.crystal.structures.check_structure`.

    Raises
    ------
    ValueError
        If the file is missing, unreadable or not an ordered structure. The message names the
        file, what was found and what is accepted.

    Examples
    --------
    >>> read_structure(EXAMPLES / "Cu.cif").composition.formula
    'Cu4'
    """
    path = Path(path)
    try:
        file_format = _file_format(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structure = _parse(path, file_format)
        check_structure(structure)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if isinstance(structure, Molecule):
        return structure
    return build_structure(structure.lattice, structure.atomic_numbers, structure.frac_coords)


def _file_format(path):
    """Name the reader for a file, or say what is wrong with the file before it is parsed."""
    if path.is_dir():
        raise ValueError("this is a folder; a structure file is needed")
    if not path.is_file():
        raise ValueError("no such file")
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise ValueError("the file is empty")
    if b"\0" in start:
        raise ValueError(f"this is a binary file; accepted are {ACCEPTED_FORMATS}")
    if path.name.upper().startswith(("POSCAR", "CONTCAR")):
        return "poscar"
    suffix = path.suffix.lower()
    if suffix not in PYMATGEN_FORMATS | ASE_FORMATS:
        raise ValueError(f"unknown format '{path.suffix}'; accepted are {ACCEPTED_FORMATS}")
    return (PYMATGEN_FORMATS | ASE_FORMATS)[suffix]


def _parse(path, file_format):
    """Parse with pymatgen or ASE; whatever their parsers raise becomes a ValueError."""
    with_ase = file_format in ASE_FORMATS.values()
    parsed: Any  # ASE's Atoms or a Structure
    try:
        if with_ase:
            import ase.io  # slow to import

            parsed = ase.io.read(path, format=file_format)
        elif file_format == "cif" and path.stat().st_size > LARGE_CIF:
            parsed = _from_large_cif(path)
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            parsed = Structure.from_str(text, fmt=file_format)
    except np.linalg.LinAlgError:
        raise ValueError(ZERO_VOLUME) from None
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise ValueError(
            f"not readable as {file_format}, a complete file of that format is needed ({reason})"
        ) from error
    return _from_ase(parsed) if with_ase else parsed


def _from_large_cif(path):
    """Read with gemmi: pymatgen compares all pairs of atoms, which takes minutes for 20,000."""
    crystal = gemmi.read_small_structure(str(path))
    sites = crystal.get_all_unit_cell_sites()
    lattice = Lattice.from_parameters(*crystal.cell.parameters)
    species = [{site.element.name: site.occ} for site in sites]
    return Structure(lattice, species, [site.fract.tolist() for site in sites])


def _from_ase(atoms):
    """A molecule if the box repeats along no axis; missing finite edges are made up."""
    if not np.isfinite(atoms.cell[:]).all() or not np.isfinite(atoms.positions).all():
        raise ValueError(NOT_FINITE)
    if not atoms.pbc.any() or not atoms.cell[:].any():
        return Molecule(atoms.get_chemical_symbols(), atoms.positions)
    if np.linalg.matrix_rank(atoms.cell[atoms.pbc]) < np.count_nonzero(atoms.pbc):
        raise ValueError(ZERO_VOLUME)
    atoms.set_cell(atoms.cell.complete())
    return Structure.from_ase_atoms(atoms)


class UnknownFormatError(ValueError):
    """Neither the name nor the content of a file tells its format."""


def read_structures(
    path: str | Path,
    index: str = ":",
    format: str | None = None,
    elements: Sequence[str] | None = None,
) -> Iterator[tuple[str, Structure | Molecule]]:
    """Read every structure of a file, one after the other.

    Parameters
    ----------
    path
        Name of the file, or "-" for standard input.
    index
        Which frames, in ASE's notation.
    format
        ASE's name of the format.
    elements
        Chemical symbols of the types of a LAMMPS file.
    """
    import ase.io

    text, at, own = str(path).rpartition("@")
    if at and not Path(path).exists():
        path, index = text, own
    if format is None and Path(path).suffix not in (".xyz", ".extxyz") and str(path) != "-":
        if Path(path).suffix in (".txt", ".md"):
            raise UnknownFormatError(f"{path}: unknown format")
        yield str(path), read_structure(path)
        return
    if str(path) != "-" and not Path(path).exists():
        raise ValueError(f"{path}: no such file")
    source = sys.stdin if str(path) == "-" else path
    frames = ase.io.iread(source, index=index, format=format or "extxyz")
    first = next(frames, None)
    if first is None:
        raise ValueError(f"{path}: the file is empty")
    second = next(frames, None)
    rest = [first] if second is None else itertools.chain([first, second], frames)
    for number, atoms in enumerate(rest):
        found = _from_ase(atoms)
        if atoms.info.get("guessed"):
            found.properties["warnings"] = ("elements guessed",)
        yield (str(path) if second is None else f"{path}@{number}"), found
