"""The average cell of a sample: the conventional cell of its lattice."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from pymatgen.core import Lattice

from crystutor.crystal.lattice.bravais import weigh_lattices
from crystutor.crystal.lattice.moved_atoms import MovedAtoms
from crystutor.crystal.lattice.search import Translations
from crystutor.crystal.lattice.translations import translations_of
from crystutor.crystal.lattice.turns import keeps_its_shape
from crystutor.crystal.samples import Atoms, Sample, sample_of
from crystutor.crystal.structures import bond_length, check_structure

ONE_SITE = 1.5  # atoms in a primitive cell, in units of the overlap


@dataclass(frozen=True, eq=False)
class AverageCell:
    """Conventional cell of a crystal's average lattice.

    Attributes
    ----------
    matrix : lattice vectors as rows, in the frame of the input structure, shape (3, 3) [Å]
    bravais : Bravais lattice in Pearson's two letters, such as "cF", or "other"
    n_cells : number of these cells in the structure; None for a finite sample
    strain : largest principal strain to the nearest lattice of the symmetry of `bravais`
    weight : belief in this symmetry, in [0, 1]; 1 if no other lattice fits
    overlap : share of the atoms that the lattice's shortest vectors move onto atoms
    possible : conventional cells by Bravais lattice: those that fit, and higher ones within 4 %
    primitive : primitive vectors of the lattice as rows, shape (3, 3) [Å]
    """

    matrix: np.ndarray
    bravais: str
    n_cells: float | None
    strain: float
    weight: float = 1.0
    overlap: float = 1.0
    possible: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    primitive: np.ndarray = field(default_factory=lambda: np.eye(3), repr=False)

    def describe(self) -> dict:
        """Lengths [Å], angles [degree], Bravais lattice, number of cells and strain, rounded."""
        lattice = Lattice(self.matrix)
        return {
            "lengths": [round(length, 4) for length in lattice.abc],
            "angles": [round(angle, 3) for angle in lattice.angles],
            "bravais": self.bravais,
            "n_cells": None if self.n_cells is None else round(self.n_cells, 3),
            "strain": round(self.strain, 5),
        }


def find_average_cell(structure: Atoms) -> AverageCell:
    """Find the conventional cell of a sample's average lattice.

    Parameters
    ----------
    structure
        Structure, periodic along all, some or none of its axes, or a molecule: perfect or
        defective, any cell or supercell, in any orientation.

    Returns
    -------
    AverageCell
        In the frame of the structure. Where several lattices fit, the one with most weight.

    Raises
    ------
    NoAverageLatticeError
        If the sample has no three-dimensional lattice, or more than one.

    Examples
    --------
    >>> from crystutor import build_prototype, remove_atoms
    >>> block = build_prototype("fcc").make_supercell(4, in_place=False)
    >>> find_average_cell(remove_atoms(block, 0.25, seed=1)).bravais
    'cF'
    """
    return find_average_cells(structure)[0]


def find_average_cells(structure: Atoms) -> list[AverageCell]:
    """Find the conventional cells of all lattices that fit a sample, the weightiest first.

    Parameters and errors are those of `find_average_cell`; the weights are explained in
    `crystutor.crystal.lattice.bravais.weigh_lattices`.
    """
    check_structure(structure)
    return average_cells_of(sample_of(structure), bond_length(structure))


def average_cells_of(sample: Sample, distance: float) -> list[AverageCell]:
    """Find the cells as `find_average_cells` does; the bond length [Å] is given."""
    found = translations_of(sample, distance)
    return cells_on(found, sample, distance)


def cells_on(
    found: Translations, sample: Sample, distance: float, moved: MovedAtoms | None = None
) -> list[AverageCell]:
    """Find the cells on a lattice that was found; `moved` are the atoms that were moved."""
    error = float(np.abs(found.errors).max() / np.linalg.norm(found.basis, axis=1).min())
    several_sites = found.sites > ONE_SITE * found.overlap
    may_be = None
    if several_sites:
        may_be = partial(keeps_its_shape, moved or MovedAtoms(sample, distance))
    lattices, possible = weigh_lattices(found.basis, error, found.scatter / distance, may_be)
    volume = abs(np.linalg.det(sample.box)) if sample.periodic.all() else None
    return [
        AverageCell(
            lattice.matrix,
            lattice.bravais,
            volume and float(volume / abs(np.linalg.det(lattice.matrix))),
            lattice.strain,
            lattice.weight,
            found.overlap,
            possible,
            found.basis,
        )
        for lattice in lattices
    ]
