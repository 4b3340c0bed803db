"""The average structure of a crystal, and its space group: the second witness."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import spglib
from pymatgen.core import Element, Lattice, Structure
from pymatgen.io.cif import CifWriter
from scipy.stats import chi2

from crystutor.crystal.average.cell import AverageCell, average_cells_of
from crystutor.crystal.average.folding import fold
from crystutor.crystal.lattice.bravais import ideal_lattice
from crystutor.crystal.lattice.sublattices import coarser_lattices, reduced, sublattice_basis
from crystutor.crystal.samples import Atoms, Sample, nearest_atoms, sample_of
from crystutor.crystal.structures import bond_length, check_structure
from crystutor.files import write_text

MOST_ATOMS = 3000  # that are folded
FEW_ATOMS = 40  # a periodic cell with as many is taken as it is
FEW_CELLS = 8  # with fewer, sites are compared by their commonest element
FALSE_ALARM = 1e-6  # probability that chance orders the elements or the vacancies
DIFFERENT = 1e-3  # probability that two sites of one kind differ as much
LEAST_TOLERANCE = 0.01  # [Å]
STANDARD_ERRORS = 8.0  # of the sites' places
LARGEST_TOLERANCE = 0.3  # [bond lengths]
PERFECT = 0.02  # [bond lengths]
OCCUPANCY_DIGITS = 4
FAMILIES, LAST_OF_FAMILY = "amothc", (2, 15, 74, 142, 194, 230)  # of space groups


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
            {element: min(1.0, x) for element, x in site.items()} for site in self.occupancies
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
    errors. Spglib finds the group, within 0.01 Å and eight standard errors of the sites' places.
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
    atoms = _atoms_to_fold(structure, sample, distance)
    places = fold(atoms.positions, cell.primitive, distance)
    folded = _fold_with_elements(places, atoms, sample)
    elements = np.unique(atoms.numbers)
    counts = _counts(folded, atoms.numbers, elements)
    n_cells = _n_cells(folded, atoms, sample)
    tolerance = _tolerance(folded, distance)
    lattice = _ideal(cell, cell.matrix, cell.bravais, folded)
    kinds = _kinds(counts, n_cells, sample.periodic.all())
    group = _space_group(lattice, folded, kinds, tolerance)
    sites = _space_group(lattice, folded, _alike(folded), tolerance)
    average, shares = _sites(folded, counts, elements, n_cells)
    return AverageStructure(
        average,
        shares,
        folded.scatter,
        group.number,
        group.symbol,
        sites.number,
        sites.symbol,
        _possible(cell, folded, n_cells, sample, tolerance),
        group.bravais,
        group.lengths,
        tolerance,
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


@dataclass(frozen=True, eq=False)
class _FoldedAtoms:
    positions: np.ndarray
    numbers: np.ndarray
    share: float  # of the sample
    distance: float


def _atoms_to_fold(structure, sample, distance):
    """All atoms, or a ball of a large sample; places, atomic numbers and share of the sample."""
    positions, numbers = sample.fractions @ sample.box, np.array(structure.atomic_numbers)
    if len(positions) <= MOST_ATOMS:
        return _FoldedAtoms(positions, numbers, 1.0, distance)
    center = positions[len(positions) // 2]
    indices, vectors = nearest_atoms(sample, center, MOST_ATOMS, distance)
    return _FoldedAtoms(vectors + center, numbers[indices], MOST_ATOMS / len(positions), distance)


def _fold_with_elements(places, atoms, sample):
    """Fold into the cell that elements and vacancies have: that of the places, or a coarser one."""
    elements = np.unique(atoms.numbers)
    whole = sample.periodic.all()
    if whole and len(sample) <= FEW_ATOMS:
        return places if len(elements) == 1 else _fold_as_written(places, atoms, sample)
    folded = places
    while True:
        n_cells = _n_cells(folded, atoms, sample) if whole and atoms.share == 1 else None
        repeats = np.round(sample.box[sample.periodic] @ np.linalg.inv(folded.basis))
        chances = [
            (_log_probability(folded, atoms.numbers, p, a, n_cells), p, a)
            for p, a in coarser_lattices()
            if not (repeats @ a % p).any()
        ]
        lowest, p, a = min(chances, key=lambda chance: chance[0], default=(0.0, 1, np.zeros(3)))
        if lowest > np.log(FALSE_ALARM):
            return folded
        basis = sublattice_basis(folded.basis, p, a)
        folded = fold(atoms.positions, basis, atoms.distance)


def _fold_as_written(places, atoms, sample):
    """Fold a small cell of several elements into the primitive cell that Spglib finds in it."""
    cell = (sample.box.tolist(), sample.fractions.tolist(), atoms.numbers.tolist())
    dataset = spglib.get_symmetry_dataset(cell, symprec=PERFECT * atoms.distance)
    basis = reduced(sample.box if dataset is None else dataset.primitive_lattice)
    same = abs(np.linalg.det(basis) / np.linalg.det(places.basis)) < 1.5
    return places if same else fold(atoms.positions, basis, atoms.distance)


def _log_probability(folded, numbers, p, a, n_cells):
    """Log of the probability that atoms are spread over p sublattices as unevenly by chance.

    Vacancies count as a kind of atom if the number of cells is known.
    """
    taken = folded.sites >= 0
    _, kinds = np.unique(numbers, return_inverse=True)
    shape = (len(folded.centers), p, kinds.max() + 2)
    table = np.zeros(shape)
    np.add.at(table, (folded.sites[taken], (folded.cells @ a % p)[taken], kinds[taken]), 1)
    if n_cells is not None:
        table[:, :, -1] = np.maximum(0, n_cells / p - table.sum(axis=2))
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=2, keepdims=True)
    expected /= np.maximum(1, table.sum(axis=(1, 2), keepdims=True))
    total = ((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum()
    n_kinds = (table.sum(axis=1) > 0).sum(axis=1)
    return chi2.logsf(total, (p - 1) * np.maximum(0, n_kinds - 1).sum()) if total > 0 else 0.0


def _counts(folded, numbers, elements):
    """Atoms of each element on each site, shape (n_sites, n_elements)."""
    table = np.zeros((len(folded.centers), len(elements)), int)
    taken = folded.sites >= 0
    np.add.at(table, (folded.sites[taken], np.searchsorted(elements, numbers[taken])), 1)
    return table


def _n_cells(folded, atoms, sample):
    """Number of cells that were folded; in a finite sample the fullest site counts as full."""
    if not sample.periodic.all():
        return float(folded.counts.max())
    return float(atoms.share * abs(np.linalg.det(sample.box) / np.linalg.det(folded.basis)))


def _kinds(counts, n_cells, whole):
    """Number the kinds of sites: those that hold the same within the errors, shape (n_sites,)."""
    if n_cells < FEW_CELLS:
        return counts.argmax(axis=1) + 1
    table = np.column_stack([counts, np.maximum(0, n_cells - counts.sum(axis=1))])
    table = table if whole else counts
    kinds = np.zeros(len(table), int)
    sums: list[np.ndarray] = []
    for site in np.argsort(-counts.max(axis=1), kind="stable"):
        same = [kind for kind, total in enumerate(sums) if not _differ(table[site], total)]
        if not same:
            same = [len(sums)]
            sums.append(np.zeros(table.shape[1]))
        kinds[site] = same[0] + 1
        sums[same[0]] = sums[same[0]] + table[site]
    return kinds


def _differ(first, second):
    """Whether two rows of counts differ by more than chance, by a chi squared test."""
    table = np.array([first, second])[:, first + second > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    total = ((table - expected) ** 2 / expected).sum()
    return chi2.sf(total, table.shape[1] - 1) < DIFFERENT


def _tolerance(folded, distance):
    errors = folded.scatter / np.sqrt(np.maximum(1, folded.counts))
    wanted = LEAST_TOLERANCE + STANDARD_ERRORS * errors.max(initial=0.0)
    return float(min(wanted, LARGEST_TOLERANCE * distance))


def _alike(folded):
    return np.ones(len(folded.centers), int)


def _ideal(cell, matrix, bravais, folded):
    """The folded cell in the nearest lattice of a symmetry that the places may have."""
    ideal = ideal_lattice(matrix, bravais, cell.primitive)
    return np.round(folded.basis @ np.linalg.inv(cell.primitive)) @ ideal


def _possible(cell, folded, n_cells, sample, tolerance):
    """Groups of the places in each lattice that they may have, and with occupancies told apart."""
    occupied = _kinds(folded.counts[:, None], n_cells, sample.periodic.all())
    found = [
        _space_group(_ideal(cell, matrix, bravais, folded), folded, kinds, tolerance)
        for bravais, matrix in cell.possible.items()
        for kinds in (_alike(folded), occupied)
    ]
    return frozenset(group.number for group in found if group.number is not None)


@dataclass(frozen=True, eq=False)
class _Group:
    number: int | None = None
    symbol: str = ""
    bravais: str = ""
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(3))


def _space_group(lattice, folded, kinds, tolerance):
    """Group of sites of several kinds, by Spglib."""
    fractions = folded.centers @ np.linalg.inv(folded.basis)
    cell = (lattice.tolist(), fractions.tolist(), kinds.tolist())
    dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    if dataset is None:
        return _Group()
    family = FAMILIES[np.searchsorted(LAST_OF_FAMILY, dataset.number)]
    centring = "S" if dataset.international[0] in "ABC" else dataset.international[0]
    lengths = np.linalg.norm(dataset.std_lattice, axis=1)
    return _Group(dataset.number, dataset.international, family + centring, lengths)
