"""LAMMPS: data files, and one frame of a dump. Their atoms have types, which are no elements."""

import re
from collections.abc import Sequence

import numpy as np
from pymatgen.core import Element, Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import of_ase, with_warnings
from crystutor.crystal.reading.parsers import frame_by_ase
from crystutor.crystal.reading.vasp import elements_for
from crystutor.crystal.structures import check_number

ELEMENTS = [Element.from_Z(Z) for Z in range(1, 97)]
MASSES = np.array([float(element.atomic_mass) for element in ELEMENTS])
MASS_TOLERANCE = 0.05  # [u]; Co and Ni are 0.24 apart
NAMELESS = (
    "atoms have types 1 to {}, whose elements the file does not tell: name them, in order, by the "
    "option elements"
)


def read_dump(text: str, elements: Sequence[str] | None = None) -> Structure | Molecule:
    """Read one frame of a LAMMPS text dump.

    Parameters
    ----------
    text
        From "ITEM: TIMESTEP" to the last atom.
    elements
        Elements of the types 1, 2, ... Not needed if the dump has a column "element" or "mass".

    Raises
    ------
    ValueError
        If the number of atoms differs from that announced, or the elements are unknown.
    """
    columns = _check_dump(text)
    text = re.sub(r"\n\s*\n", "\n", text)  # ASE would count blank lines as atoms
    atoms = frame_by_ase(text, "lammps-dump-text")
    warning = None
    if elements is not None and "type" in columns:
        types = np.asarray(atoms.arrays["type"], int)
        atoms.numbers = _numbers(types, elements)
    elif "element" not in columns:
        if "mass" not in columns:
            raise InputError(NAMELESS.format(int(np.max(atoms.numbers))))
        index = columns.index("mass")
        rows = text[text.index("ITEM: ATOMS") :].split("\n")[1 : 1 + len(atoms)]
        masses = np.array([float(row.split()[index]) for row in rows])
        if not all(symbol is not None for symbol in map(element_of_mass, np.unique(masses))):
            raise InputError(NAMELESS.format("n"))
        warning = f"elements taken from masses: {' '.join(sorted(set(atoms.symbols)))}"
    return with_warnings(of_ase(atoms), warning or "")


def _check_dump(text):
    """Columns of a frame whose number of lines is the announced one."""
    announced = re.search(r"^ITEM: NUMBER OF ATOMS\s*\n\s*(\d+)\s*$", text, re.MULTILINE)
    table = re.search(r"^ITEM: ATOMS\b(.*)$", text, re.MULTILINE)
    if announced is None or table is None or "ITEM: BOX BOUNDS" not in text:
        raise InputError(
            "not readable as lammps-dump-text: NUMBER OF ATOMS, BOX BOUNDS and ATOMS are needed"
        )
    n_atoms = int(announced[1])
    check_number(n_atoms)
    columns = table[1].split()
    rows = [line for line in text[table.end() :].split("\n") if line.strip()]
    if len(rows) != n_atoms:
        raise InputError(f"{n_atoms} atoms are announced, {len(rows)} lines of atoms are found")
    if any(len(row.split()) != len(columns) for row in rows):
        raise InputError(f"an atom has another number of columns than {len(columns)}")
    return columns


def _numbers(types, elements):
    """Atomic numbers of atoms of types 1, 2, ..."""
    if len(types) and types.min() < 1:
        raise InputError(f"an atom has type {types.min()}; types begin with 1")
    names = elements_for(elements, int(types.max(initial=0)))
    return np.array([Element(name).Z for name in names])[types - 1]


def read_data(text: str, elements: Sequence[str] | None = None) -> Structure | Molecule:
    """Read a LAMMPS data file.

    Parameters
    ----------
    text
        The file.
    elements
        Elements of the types 1, 2, ... Not needed if the file has masses or labels that are those
        of elements; then a warning tells them.

    Raises
    ------
    ValueError
        If the number of atoms differs from that announced, or the elements are unknown.
    """
    _check_data(text)
    atoms = frame_by_ase(text, "lammps-data")
    types = np.asarray(atoms.arrays["type"], int)
    if elements is not None:
        atoms.numbers = _numbers(types, elements)
        return of_ase(atoms)
    names = _labels(text) or _named_by_mass(text)
    if names is None:
        raise InputError(NAMELESS.format(int(types.max(initial=1))))
    missing = set(types.tolist()) - set(names)
    if missing:
        raise InputError(f"an atom has type {min(missing)}, of which no mass is given")
    atoms.numbers = np.array([Element(names[kind]).Z for kind in types.tolist()])
    told = " ".join(names[kind] for kind in sorted(names))
    return with_warnings(of_ase(atoms), f"elements taken from masses or labels: {told}")


def _check_data(text):
    """See that the section Atoms has as many lines as the header announces."""
    announced = re.search(r"^\s*(\d+)\s+atoms\b", text, re.MULTILINE)
    section = re.search(r"^\s*Atoms\b[^\n]*\n\s*\n((?:[^\S\n]*[-\d][^\n]*(?:\n|\Z))*)", text, re.M)
    if announced is None or section is None:
        raise InputError("not readable as lammps-data: the number of atoms and Atoms are needed")
    for axis in "xyz":
        if re.search(rf"\b{axis}lo\s+{axis}hi\b|\bavec\b", text) is None:
            raise InputError(f"not readable as lammps-data: {axis}lo {axis}hi are needed")
    n_atoms = int(announced[1])
    check_number(n_atoms)
    rows = section[1].split("\n")
    rows = [row for row in rows if row.strip()]
    if len(rows) != n_atoms:
        raise InputError(f"{n_atoms} atoms are announced, {len(rows)} lines of atoms are found")
    if len({len(row.split("#")[0].split()) for row in rows}) > 1:
        raise InputError("the lines of Atoms have different numbers of columns")


def _labels(text):
    """Names of the types in the section Atom Type Labels, if all are elements."""
    rows = _section(text, "Atom Type Labels")
    labels = {int(row[0]): row[1] for row in rows if len(row) > 1 and row[0].isdecimal()}
    return labels if labels and all(map(Element.is_valid_symbol, labels.values())) else None


def _named_by_mass(text):
    """Elements of the types by their masses, or None if a mass is none of an element."""
    rows = _section(text, "Masses")
    names = {int(row[0]): element_of_mass(float(row[1])) for row in rows if len(row) > 1}
    return names if names and all(names.values()) else None


def _section(text, title):
    found = re.search(rf"^\s*{title}\b[^\n]*\n\s*\n((?:[^\S\n]*\d[^\n]*(?:\n|\Z))*)", text, re.M)
    return [line.split() for line in found[1].split("\n") if line.strip()] if found else []


def element_of_mass(mass: float) -> str | None:
    """Symbol of the element of an atomic mass [u]; None for placeholders such as 1.0."""
    nearest = abs(MASSES - mass).argmin()
    if abs(MASSES[nearest] - mass) > MASS_TOLERANCE or mass == 1:
        return None
    return ELEMENTS[nearest].symbol
