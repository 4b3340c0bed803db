import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    average_structure,
    build_prototype,
    displace_atoms,
    example_cluster,
    find_average_cell,
    find_translations,
    remove_atoms,
    remove_body_centers,
    substitute_atoms,
)
from crystutor.crystal.average.folding import fold
from crystutor.crystal.average.symmetry import find_group, group_of_one_site
from crystutor.crystal.lattice.bravais import ideal_lattice
from crystutor.crystal.structures import bond_length
from crystutor.crystal.supercells import random_supercell

GROUPS = {"bct139": 139, "bct141": 141, "sc": 221, "fcc": 225, "diam": 227, "bcc": 229}
COMPOUNDS = {  # group with elements, group of the places, lattice, sites
    "NaCl": (225, 221, 5.64, {"Na": [0, 0, 0], "Cl": [0.5, 0.5, 0.5]}),
    "CsCl": (221, 229, 4.12, {"Cs": [0, 0, 0], "Cl": [0.5, 0.5, 0.5]}),
    "CaF2": (225, 225, 5.46, {"Ca": [0, 0, 0], "F": [0.25, 0.25, 0.25]}),
    "Cu3Au": (221, 225, 3.75, {"Au": [0, 0, 0], "Cu": [0.5, 0.5, 0]}),
    "ZnS": (216, 227, 5.41, {"Zn": [0, 0, 0], "S": [0.25, 0.25, 0.25]}),
}


def compound(name):
    group, _, a, sites = COMPOUNDS[name]
    return Structure.from_spacegroup(group, Lattice.cubic(a), list(sites), list(sites.values()))


@pytest.mark.parametrize(
    ("vacancies", "sigma"), [(0, 0), (0.25, 0), (0.25, 0.06), (0.4, 0.06), (0, 0.1)]
)
def test_group_of_a_broken_crystal(labelled_cell, vacancies, sigma):
    label, cell = labelled_cell
    supercell = random_supercell(cell, np.random.default_rng(3), (250, 400))
    broken = displace_atoms(remove_atoms(supercell, vacancies, seed=1), sigma, seed=1)
    average = average_structure(broken)
    assert average.space_group == average.site_space_group == GROUPS.get(label, 194)
    assert average.n_cells == pytest.approx(len(supercell) / len(average.structure))
    assert average.n_interstitials == 0


@pytest.mark.parametrize(("name", "number"), [("hcp", 194), ("alpha-As", 166)])
def test_hexagonal_and_rhombohedral_are_told_apart(name, number):
    supercell = random_supercell(build_prototype(name), np.random.default_rng(1), (250, 400))
    assert average_structure(remove_atoms(supercell, 0.25, seed=1)).space_group == number


@pytest.mark.parametrize("vacancies", [0, 0.25])
@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("name", COMPOUNDS)
def test_groups_of_a_compound(name, repeats, vacancies):
    if repeats == 1 and vacancies:
        pytest.skip("one cell with vacancies is another crystal")
    group, places, a, _ = COMPOUNDS[name]
    block = compound(name).make_supercell(repeats, in_place=False)
    average = average_structure(remove_atoms(block, vacancies, seed=1))
    assert (average.space_group, average.site_space_group) == (group, places)
    assert average.lengths[0] == pytest.approx(a, rel=1e-3)
    assert average.bravais[0] == "c"


def test_a_random_alloy_has_one_kind_of_site():
    alloy = substitute_atoms(example_cluster("fcc"), 0.5, n_species=2, seed=1)
    average = average_structure(alloy)
    assert average.space_group == average.site_space_group == 225
    (site,) = average.occupancies
    assert sum(site.values()) == pytest.approx(1)
    assert sorted(site.values()) == pytest.approx([0.25, 0.25, 0.5])


@pytest.mark.parametrize(("fraction", "number"), [(0.0, 229), (0.05, 229), (0.5, 221), (0.8, 221)])
def test_body_centers_become_another_kind_of_site(fraction, number):
    """Fig. 4b: bcc until the centres are emptier than the corners by more than chance."""
    average = average_structure(remove_body_centers(example_cluster("bcc"), fraction, seed=1))
    assert average.space_group == number
    assert average.site_space_group == 229
    shares = sorted(sum(site.values()) for site in average.occupancies)
    assert shares == pytest.approx(
        [1 - fraction, 1] if number == 221 else [1 - fraction / 2], abs=0.01
    )


def test_occupancies_and_displacements_are_unbiased():
    """Over many crystals, deviations in units of the standard error have mean zero."""
    cell = build_prototype("hcp")
    deviations = []
    for seed in range(30):
        block = random_supercell(cell, np.random.default_rng(seed), (250, 400))
        broken = displace_atoms(remove_atoms(block, 0.25, seed=seed), 0.08, seed=seed)
        average = average_structure(broken)
        counts = average.n_cells * np.array([sum(site.values()) for site in average.occupancies])
        occupied = (counts / average.n_cells - 0.75) / np.sqrt(0.1875 / average.n_cells)
        scattered = (average.displacements / 0.08 - 1) * np.sqrt(6 * counts)
        deviations.append([occupied.mean(), scattered.mean()])
    n = len(deviations)
    assert np.abs(np.mean(deviations, axis=0)).max() < 3 / np.sqrt(n)


