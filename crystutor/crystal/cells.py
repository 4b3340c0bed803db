"""Cells of a crystal: average cell, standard cell, cluster."""

from dataclasses import dataclass

import numpy as np
import spglib
from pymatgen.core import Lattice, Structure

from crystutor.crystal.average_lattice import find_average_lattice
from crystutor.crystal.prototypes import EXAMPLE_CRYSTALS, build_prototype
from crystutor.crystal.structures import bond_length
from crystutor.crystal.supercells import choose_repeats, cut_block

EXACT = 5e-4  # strain within which a lattice has its symmetry
THERMAL_STRAIN = 3.0  # tolerance, in standard deviations of the strain of a simulation's cell
LEAST_STRAIN = 1e-2  # smallest tolerance for a strained cell
BRAVAIS = {221: "cP", 225: "cF", 229: "cI", 191: "hP", 139: "tI", 123: "tP", 166: "hR"}
SYMMETRY = (*BRAVAIS.values(), "other")  # highest first


@dataclass(frozen=True, eq=False)
class AverageCell:
    """Conventional cell of a crystal's average lattice.

    Attributes
    ----------
    matrix : lattice vectors as rows, in the frame of the input structure, shape (3, 3) [Å]
    bravais : Bravais lattice in Pearson's two letters, such as "cF", or "other"
    n_cells : number of these cells in the structure
    strain : tolerance on strain within which the lattice has the symmetry of `bravais`
    """

    matrix: np.ndarray
    bravais: str
    n_cells: float
    strain: float

    def describe(self) -> dict:
        """Lengths [Å], angles [degree], Bravais lattice, number of cells and strain, rounded."""
        lattice = Lattice(self.matrix)
        return {
            "lengths": [round(length, 4) for length in lattice.abc],
            "angles": [round(angle, 3) for angle in lattice.angles],
            "bravais": self.bravais,
            "n_cells": round(self.n_cells, 3),
            "strain": self.strain,
        }


def find_average_cell(structure: Structure) -> AverageCell:
    """Find the conventional cell of a structure's average lattice from its diffraction.

    Parameters
    ----------
    structure
        Periodic structure, perfect or defective: any cell or supercell, in any orientation.

    Returns
    -------
    AverageCell
        In the frame of the structure.

    Raises
    ------
    NoAverageLatticeError
        If no three-dimensional lattice stands out of the diffraction pattern.

    Notes
    -----
    The lattice's symmetry is that of its metric, within a tolerance on strain. The tolerance is
    0.05 % at first. If none of the seven classes has such a lattice, the cell counts as strained.
    Thermal motion, whose size the diffraction shows, strains the cell of a simulation. Of the
    lattices within one to three times that strain the most symmetric one is taken. If there is
    none, it is the nearest within 5 %.
    """
    distance = bond_length(structure)
    primitive, displacement = find_average_lattice(structure, distance)
    primitive = Lattice(primitive).get_lll_reduced_lattice().matrix
    primitive = primitive * np.sign(np.linalg.det(primitive))  # right-handed
    exact = _average_cell(primitive, EXACT, structure.volume)
    if exact.bravais != "other":
        return exact
    thermal = max(THERMAL_STRAIN * displacement / distance / np.sqrt(len(structure)), LEAST_STRAIN)
    near = [_average_cell(primitive, factor * thermal, structure.volume) for factor in (1, 2, 3)]
    far = [_average_cell(primitive, strain, structure.volume) for strain in (0.04, 0.05)]
    symmetric = [*sorted(near, key=lambda cell: SYMMETRY.index(cell.bravais)), *far]
    return next((cell for cell in symmetric if cell.bravais != "other"), exact)


def _average_cell(primitive, strain, volume):
    """Conventional cell of a lattice within a tolerance on its strain."""
    points = (primitive, [[0.0, 0.0, 0.0]], [1])
    dataset = spglib.get_symmetry_dataset(points, strain * np.cbrt(np.linalg.det(primitive)))
    if dataset is None or dataset.number not in BRAVAIS:
        return AverageCell(primitive, "other", float(volume / np.linalg.det(primitive)), strain)
    matrix = np.linalg.inv(dataset.transformation_matrix).T @ primitive  # not idealised
    return AverageCell(
        matrix, BRAVAIS[dataset.number], float(volume / np.linalg.det(matrix)), strain
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
    NoAverageLatticeError
        If no three-dimensional lattice stands out of the diffraction pattern.

    Notes
    -----
    The convention of W. Setyawan and S. Curtarolo, Comput. Mater. Sci. 49, 299 (2010), triclinic
    orientation. The cell is found without any symmetry of the atoms, see
    `crystutor.crystal.average_lattice`.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> primitive = build_prototype("diamond").get_primitive_structure(tolerance=1e-3)
    >>> len(primitive), len(standard_cell(primitive))
    (2, 8)
    """
    cell = find_average_cell(structure)
    atoms_per_cell = len(structure) / cell.n_cells
    if abs(atoms_per_cell - round(atoms_per_cell)) < 1e-3:
        return cut_block(structure, cell.matrix, (1, 1, 1))
    return cut_block(structure, cell.matrix, choose_repeats(cell.matrix, structure.volume))


def build_cluster(structure: Structure, n_atoms: int = 250) -> Structure:
    """Build the cluster of atoms that is given to `fingerprint`.

    Parameters
    ----------
    structure
        Periodic structure, perfect or defective. A unit cell is replicated. A supercell is used
        as it is if its axes are the standard ones and it has about half to 1.6 times the wanted
        size; otherwise it is cut.
    n_atoms
        Wanted number of atoms.

    Returns
    -------
    Structure
        A block of whole standard cells (see `standard_cell`), of about n_atoms atoms, as close
        to a cube as possible.

    Raises
    ------
    ValueError
        If n_atoms is not positive, or `crystutor.bond_length` refuses the structure.
    NoAverageLatticeError
        If no three-dimensional lattice stands out of the diffraction pattern.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> len(build_cluster(build_prototype("fcc")))
    256
    """
    return cluster_and_cell(structure, n_atoms)[0]


def cluster_and_cell(structure: Structure, n_atoms: int = 250) -> tuple[Structure, AverageCell]:
    """Build the cluster as `build_cluster` does; return it and the crystal's average cell."""
    if n_atoms < 1:
        raise ValueError(f"n_atoms is {n_atoms}; a positive number is accepted")
    cell = find_average_cell(structure)
    large = (
        len(structure) > 0.2 * n_atoms
        and structure.volume > 0.4 * n_atoms * bond_length(structure) ** 3
    )
    repeats = _own_repeats(structure.lattice.matrix, cell.matrix)
    if repeats is None or not large or len(structure) > 1.6 * n_atoms:
        wanted = min(n_atoms, len(structure)) if large else n_atoms
        repeats = choose_repeats(cell.matrix, structure.volume * wanted / len(structure))
    return cut_block(structure, cell.matrix, repeats), cell


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
    if label not in EXAMPLE_CRYSTALS:
        raise ValueError(f"class {label!r} is unknown; accepted are {', '.join(EXAMPLE_CRYSTALS)}")
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
