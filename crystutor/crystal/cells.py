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
THERMAL_STRAIN = 3.0  # standard deviations of the strain of a simulation's cell
LEAST_STRAIN = 1e-2  # tolerance for a cell that is strained at all
BRAVAIS = {221: "cP", 225: "cF", 229: "cI", 191: "hP", 139: "tI", 123: "tP", 166: "hR"}
SYMMETRY = (*BRAVAIS.values(), "other")  # highest first


@dataclass(frozen=True, eq=False)
class AverageCell:
    """Conventional cell of a crystal's average lattice.

    Attributes
    ----------
    matrix : lattice vectors as rows, in the frame of the input structure, shape (3, 3) [Å]
    bravais : Bravais lattice, Pearson's two letters, such as "cF"
    n_cells : how many of these cells the structure holds
    strain : by how much, relative, the lattice may be off the symmetry of `bravais`
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
            "n_cells": round(float(self.n_cells), 3),
            "strain": self.strain,
        }


def find_average_cell(structure: Structure) -> AverageCell:
    """Find the conventional cell of a structure's average lattice from its diffraction.

    Raises
    ------
    NoAverageLatticeError
        If no three-dimensional lattice stands out of the diffraction pattern.

    Notes
    -----
    The lattice's symmetry is that of its metric, within a tolerance on strain. It starts at
    0.05 %. If the lattice is then of a kind that none of the seven classes has, the cell is
    strained: of the lattices within one to three times the strain that thermal motion of the size
    seen in the diffraction gives the cell of a simulation, the most symmetric one is taken, and
    else the nearest of those within 5 %.
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
    bravais = None if dataset is None else BRAVAIS.get(dataset.number)
    if bravais is None:
        return AverageCell(primitive, "other", volume / np.linalg.det(primitive), strain)
    matrix = np.linalg.inv(dataset.transformation_matrix).T @ primitive  # not idealised
    return AverageCell(matrix, bravais, volume / np.linalg.det(matrix), strain)


def standard_cell(structure: Structure) -> Structure:
    """Conventional cell of a crystal: a along x, b in the xy plane, c up.

    Parameters
    ----------
    structure
        Periodic structure: any cell or supercell, in any orientation.

    Returns
    -------
    Structure
        One conventional cell of the average lattice (hexagonal axes for rhombohedral crystals),
        atoms where they are, not idealised. If atoms are missing, so that one cell does not
        stand for all, a block of such cells as large as the structure.

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
        Periodic structure, perfect or defective: a unit cell, which is replicated, or a
        supercell, which is used as it is if its axes are the standard ones and it has between
        about half and 1.6 times the wanted volume, and is cut otherwise.
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
        If n_atoms is not positive.
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
    """Build the cluster, as `build_cluster`, and return it with the average cell it consists of."""
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
    """Build a perfect cluster of a class, of the crystal that stands for it in this tutorial.

    Parameters
    ----------
    label
        One of `CLASSES`.
    element
        Chemical symbol; that of `EXAMPLE_CRYSTALS` if not given.
    n_atoms
        Wanted number of atoms.

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
    """Repeats of a cell along its axes that give a structure's own lattice, if any do."""
    integers = np.round(own @ np.linalg.inv(matrix))
    if not np.allclose(integers @ matrix, own, atol=0.02 * np.abs(matrix).max()):
        return None
    if (np.count_nonzero(integers, axis=0) != 1).any():
        return None
    return tuple(int(n) for n in np.abs(integers).max(axis=0))
