"""Space groups by Spglib, within a tolerance, and the seven classes that they make up."""

import spglib
from pymatgen.core import Structure

from crystutor.arguments import InputError, require_number
from crystutor.crystal.samples import is_periodic
from crystutor.crystal.structures import require_atoms

CLASSES = ("bct139", "bct141", "hex/rh", "sc", "fcc", "diam", "bcc")
SPACE_GROUP_CLASSES = {
    139: "bct139",
    141: "bct141",
    166: "hex/rh",
    194: "hex/rh",
    221: "sc",
    225: "fcc",
    227: "diam",
    229: "bcc",
}
CLASS_LATTICES = {  # Bravais lattices of each class; that of bcc with missing centres is cP
    "bct139": ("tI",),
    "bct141": ("tI",),
    "hex/rh": ("hP", "hR"),
    "sc": ("cP",),
    "fcc": ("cF",),
    "diam": ("cF",),
    "bcc": ("cI", "cP"),
}
LABEL_TOLERANCES = (1e-3, 1e-6, 1e-9)  # [Å]
HEXAGONAL_LABEL_TOLERANCES = (1e-3, 1e-6)  # [Å]


def space_group(structure: Structure, symprec: float) -> int | None:
    """Find the space group of a structure with Spglib.

    Parameters
    ----------
    structure
        Periodic structure.
    symprec
        Tolerance on atomic positions [Å].

    Returns
    -------
    int or None
        International number, or None where Spglib finds no group.

    Raises
    ------
    ValueError
        If symprec is not positive, or the structure is finite along an axis.

    References
    ----------
    A. Togo, K. Shinohara and I. Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822 (2024).

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> space_group(build_prototype("diamond"), 1e-3)
    227
    """
    require_atoms(structure)
    require_number("symprec", symprec, 0, unit="Å", above=True)
    if not is_periodic(structure):
        raise InputError("Spglib needs a structure that is periodic along all three axes")
    matrix, fractions = structure.lattice.matrix.tolist(), structure.frac_coords.tolist()
    cell = (matrix, fractions, structure.atomic_numbers)
    try:
        dataset = spglib.get_symmetry_dataset(cell, symprec=symprec)
    except spglib.SpglibError:
        return None
    return None if dataset is None else dataset.number


def class_by_symmetry(structure: Structure) -> str | None:
    """Class of a perfect structure by the paper's rule, or None.

    The space group must be one of the eight that make up the seven classes, and the same at 1e-3,
    1e-6 and 1e-9 Å. For hexagonal and rhombohedral crystals 1e-3 and 1e-6 Å are enough.
    """
    number = space_group(structure, LABEL_TOLERANCES[0])
    label = SPACE_GROUP_CLASSES.get(number or 0)
    tolerances = HEXAGONAL_LABEL_TOLERANCES if label == "hex/rh" else LABEL_TOLERANCES
    same = label and all(space_group(structure, symprec) == number for symprec in tolerances[1:])
    return label if same else None
