"""From bare arrays to a structure or a molecule that carries its warnings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pymatgen.core import Element, Lattice, Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.structures import (
    NOT_FINITE,
    ZERO_VOLUME,
    build_structure,
    check_number,
    check_structure,
)

PLACES = 10_000  # to an ångström or an edge of the cell: coordinates that differ by less agree


def with_warnings(atoms: Structure | Molecule, *warnings: str) -> Structure | Molecule:
    """Add warnings, one clause each, to `atoms.properties["warnings"]`; none twice."""
    known = atoms.properties.get("warnings", ())
    every = tuple(dict.fromkeys((*known, *filter(None, warnings))))
    if every:
        atoms.properties["warnings"] = every
    return atoms


def checked(atoms: Structure | Molecule) -> Structure | Molecule:
    """Check a structure, and add a warning if atoms are at the same place."""
    check_structure(atoms)
    return with_warnings(atoms, _doubled(atoms))


def _doubled(atoms):
    """Say how many atoms are at the places of others."""
    places = atoms.cart_coords * PLACES
    if isinstance(atoms, Structure):
        periods = np.where(atoms.lattice.pbc, PLACES, np.inf)
        places = np.mod(np.rint(atoms.frac_coords * PLACES), periods)
    n_doubled = len(places) - len(np.unique(np.rint(places), axis=0))
    return f"{n_doubled} atoms at the same place as others" if n_doubled else ""


def said_of(atoms: Structure | Molecule) -> tuple[str, ...]:
    """Warnings that a structure carries."""
    return tuple((atoms.properties or {}).get("warnings", ()))


def finite(numbers: Sequence[int] | np.ndarray, positions: np.ndarray) -> Molecule:
    """Atoms without a lattice: numbers, shape (n,), and positions, shape (n, 3) [Å]."""
    numbers = np.asarray(numbers)
    check_number(len(numbers))
    if len(numbers) == 0:
        raise InputError("it holds no atoms; at least one is needed")
    symbols = {Z: element_of(Z) for Z in np.unique(numbers).tolist()}
    return Molecule([symbols[Z] for Z in numbers.tolist()], positions)


def element_of(number: int) -> Element:
    """Element of an atomic number."""
    try:
        return Element.from_Z(int(number))
    except ValueError:
        raise InputError(f"atomic number {number} is not that of a chemical element") from None


def crystal(
    lattice: Lattice | np.ndarray, numbers: Sequence[int] | np.ndarray, fractions: np.ndarray
) -> Structure:
    """Atoms in a cell; as `build_structure`, but it refuses cells without volume."""
    numbers = np.asarray(numbers)
    check_number(len(numbers))
    for number in np.unique(numbers):
        element_of(number)
    return build_structure(lattice, numbers, fractions)


def of_ase(atoms: Any) -> Structure | Molecule:
    """Take over ASE's atoms: a molecule if their box repeats along no axis.

    Missing finite edges of a box that repeats along some axes are made up.
    """
    edges, pbc = np.array(atoms.cell[:], float), np.array(atoms.pbc, bool)
    if not np.isfinite(edges).all() or not np.isfinite(atoms.positions).all():
        raise InputError(NOT_FINITE)
    if not pbc.any() or not edges.any():
        lost = "it is periodic, but without a cell: taken as finite" if pbc.any() else ""
        return with_warnings(finite(atoms.numbers, atoms.positions), lost)
    if np.linalg.matrix_rank(edges[pbc]) < np.count_nonzero(pbc):
        raise InputError(ZERO_VOLUME)
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell.complete())
    if np.linalg.matrix_rank(atoms.cell[:]) < 3:
        raise InputError(ZERO_VOLUME)
    lattice = Lattice(atoms.cell[:], pbc=(bool(pbc[0]), bool(pbc[1]), bool(pbc[2])))
    return crystal(lattice, atoms.numbers, atoms.get_scaled_positions(wrap=False))
