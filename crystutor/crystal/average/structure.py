"""The average structure of a crystal, and its space group: the second witness."""

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from pymatgen.core import Element, Lattice, Structure
from pymatgen.io.cif import CifWriter

from crystutor.crystal.average.cell import AverageCell, average_cells_of
from crystutor.crystal.average.folding import fold
from crystutor.crystal.average.ordering import (
    atoms_to_fold,
    counts_of,
    fold_with_elements,
    kinds_of_sites,
    number_of_cells,
)
from crystutor.crystal.average.symmetry import CUBIC_GROUPS, find_group, group_of_one_site
from crystutor.crystal.lattice.bravais import ideal_lattice
from crystutor.crystal.samples import Atoms, Sample, sample_of
from crystutor.crystal.structures import bond_length, check_structure
from crystutor.files import write_text

OCCUPANCY_DIGITS = 4


@dataclass(frozen=True, eq=False)
class AverageStructure:
    """All cells of a crystal, laid on top of each other.

    Attributes
    ----------
    structure : the primitive cell, each site with its commonest element
    occupancies : share of the cells in which a site holds each element, a dict for each site
    displacements : standard deviation of the atoms' places about each site, per component,
        shape (n_sites,) [Å]
    space_group : international number, with the elements; None if Spglib finds none
    symbol : its Hermann-Mauguin symbol, or ""
    site_space_group : international number with all atoms alike; None if Spglib finds none
    site_symbol : its symbol, or ""
    possible_site_space_groups : numbers that the data do not exclude: in each lattice that may fit,
        with sites told apart by their occupancy or not
    bravais : Bravais lattice with the elements, in Pearson's two letters
    lengths : edges of its conventional cell, shape (3,) [Å]
    tolerance : within which a symmetry holds [Å]
    n_cells : number of primitive cells that were laid on top of each other
    n_interstitials : number of atoms that take no site
    """

    structure: Structure
    occupancies: list[dict[str, float]]
    displacements: np.ndarray
    space_group: int | None
    symbol: str
    site_space_group: int | None
    site_symbol: str
    possible_site_space_groups: frozenset[int]
    bravais: str
    lengths: np.ndarray
    tolerance: float
    n_cells: float
    n_interstitials: int

    def write(self, path: str | Path) -> None:
        """Write a CIF with the occupancies and U_iso [Å^2] of the sites.

        Parameters
        ----------
        path
            Name of the file; it appears whole or not at all.
        """
        shares = [
            {element: round(min(1.0, x), OCCUPANCY_DIGITS) for element, x in site.items()}
            for site in self.occupancies
        ]
        squares = {"U_iso_or_equiv": (self.displacements**2).round(6).tolist()}
        crystal = Structure(
            self.structure.lattice,
            shares,
            np.mod(self.structure.frac_coords.round(6), 1.0) + 0.0,
            site_properties=squares,
        )
        write_text(Path(path), str(CifWriter(crystal, write_site_properties=True)))


def average_structure(structure: Atoms) -> AverageStructure:
    """Lay all cells of a crystal on top of each other, and find the symmetry of the average.

    Parameters
    ----------
    structure
        Structure or molecule, perfect or defective, of any elements.

    Returns
    -------
    AverageStructure
        In the frame of the structure.

    Raises
    ------
    NoAverageLatticeError
        If the sample has no three-dimensional lattice, or more than one.
    ValueError
        If the atoms make no sample; see `crystutor.find_translations`.

    Notes
    -----
    The atoms are folded into the primitive cell of the lattice that all atoms alike have. The
    lattice becomes coarser where elements or vacancies differ between its cells by more than
    chance, by a chi squared test. Sites count as equal if they hold the same elements within the
    errors. The group is the highest that the sites' places do not exclude.
    A finite sample does not tell how many cells it has: there the fullest site counts as full.

    References
    ----------
    A. Togo, K. Shinohara and I. Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822 (2024).

    Examples
    --------
    >>> from crystutor import build_prototype, displace_atoms, remove_atoms
    >>> block = build_prototype("diamond").make_supercell(3, in_place=False)
    >>> broken = displace_atoms(remove_atoms(block, 0.25, seed=1), 0.06, seed=1)
    >>> average_structure(broken).symbol
    'Fd-3m'
    """
    check_structure(structure)
    sample, distance = sample_of(structure), bond_length(structure)
    cell = average_cells_of(sample, distance)[0]
    return average_structure_of(structure, sample, distance, cell)


def average_structure_of(
    structure: Atoms, sample: Sample, distance: float, cell: AverageCell
) -> AverageStructure:
    """Average a crystal as `average_structure` does; sample, bond length and cell are given."""
    atoms = atoms_to_fold(structure, sample, distance)
    places = fold(atoms.positions, cell.primitive, distance)
    folded = fold_with_elements(places, atoms, sample)
    elements = np.unique(atoms.numbers)
    counts = counts_of(folded, atoms.numbers, elements)
    n_cells = number_of_cells(folded, atoms, sample)
    whole = bool(sample.periodic.all())
    kinds = kinds_of_sites(counts, n_cells, whole)
    occupied = kinds_of_sites(folded.counts[:, None], n_cells, whole)
    group, sites, possible = _groups(cell, folded, distance, tuple(kinds), tuple(occupied))
    average, shares = _sites(folded, counts, elements, n_cells)
    return AverageStructure(
        average,
        shares,
        folded.scatter,
        group.number,
        group.symbol,
        sites.number,
        sites.symbol,
        possible,
        group.bravais,
        group.lengths,
        group.tolerance,
        n_cells,
        int((folded.sites < 0).sum()),
    )


def _sites(folded, counts, elements, n_cells):
    """The average cell, and what each of its sites holds."""
    symbols = [Element.from_Z(Z).symbol for Z in elements]
    commonest = [symbols[i] for i in counts.argmax(axis=1)]
    cell = Structure(Lattice(folded.basis), commonest, folded.centers, coords_are_cartesian=True)
    shares = [
        {symbol: float(n / n_cells) for symbol, n in zip(symbols, row, strict=True) if n}
        for row in counts
    ]
    return cell, shares


def _groups(cell, folded, distance, kinds, occupied):
    """Groups with sites told apart by elements, and with all alike; and the possible numbers.

    Those are of the sites in each lattice that they may have, all alike or told apart by occupancy.
    """
    ask = cache(partial(_group_in, cell, folded, distance))  # with one kind, they are all alike
    alike = (1,) * len(kinds)
    numbers = {ask(name, each).number for name in cell.possible for each in (alike, occupied)}
    return ask(cell.bravais, kinds), ask(cell.bravais, alike), frozenset(numbers - {None})


def _group_in(cell, folded, distance, bravais, kinds):
    """Group of the sites in the nearest lattice of a symmetry that the places may have."""
    ideal = ideal_lattice(cell.possible[bravais], bravais, cell.primitive)
    coarser = np.round(folded.basis @ np.linalg.inv(cell.primitive))
    lattice = coarser @ ideal
    if len(kinds) == 1 and abs(np.linalg.det(coarser)) < 1.5 and bravais in CUBIC_GROUPS:
        return group_of_one_site(lattice, bravais, folded, distance)
    return find_group(lattice, folded, np.array(kinds), distance)
