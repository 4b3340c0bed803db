"""Structures of elements: build them, check them, measure their bond length."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Composition, DummySpecies, Element, IMolecule, Lattice, Structure

from crystutor.arguments import InputError, refusal
from crystutor.crystal.samples import (
    LONGEST,
    Atoms,
    Sample,
    bare_sample,
    bare_sample_in_box,
    nearest_distances,
)

MAX_ATOMIC_NUMBER = 96
MOST_ATOMS = 1_000_000  # in a file; pymatgen takes about 1 kB for each
MIN_VOLUME = 0.01  # of a cell [Å^3]
SHORTEST_BOND = 0.1  # [Å]
LONGEST_BOND = 10.0  # [Å]
NOT_FINITE = "some of its numbers are NaN or infinite; finite coordinates are needed"
ZERO_VOLUME = "its cell has zero volume; three independent lattice vectors are needed"


def build_structure(
    lattice: Lattice | np.ndarray, numbers: Sequence[int] | np.ndarray, fractions: np.ndarray
) -> Structure:
    """Build a structure of elements from bare arrays.

    Parameters
    ----------
    lattice
        Lattice, or its vectors as rows, shape (3, 3) [Å].
    numbers
        Atomic numbers, shape (n,).
    fractions
        Fractional coordinates, shape (n, 3).

    Returns
    -------
    Structure
        With the atoms in the given order.

    Notes
    -----
    Sites of an element share one composition; pymatgen takes twice as long to make one for each.
    """
    numbers = np.asarray(numbers).tolist()
    species = {Z: Composition({Element.from_Z(Z): 1}) for Z in set(numbers)}
    return Structure(lattice, [species[Z] for Z in numbers], fractions)


@dataclass(frozen=True, eq=False)
class BareStructure:
    """A structure of elements as arrays: a pymatgen Structure of 256 atoms costs 5 ms on its way.

    It is made, asked for its elements and sent between processes site by site. The names are
    pymatgen's.

    Attributes
    ----------
    lattice : the cell
    atomic_numbers : shape (n,)
    frac_coords : shape (n, 3)
    """

    lattice: Lattice
    atomic_numbers: np.ndarray
    frac_coords: np.ndarray

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    @property
    def cart_coords(self) -> np.ndarray:
        """Positions, shape (n, 3) [Å]."""
        return self.frac_coords @ self.lattice.matrix

    @property
    def sample(self) -> Sample:
        """The same as a sample; a vacuum is not looked for."""
        pbc = np.array(self.lattice.pbc)
        return bare_sample_in_box(self.cart_coords, self.lattice.matrix, pbc)

    @cached_property
    def structure(self) -> Structure:
        """The same for pymatgen."""
        return build_structure(self.lattice, self.atomic_numbers, self.frac_coords)


def numbers_of(atoms: Atoms) -> np.ndarray:
    """Atomic numbers of a checked structure or molecule, shape (n,)."""
    numbers = {id(each): next(iter(each)).Z for each in compositions_of(atoms)}
    return np.array([numbers[id(site.species)] for site in atoms])


def compositions_of(atoms: Atoms) -> list[Composition]:
    """What the sites hold, each once: sites of an element mostly share it."""
    return list({id(site.species): site.species for site in atoms}.values())


def check_number(n_atoms: int) -> None:
    """Refuse what would fill the memory."""
    if n_atoms > MOST_ATOMS:
        raise InputError(f"it holds {n_atoms:,} atoms; up to {MOST_ATOMS:,} are accepted")


def require_atoms(atoms: Any, name: str = "structure") -> None:
    """Refuse what is neither a structure nor a molecule."""
    if not isinstance(atoms, Structure | IMolecule):
        file = "; read_structure reads a file" if isinstance(atoms, str | Path) else ""
        raise refusal(name, atoms, f"a pymatgen Structure or Molecule is accepted{file}")


def check_structure(structure: Atoms, name: str = "structure") -> None:
    """Check that a structure or a molecule, the argument `name`, can be given a fingerprint.

    Raises
    ------
    ValueError
        If it is not ordered or empty, or an element has Z > 96: the table of form factors, read
        at Z + 2, ends at 98. The message says why.

    Notes
    -----
    `crystutor.bond_length` checks the distances where they are needed.
    """
    require_atoms(structure, name)
    if len(structure) == 0:
        raise InputError("it holds no atoms; at least one is needed")
    compositions = compositions_of(structure)
    if not all(len(each) == 1 and each.num_atoms == 1 for each in compositions):
        raise InputError(
            "some sites are partially occupied; only fully occupied sites are accepted"
        )
    if not np.isfinite(structure.cart_coords).all():
        raise InputError(NOT_FINITE)
    if isinstance(structure, Structure):
        _check_lattice(structure.lattice)
    for species in {species for each in compositions for species in each}:
        _check_species(species)


def _check_lattice(lattice):
    if not np.isfinite(lattice.matrix).all():
        raise InputError(NOT_FINITE)
    a, b, c = lattice.abc
    if not lattice.volume > max(MIN_VOLUME, 1e-4 * a * b * c):
        raise InputError(ZERO_VOLUME)


def _check_species(species):
    Z = getattr(species, "Z", None)
    if isinstance(species, DummySpecies) or not isinstance(Z, int) or Z < 1:  # a dummy's is a hash
        raise InputError(f"species {species} is not a chemical element")
    if Z > MAX_ATOMIC_NUMBER:
        raise InputError(
            f"element {species.symbol} has Z = {Z}; up to Z = {MAX_ATOMIC_NUMBER} is accepted"
        )


def bond_length(atoms: Atoms | BareStructure) -> float:
    """Measure the average nearest-neighbour distance of a structure or a molecule.

    Parameters
    ----------
    atoms
        Structure, periodic along all, some or none of its axes, or a molecule.

    Returns
    -------
    float
        Mean over the atoms of the distance to the nearest other atom or periodic image [Å].

    Raises
    ------
    ValueError
        If there are no atoms, two atoms are closer than 0.1 Å, or the average exceeds 10 Å:
        the atoms are isolated.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> round(bond_length(build_prototype("fcc", "Cu")), 3)
    2.556
    """
    if not isinstance(atoms, BareStructure):
        require_atoms(atoms, "atoms")
    if len(atoms) == 0:
        raise InputError("the structure holds no atoms; at least one is needed")
    nearest = nearest_distances(
        atoms.sample if isinstance(atoms, BareStructure) else bare_sample(atoms)
    )
    if nearest.min() < SHORTEST_BOND:
        raise InputError(
            f"two atoms are {nearest.min():.3f} Å apart; at least {SHORTEST_BOND} Å is accepted"
        )
    average = np.minimum(nearest, LONGEST).mean()
    if average > LONGEST_BOND:
        raise InputError(
            f"the atoms are isolated, the nearest neighbour is {average:.0f} Å away or more on "
            f"average; at most {LONGEST_BOND:.0f} Å is accepted"
        )
    return float(average)
