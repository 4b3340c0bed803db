import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    PROTOTYPES,
    bond_length,
    build_cluster,
    build_prototype,
    displace_atoms,
    find_average_cell,
    remove_atoms,
    standard_cell,
)
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.supercells import random_orientation, random_supercell

BRAVAIS = {
    "fcc": "cF",
    "bcc": "cI",
    "sc": "cP",
    "diam": "cF",
    "hex/rh": "hP",
    "bct139": "tI",
    "bct141": "tI",
}
NEARLY_SMALLER = {f"places of {name}" for name in ("Ti2C", "MoSi2", "ZrAl3")}  # within tolerance
NAMED = [
    name
    for name, prototype in PROTOTYPES.items()
    if prototype.kind != "enumerated" and name not in NEARLY_SMALLER
]


@pytest.mark.parametrize("name", NAMED)
def test_standard_cell_is_the_conventional_cell(name):
    rng = np.random.default_rng(1)
    crystal = build_prototype(name)
    turned = random_orientation(crystal.get_primitive_structure(tolerance=1e-3), rng)
    cell = standard_cell(turned)
    points = (crystal.lattice.matrix, crystal.frac_coords, crystal.atomic_numbers)
    expected = Lattice(spglib.standardize_cell(points, no_idealize=True, symprec=1e-3)[0])
    assert len(cell) == len(crystal)
    np.testing.assert_allclose(cell.lattice.abc, expected.abc, rtol=1e-4)
    np.testing.assert_allclose(cell.lattice.angles, expected.angles, atol=0.01)


def test_orientation_of_the_standard_cell():
    turned = random_orientation(build_prototype("hcp"), np.random.default_rng(3))
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = standard_cell(turned).lattice.matrix
    assert (ay, az, bz) == pytest.approx((0, 0, 0), abs=1e-9)
    assert ax > 0
    assert by > 0
    assert cz > 0
    assert bx == pytest.approx(-ax / 2)
    assert (cx, cy) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("vacancies", "sigma"), [(0, 0), (0.4, 0), (0.6, 0), (0, 0.1), (0.25, 0.06)]
)
def test_average_cell_of_a_defective_supercell(labelled_cell, vacancies, sigma):
    label, cell = labelled_cell
    rng = np.random.default_rng(5)
    for trial in range(4):
        damaged = displace_atoms(random_supercell(cell, rng), sigma, seed=trial)
        damaged = remove_atoms(damaged, vacancies, seed=trial)
        found = find_average_cell(damaged)
        assert found.bravais == BRAVAIS[label]
        assert Lattice(found.matrix).volume == pytest.approx(cell.volume, rel=1e-3)
        assert found.n_cells == pytest.approx(damaged.volume / cell.volume, rel=1e-3)


@pytest.mark.parametrize("name", ["sodalite silicon", "silicon clathrate", "alpha-As"])
def test_faint_peaks_refine_the_lattice(name):
    """Of many atoms a cell, half of which are missing, only some peaks stand out one by one."""
    crystal = build_prototype(name)
    true = find_average_cell(crystal)
    found = []
    for seed in range(6):
        supercell = random_supercell(crystal, np.random.default_rng(seed), (300, 400))
        found.append(find_average_cell(remove_atoms(supercell, 0.5, seed=seed)))
    right = [
        cell.bravais == true.bravais
        and np.linalg.det(cell.matrix) == pytest.approx(np.linalg.det(true.matrix), rel=1e-3)
        for cell in found
    ]
    assert sum(right) >= 5


@pytest.mark.parametrize("seed", [55, 65, 120, 125, 193, 196])
def test_two_vacancies_make_no_lattice_of_their_own(seed):
    damaged = remove_atoms(build_cluster(build_prototype("fcc")), 0.01, seed=seed)
    assert len(damaged) == 254
    assert find_average_cell(damaged).bravais == "cF"


