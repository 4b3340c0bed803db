"""The standard cell of a crystal, and the cluster that is given to the network."""

import numpy as np
from pymatgen.core import Structure

from crystutor.arguments import InputError, require_one_of, require_whole
from crystutor.crystal.average.cell import AverageCell, average_cells_of, find_average_cell
from crystutor.crystal.prototypes import EXAMPLE_CRYSTALS, build_prototype
from crystutor.crystal.samples import Atoms, sample_of
from crystutor.crystal.structures import MOST_ATOMS, BareStructure, bond_length, check_structure
from crystutor.crystal.supercells import (
    LITTLE_MORE,
    ball_of_atoms,
    block_of,
    choose_repeats,
    cut_block,
)


def standard_cell(structure: Structure) -> Structure:
    """Conventional cell of a crystal: a along x, b in the xy plane, c up.

    Parameters
    ----------
    structure
        Periodic structure: any cell or supercell, in any orientation.

    Returns
    -------
    Structure
        One conventional cell of the average lattice, with hexagonal axes for rhombohedral
        crystals. Atoms stay where they are; nothing is idealised. If atoms are missing, one cell
        does not stand for all: the result is then a block of cells as large as the structure.

    Raises
    ------
    ValueError
        If the structure is finite along an axis.
    NoAverageLatticeError
        If the sample has no three-dimensional lattice, or more than one.

    Notes
    -----
    The convention of W. Setyawan and S. Curtarolo, Comput. Mater. Sci. 49, 299 (2010), triclinic
    orientation. The cell is found without any symmetry of the atoms, see
    `crystutor.find_translations`.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> primitive = build_prototype("diamond").get_primitive_structure(tolerance=1e-3)
    >>> len(primitive), len(standard_cell(primitive))
    (2, 8)
    """
    cell = find_average_cell(structure)
    if cell.n_cells is None:
        raise InputError("a finite sample has no cell of its own; a periodic structure is accepted")
    atoms_per_cell = len(structure) / cell.n_cells
    if abs(atoms_per_cell - round(atoms_per_cell)) < 1e-3:
        return cut_block(structure, cell.matrix, (1, 1, 1))
    return cut_block(structure, cell.matrix, choose_repeats(cell.matrix, structure.volume))


def build_cluster(structure: Atoms, n_atoms: int = 250) -> Structure:
    """Build the cluster of atoms that is given to `fingerprint`.

    Parameters
    ----------
    structure
        Structure or molecule, perfect or defective. A unit cell is replicated. A supercell is
        used as it is if its axes are the standard ones and it has about half to 1.6 times the
        wanted size; otherwise it is cut. A finite sample is used whole, or a ball of it.
    n_atoms
        Wanted number of atoms.

    Returns
    -------
    Structure
        A block of whole standard cells (see `standard_cell`), of about n_atoms atoms, as close
        to a cube as possible. Of a sample that is finite along some axis, the atoms nearest to
        its middle, in standard axes and in a box that does not repeat (`lattice.pbc`).

    Raises
    ------
    ValueError
        If n_atoms is not positive, or `crystutor.bond_length` refuses the structure.
    NoAverageLatticeError
        If the sample has no three-dimensional lattice, or more than one.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> len(build_cluster(build_prototype("fcc")))
    256
    """
    return clusters_and_cells(structure, n_atoms)[0][0]


def clusters_and_cells(structure: Atoms, n_atoms: int = 250) -> list[tuple[Structure, AverageCell]]:
    """Build a cluster as `build_cluster` does for each lattice that fits, the weightiest first."""
    require_whole("n_atoms", n_atoms, 1, MOST_ATOMS)
    check_structure(structure)
    distance = bond_length(structure)
    cells = average_cells_of(sample_of(structure), distance)
    return [(cluster_of(structure, cell, n_atoms, distance).structure, cell) for cell in cells]


def cluster_of(structure: Atoms, cell: AverageCell, n_atoms: int, distance: float) -> BareStructure:
    """Build a cluster as `build_cluster` does; average cell and bond length [Å] are given."""
    if cell.n_cells is None or not isinstance(structure, Structure):
        return ball_of_atoms(structure, cell.matrix, n_atoms, distance)
    n = len(structure)
    large = n > 0.2 * n_atoms and structure.volume > 0.4 * n_atoms * distance**3
    repeats = _own_repeats(structure.lattice.matrix, cell.matrix)
    if repeats is None or not large or n > LITTLE_MORE * n_atoms:
        wanted = min(n_atoms, n) if large else n_atoms
        repeats = choose_repeats(cell.matrix, structure.volume * wanted / n)
    return block_of(structure, cell.matrix, repeats)


def example_cluster(label: str, element: str | None = None, n_atoms: int = 250) -> Structure:
    """Build a perfect cluster of the crystal that stands for a class in this tutorial.

    Parameters
    ----------
    label
        One of `CLASSES`.
    element
        Chemical symbol; that of `EXAMPLE_CRYSTALS` if not given.
    n_atoms
        Wanted number of atoms.

    Returns
    -------
    Structure
        As from `build_cluster`.

    Raises
    ------
    ValueError
        For an unknown class or element.

    Examples
    --------
    >>> example_cluster("diam").composition.formula
    'C216'
    """
    require_one_of("label", label, EXAMPLE_CRYSTALS)
    prototype, own = EXAMPLE_CRYSTALS[label]
    return build_cluster(build_prototype(prototype, element or own), n_atoms)


def _own_repeats(own, matrix):
    """Repeats of a cell along its axes that give a structure's own lattice, or None."""
    integers = np.round(own @ np.linalg.inv(matrix))
    if not np.allclose(integers @ matrix, own, atol=0.02 * np.abs(matrix).max()):
        return None
    if (np.count_nonzero(integers, axis=0) != 1).any():
        return None
    return tuple(int(n) for n in np.abs(integers).max(axis=0))