def test_interstitials_are_counted():
    crystal = example_cluster("sc")
    for place in ([0, 0, 0], [3, 2, 1]):  # its atoms are at half cells
        position = bond_length(build_prototype("sc", "Po")) * np.array(place)
        crystal.append("H", position, coords_are_cartesian=True)
    average = average_structure(crystal)
    assert average.n_interstitials == 2
    assert average.site_space_group == 221


def test_a_finite_sample():
    block = example_cluster("diam", n_atoms=700)
    away = np.linalg.norm(block.cart_coords - block.cart_coords.mean(axis=0), axis=1)
    chosen = np.argsort(away)[:250]
    ball = Molecule([block[i].specie for i in chosen], block.cart_coords[chosen])
    average = average_structure(displace_atoms(ball, 0.05, seed=1))
    assert average.space_group == 227
    assert max(sum(site.values()) for site in average.occupancies) == 1


def test_written_as_cif(tmp_path):
    alloy = displace_atoms(substitute_atoms(example_cluster("bcc"), 0.25, seed=1), 0.05, seed=2)
    average = average_structure(remove_atoms(alloy, 0.1, seed=1))
    average.write(tmp_path / "average.cif")
    text = (tmp_path / "average.cif").read_text()
    assert "_atom_site_U_iso_or_equiv" in text
    read = Structure.from_str(text, fmt="cif")
    assert read.num_sites == len(average.structure) == 1
    assert read[0].species.num_atoms == pytest.approx(0.9, abs=0.01)
    numbers = [word for line in text.splitlines() if "." in line for word in line.split()]
    assert all(len(word) < 13 for word in numbers[-8:])  # rounded, not 0.7695312499999998
    assert "-0.0000" not in text


def test_folded_atoms_are_where_they_were():
    crystal = displace_atoms(example_cluster("bct141"), 0.05, seed=1)
    basis = find_translations(crystal).basis
    folded = fold(crystal.cart_coords, basis, bond_length(crystal))
    again = folded.centers[folded.sites] + folded.cells @ basis + folded.offsets
    np.testing.assert_allclose(again, crystal.cart_coords, atol=1e-9)
    assert len(folded.centers) == 2
    assert (np.bincount(folded.sites) == len(crystal) / 2).all()


def shifted_layers(sigma, n_periods, repeats=6, shift=0.12):
    """A block of simple cubic crystal, its layers shifted along [010] in waves along [001]."""
    block = build_prototype("sc").make_supercell(repeats, in_place=False)
    waves = np.cos(2 * np.pi * n_periods * block.frac_coords[:, 2])
    places = block.cart_coords + shift * waves[:, None] * np.array([0, 1, 0])
    shifted = Structure(block.lattice, block.species, places, coords_are_cartesian=True)
    return displace_atoms(shifted, sigma, seed=1)


@pytest.mark.parametrize("sigma", [0, 0.06, 0.1])
def test_ordered_shifts_are_seen_through_noise(sigma):
    average = average_structure(shifted_layers(sigma, n_periods=3))
    assert len(average.structure) == 2
    assert average.space_group == 51  # Pmma
    assert average.displacements == pytest.approx(np.full(2, sigma), rel=0.1, abs=1e-3)


def test_a_long_wave_is_motion_and_no_order():
    average = average_structure(shifted_layers(0.06, n_periods=1))
    assert len(average.structure) == 1
    assert average.space_group == 221


@pytest.mark.parametrize("seed", range(8))
def test_the_group_is_the_highest_that_is_not_excluded(seed):
    supercell = random_supercell(build_prototype("hcp"), np.random.default_rng(seed), (250, 400))
    broken = displace_atoms(remove_atoms(supercell, 0.25, seed), 0.1, seed)
    assert average_structure(broken).space_group == 194


def test_a_small_shift_is_not_idealized():
    cell = Structure.from_spacegroup(
        "P4mm", Lattice.cubic(4.0), ["Ba", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.52]]
    )
    broken = displace_atoms(cell.make_supercell(5, in_place=False), 0.06, seed=1)
    assert average_structure(broken).space_group == 99


@pytest.mark.parametrize("name", ["sc", "bcc", "fcc"])
def test_a_cubic_lattice_with_one_site_has_the_group_that_spglib_finds(name):
    crystal = displace_atoms(build_prototype(name).make_supercell(4, in_place=False), 0.1, seed=1)
    distance, cell = bond_length(crystal), find_average_cell(crystal)
    folded = fold(crystal.cart_coords, cell.primitive, distance)
    lattice = ideal_lattice(cell.matrix, cell.bravais, cell.primitive)
    known = group_of_one_site(lattice, cell.bravais, folded, distance)
    found = find_group(lattice, folded, np.array([1]), distance)
    assert (known.number, known.symbol, known.bravais) == (
        found.number,
        found.symbol,
        found.bravais,
    )
    assert known.tolerance == found.tolerance
    np.testing.assert_allclose(known.lengths, found.lengths)