def with_sound_waves(structure, rng, displacement):
    """Most of the displacement in the longest sound waves, the softer the longer."""
    h = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3)
    h = h[np.any(h != 0, axis=1)]
    g = np.linalg.norm(h @ structure.lattice.reciprocal_lattice_crystallographic.matrix, axis=1)
    waves = np.cos(2 * np.pi * (structure.frac_coords @ h.T + rng.random(len(h))))
    moved = waves @ (rng.normal(size=(len(h), 3)) / g[:, None])
    moved = 2 * moved / moved.std() + rng.normal(size=moved.shape)
    moved *= displacement / np.sqrt(5)
    positions = structure.cart_coords + moved
    return Structure(structure.lattice, structure.species, positions, coords_are_cartesian=True)


def test_sound_waves_do_not_refine_the_lattice(labelled_cell):
    label, cell = labelled_cell
    right = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        hot = with_sound_waves(random_supercell(cell, rng), rng, 0.03 * bond_length(cell))
        right += find_average_cell(hot).bravais == BRAVAIS[label]
    assert right >= 7


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0)])
def test_the_order_of_the_axes_does_not_matter(labelled_cell, order):
    _, cell = labelled_cell
    damaged = remove_atoms(build_cluster(cell), 0.25, seed=1)
    order = list(order)
    listed = Structure(
        damaged.lattice.matrix[order], damaged.species, damaged.frac_coords[:, order]
    )
    found, expected = find_average_cell(listed), find_average_cell(damaged)
    assert found.bravais == expected.bravais
    np.testing.assert_allclose(
        Lattice(found.matrix).parameters, Lattice(expected.matrix).parameters, rtol=1e-6
    )
    assert len(build_cluster(listed)) == len(damaged)


def test_a_slightly_strained_cell_keeps_its_lattice(labelled_cell):
    """A random strain of 0.3 %, as the cell of a simulation at constant pressure has."""
    label, cell = labelled_cell
    rng = np.random.default_rng(7)
    for _ in range(5):
        strain = rng.normal(0, 0.003, (3, 3))
        damaged = displace_atoms(random_supercell(cell, rng), 0.05, seed=1)
        matrix = damaged.lattice.matrix @ (np.eye(3) + (strain + strain.T) / 2)
        strained = Structure(matrix, damaged.atomic_numbers, damaged.frac_coords)
        found = find_average_cell(strained)
        assert found.bravais == BRAVAIS[label]
        assert found.strain > 5e-4


def test_cluster_of_a_cell_is_its_supercell(labelled_cell):
    _, cell = labelled_cell
    cluster = build_cluster(cell)
    assert 200 <= len(cluster) <= 300
    assert bond_length(cluster) == pytest.approx(bond_length(cell))
    assert cluster.density == pytest.approx(cell.density)
    edges = cluster.lattice.abc
    assert max(edges) / min(edges) < 1.45


def test_a_cluster_stays_as_it_is(labelled_cell):
    _, cell = labelled_cell
    cluster = build_cluster(cell)
    damaged = remove_atoms(cluster, 0.6, seed=1)
    again = build_cluster(damaged)
    assert len(again) == len(damaged)
    np.testing.assert_allclose(sorted(again.lattice.abc), sorted(damaged.lattice.abc), rtol=1e-6)


@pytest.mark.parametrize(("n_atoms", "expected"), [(32, 32), (108, 108), (256, 256), (1000, 1008)])
def test_size_of_a_cluster(n_atoms, expected):
    assert len(build_cluster(build_prototype("fcc"), n_atoms)) == expected


def test_a_huge_crystal_is_cut():
    huge = build_prototype("fcc").make_supercell([15, 14, 13], in_place=False)
    cluster = build_cluster(remove_atoms(huge, 0.25, seed=1))
    assert 200 <= len(cluster) <= 300


def test_bond_length_counts_periodic_images():
    assert bond_length(Structure(Lattice.cubic(3), ["Po"], [[0, 0, 0]])) == pytest.approx(3)
    with pytest.raises(ValueError, match="isolated, the nearest neighbour is 25 Å away or more"):
        bond_length(Structure(Lattice.cubic(25), ["Po"], [[0, 0, 0]]))


