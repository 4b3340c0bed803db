"""Point defects and disorder: displace, remove, substitute atoms; empty the bcc centres.

With one seed, damage only grows: atoms that are gone at 10 % are also gone at 15 %, and a larger
sigma displaces every atom farther along the same direction.
"""

from typing import TypeVar

import numpy as np
from pymatgen.core import Element, Molecule, Structure

from crystutor.arguments import (
    InputError,
    Seed,
    random_generator,
    require,
    require_number,
    require_whole,
)
from crystutor.crystal.structures import MAX_ATOMIC_NUMBER, build_structure, require_atoms

Crystal = TypeVar("Crystal", Structure, Molecule)


def displace_atoms(structure: Crystal, sigma: float, seed: Seed = None) -> Crystal:
    """Displace every atom at random.

    Parameters
    ----------
    structure
        Structure, or a molecule for a finite sample.
    sigma
        Standard deviation of the normal distribution of each Cartesian component [Å].
    seed
        Seed of the directions: a larger sigma displaces the atoms farther along the same ones.

    Returns
    -------
    Structure or Molecule
        The displaced atoms; the input is not changed.

    Raises
    ------
    ValueError
        If sigma is negative or not a number.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> displace_atoms(build_prototype("sc"), 0.0) == build_prototype("sc")
    True
    """
    require_atoms(structure)
    require_number("sigma", sigma, low=0, unit="Å")
    noise = random_generator(seed).normal(0, sigma, (len(structure), 3))
    if isinstance(structure, Structure):
        noise = structure.lattice.get_fractional_coords(noise)
    return _with_atoms(structure, structure.atomic_numbers, _coordinates(structure) + noise)


def remove_atoms(structure: Crystal, fraction: float, seed: Seed = None) -> Crystal:
    """Make vacancies: remove floor(fraction x number of atoms) atoms, chosen at random.

    Parameters
    ----------
    structure
        Structure, best a supercell, or a molecule for a finite sample.
    fraction
        Fraction of the atoms to remove, in [0, 1].
    seed
        Seed of the order of removal: a larger fraction removes the same atoms, and more.

    Returns
    -------
    Structure or Molecule
        The atoms that stay; the input is not changed.

    Raises
    ------
    ValueError
        If fraction is outside [0, 1], or no atom would be left.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> len(remove_atoms(build_prototype("diamond"), 0.25, seed=1))
    6
    """
    return _without(structure, vacancy_sites(structure, fraction, seed))


def vacancy_sites(
    structure: Structure | Molecule, fraction: float, seed: Seed = None
) -> np.ndarray:
    """Choose the atoms that `remove_atoms` removes: indices in the order of removal, shape (n,)."""
    require_atoms(structure)
    return _choose(range(len(structure)), fraction, seed)


def substitute_atoms(
    structure: Crystal, fraction: float, n_species: int = 1, seed: Seed = None
) -> Crystal:
    """Replace floor(fraction x number of atoms) atoms by other elements, all chosen at random.

    Parameters
    ----------
    structure
        Structure, or a molecule for a finite sample.
    fraction
        Fraction of the atoms to replace, in [0, 1].
    n_species
        Number of substitutional elements: 1 makes a binary of an elemental crystal, 2 a ternary.
    seed
        Seed of the elements and of the order in which atoms are replaced: a larger fraction
        replaces the same atoms, and more.

    Returns
    -------
    Structure or Molecule
        The alloy; the input is not changed.

    Raises
    ------
    ValueError
        If fraction is outside [0, 1] or n_species is less than 1.

    Examples
    --------
    >>> from crystutor import build_cluster, build_prototype
    >>> alloy = substitute_atoms(build_cluster(build_prototype("fcc")), 0.5, n_species=2, seed=1)
    >>> len(alloy.composition)
    3
    """
    require_atoms(structure)
    rng = random_generator(seed)
    numbers = np.array(structure.atomic_numbers)
    others = np.setdiff1d(np.arange(1, MAX_ATOMIC_NUMBER + 1), numbers)
    require_whole("n_species", n_species, 1, len(others))
    species = rng.choice(others, n_species, replace=False)
    chosen = _choose(range(len(structure)), fraction, rng)
    numbers[chosen] = species[np.arange(len(chosen)) % n_species]
    return _with_atoms(structure, numbers, _coordinates(structure))


def remove_body_centers(structure: Structure, fraction: float, seed: Seed = None) -> Structure:
    """Remove a fraction of the centre atoms of a bcc crystal. Without any, it is simple cubic.

    Parameters
    ----------
    structure
        Perfect bcc crystal in conventional axes: a unit cell or a block of such cells.
    fraction
        Fraction of the centre atoms to remove, in [0, 1]; floor(fraction x centres) go.
    seed
        Seed of the order of removal: a larger fraction removes the same centres, and more.

    Returns
    -------
    Structure
        The crystal with empty centres; the input is not changed.

    Raises
    ------
    ValueError
        If fraction is outside [0, 1], or the structure is not a block of bcc unit cells.

    Examples
    --------
    >>> from crystutor import build_cluster, build_prototype
    >>> len(remove_body_centers(build_cluster(build_prototype("bcc")), 1.0))
    125
    """
    return _without(structure, body_center_sites(structure, fraction, seed))


def body_center_sites(structure: Structure, fraction: float, seed: Seed = None) -> np.ndarray:
    """Choose the centres that `remove_body_centers` removes: indices in the order of removal."""
    require("structure", structure, isinstance(structure, Structure), "a pymatgen Structure")
    return _choose(_body_centers(structure), fraction, seed)


def _body_centers(structure):
    """Indices of the atoms half a cell diagonal away from the first atom's sublattice."""
    a = np.cbrt(2 * structure.volume / len(structure))
    cells = (structure.cart_coords - structure.cart_coords[0]) / a
    halves = np.round(2 * cells).astype(int)
    parity = halves % 2
    if np.abs(2 * cells - halves).max() > 0.02 or (parity != parity[:, :1]).any():
        raise InputError("the structure is not a perfect bcc crystal in conventional axes")
    return np.flatnonzero(parity[:, 0])


def _choose(candidates, fraction, seed):
    require_number("fraction", fraction, 0, 1)
    count = int(np.floor(fraction * len(candidates) + 1e-9))
    return random_generator(seed).permutation(candidates)[:count]


def _without(structure, indices):
    kept = np.setdiff1d(np.arange(len(structure)), indices)
    if len(kept) == 0:
        raise InputError(
            f"fraction would remove all {len(structure)} atoms; at least one must stay"
        )
    numbers = np.array(structure.atomic_numbers)[kept]
    return _with_atoms(structure, numbers, _coordinates(structure)[kept])


def _coordinates(structure):
    """Fractional coordinates of a structure, Cartesian ones [Å] of a molecule, shape (n, 3)."""
    return structure.frac_coords if isinstance(structure, Structure) else structure.cart_coords


def _with_atoms(structure, numbers, coordinates):
    """Other atoms in the same lattice, or without any."""
    if isinstance(structure, Molecule):
        return Molecule([Element.from_Z(Z) for Z in numbers], coordinates)
    return build_structure(structure.lattice, numbers, coordinates)