def test_two_atoms_in_one_place():
    structure = Structure(Lattice.cubic(4), ["Cu", "Cu"], [[0, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="two atoms are 0.000 Å apart; at least 0.1 Å"):
        build_cluster(structure)


def test_bad_size():
    with pytest.raises(ValueError, match="n_atoms is 0"):
        build_cluster(build_prototype("fcc"), 0)


def hard_spheres(n, box, distance, rng):
    points = np.zeros((0, 3))
    while len(points) < n:
        point = rng.uniform(0, box, 3)
        separation = points - point
        separation -= box * np.round(separation / box)
        if (np.linalg.norm(separation, axis=1) > distance).all():
            points = np.vstack([points, point])
    return Structure(Lattice.cubic(box), ["Cu"] * n, points, coords_are_cartesian=True)


@pytest.mark.parametrize("seed", range(3))
def test_no_lattice_in_an_amorphous_sample(seed):
    sample = hard_spheres(200, 16.0, 2.2, np.random.default_rng(seed))
    with pytest.raises(NoAverageLatticeError, match="moved by any vector, at most"):
        build_cluster(sample)


def slab_of(crystal, vacuum):
    block = crystal.make_supercell([4, 4, 4], in_place=False)
    matrix = block.lattice.matrix + np.diag([0, 0, vacuum])
    return Structure(matrix, block.species, block.cart_coords, coords_are_cartesian=True)


@pytest.mark.parametrize("vacuum", [5.0, 12.0])
@pytest.mark.parametrize("name", ["fcc", "bcc"])
def test_a_slab_has_the_lattice_of_its_crystal(name, vacuum):
    crystal = build_prototype(name)
    cell = find_average_cell(slab_of(crystal, vacuum))
    assert cell.bravais == BRAVAIS[name]
    assert np.linalg.det(cell.matrix) == pytest.approx(crystal.volume, rel=1e-3)
    assert cell.n_cells is None


def test_an_axis_that_does_not_repeat():
    block = slab_of(build_prototype("fcc"), 0.0)
    finite = Lattice(block.lattice.matrix, pbc=(True, True, False))
    cluster = build_cluster(Structure(finite, block.species, block.frac_coords))
    assert cluster.lattice.pbc == (False, False, False)
    assert len(cluster) == 250
    assert bond_length(cluster) == pytest.approx(bond_length(block))


def test_cluster_of_a_finite_sample_is_upright(labelled_cell):
    """The same atoms, turned until the lattice stands as in a standard cell."""
    label, cell = labelled_cell
    block = random_orientation(cell.make_supercell(5, in_place=False), np.random.default_rng(4))
    away = block.cart_coords - block.cart_coords.mean(axis=0)
    chosen = np.argsort(np.linalg.norm(away, axis=1))[:250]
    ball = Molecule([block[i].specie for i in chosen], block.cart_coords[chosen])
    cluster = build_cluster(ball)
    assert len(cluster) == len(ball)
    assert bond_length(cluster) == pytest.approx(bond_length(ball))
    standard = find_average_cell(cluster)
    assert standard.bravais == BRAVAIS[label]
    x, y, _ = standard.matrix
    assert np.abs(x[1:]).max() < 0.02 * np.linalg.norm(x)
    assert abs(y[2]) < 0.02 * np.linalg.norm(y)
    with pytest.raises(ValueError, match="a finite sample has no cell of its own"):
        standard_cell(ball)


def test_strain_is_measured():
    cell = build_prototype("fcc")
    for strain in (0.001, 0.002):
        matrix = cell.lattice.matrix * np.array([1, 1, 1 + strain])
        found = find_average_cell(Structure(matrix, cell.species, cell.frac_coords))
        assert found.bravais == "cF"
        assert found.strain == pytest.approx(2 / 3 * strain, rel=0.01)
