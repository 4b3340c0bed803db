import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    build_prototype,
    displace_atoms,
    example_cluster,
    find_translations,
    overlap,
    remove_atoms,
)
from crystutor.crystal.lattice.sublattices import (
    coarser_lattices,
    generated_lattice,
    integer_basis,
    lattice_vectors,
    sublattice_basis,
)
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.supercells import random_supercell


def ball_of(structure, n_atoms):
    """The atoms nearest to the middle of a block, without a lattice."""
    away = structure.cart_coords - structure.cart_coords.mean(axis=0) - 0.1
    chosen = np.argsort(np.linalg.norm(away, axis=1))[:n_atoms]
    return Molecule([structure[i].specie for i in chosen], structure.cart_coords[chosen])


def volume(basis):
    return abs(np.linalg.det(basis))


def test_integer_basis_spans_the_same_lattice():
    rng = np.random.default_rng(0)
    for _ in range(20):
        vectors = rng.integers(-5, 6, (5, 3))
        basis = integer_basis(vectors)
        coefficients = vectors @ np.linalg.pinv(basis)
        np.testing.assert_allclose(coefficients, np.round(coefficients), atol=1e-9)
        assert np.linalg.matrix_rank(vectors) == len(basis)


def test_a_lattice_is_generated_by_noisy_vectors():
    rng = np.random.default_rng(1)
    basis = np.array([[0, 2, 2], [2, 0, 2], [2, 2, 0.0]])
    vectors = rng.integers(-2, 3, (20, 3)) @ basis + rng.normal(0, 0.02, (20, 3))
    vectors = vectors[np.linalg.norm(vectors, axis=1) > 1]
    assert volume(generated_lattice(vectors, 0.5)) == pytest.approx(16, rel=0.03)


def test_number_and_index_of_coarser_lattices():
    basis = np.eye(3)
    counts = dict.fromkeys((2, 3, 4, 5, 7), 0)
    for p, a in coarser_lattices():
        counts[p] += 1
        assert volume(sublattice_basis(basis, p, a)) == pytest.approx(p)
    assert counts == {2: 7, 3: 13, 4: 28, 5: 31, 7: 57}  # points of the projective plane over Z/p


def test_shortest_lattice_vectors_one_of_each_pair():
    vectors = lattice_vectors(np.eye(3), 1.5, 100)
    assert len(vectors) == (6 + 12) // 2
    assert not {tuple(v) for v in vectors} & {tuple(-v) for v in vectors}


def test_overlap_is_the_share_of_sites_that_a_vector_joins():
    diamond = build_prototype("diamond", a=4.0).make_supercell(3, in_place=False)
    assert overlap(diamond, [0, 2, 2]) == 1
    assert overlap(diamond, [1, 1, 1]) == 0.5
    assert overlap(diamond, [[1.2, 0, 0], [12, 0, 0]]).tolist() == [0, 1]


@pytest.mark.parametrize("vacancies", [0.1, 0.25, 0.4, 0.6])
def test_overlap_falls_with_vacancies(vacancies):
    crystal = build_prototype("fcc").make_supercell(5, in_place=False)
    a = crystal.lattice.a / 5
    shares = overlap(remove_atoms(crystal, vacancies, seed=1), [[0, a / 2, a / 2], [a, 0, 0]])
    np.testing.assert_allclose(shares, 1 - vacancies, atol=0.05)


def test_overlap_in_a_large_sample_and_in_a_finite_one():
    large = build_prototype("bcc").make_supercell(8, in_place=False)
    a = large.lattice.a / 8
    for sample in (large, ball_of(large, 300)):
        np.testing.assert_allclose(overlap(sample, [[a, 0, 0], [a / 2, a / 2, a / 2]]), 1)
        assert overlap(sample, [a / 2, 0, 0]) == 0
    with pytest.raises(ValueError, match=r"a vector is 50.0 Å long; up to \d+.\d Å are accepted"):
        overlap(large, [50, 0, 0])


def test_overlap_is_unknown_where_no_atom_lands_inside(copper):
    assert np.isnan(overlap(ball_of(copper, 50), [100, 0, 0]))


@pytest.mark.parametrize("vectors", [[1, 2], [[[1, 2, 3]]], [np.nan, 0, 0]])
def test_bad_vectors(copper, vectors):
    with pytest.raises(ValueError, match=r"^vectors .* accepted$"):
        overlap(copper, vectors)


@pytest.mark.parametrize(("vacancies", "sigma"), [(0, 0.1), (0.25, 0.06), (0.6, 0)])
def test_lattice_of_a_supercell(labelled_cell, vacancies, sigma):
    _, cell = labelled_cell
    primitive = cell.get_primitive_structure(tolerance=1e-3)
    rng = np.random.default_rng(2)
    damaged = displace_atoms(random_supercell(cell, rng), sigma, seed=1)
    found = find_translations(remove_atoms(damaged, vacancies, seed=1))
    assert volume(found.basis) == pytest.approx(primitive.volume, rel=1e-6)
    assert found.overlap - found.chance > 8 * found.error
    assert found.scatter == pytest.approx(sigma, rel=0.15, abs=1e-6)
    assert not found.errors.any()  # the box fixes the lattice


@pytest.mark.parametrize(("n_atoms", "vacancies", "sigma"), [(250, 0.4, 0), (120, 0, 0.06)])
def test_lattice_of_a_ball(labelled_cell, n_atoms, vacancies, sigma):
    _, cell = labelled_cell
    primitive = cell.get_primitive_structure(tolerance=1e-3)
    block = displace_atoms(example_cluster(labelled_cell[0], n_atoms=700), sigma, seed=1)
    found = find_translations(ball_of(remove_atoms(block, vacancies, seed=1), n_atoms))
    assert volume(found.basis) == pytest.approx(primitive.volume, rel=0.02)
    if sigma:
        assert 0 < found.errors.max() < 0.1


def test_few_atoms_keep_their_lattice():
    """Nineteen of 32 atoms: the box, two cells long, must not pass for the lattice."""
    block = build_prototype("fcc").make_supercell(2, in_place=False)
    for seed in range(8):
        found = find_translations(remove_atoms(block, 0.4, seed=seed))
        assert volume(found.basis) == pytest.approx(block.volume / 32)


def test_a_small_perfect_cell_is_its_own_evidence(labelled_cell):
    _, cell = labelled_cell
    primitive = cell.get_primitive_structure(tolerance=1e-3)
    assert volume(find_translations(primitive).basis) == pytest.approx(primitive.volume)
    assert volume(find_translations(cell).basis) == pytest.approx(primitive.volume)


@pytest.mark.parametrize("n_atoms", [2, 3, 5, 8, 13, 24, 39, 41, 80, 160])
def test_no_lattice_in_atoms_at_random_places(n_atoms):
    rng = np.random.default_rng(n_atoms)
    for _ in range(3):
        points = np.zeros((0, 3))
        while len(points) < n_atoms:
            new = rng.random(3)
            apart = (points - new - np.round(points - new)) * 2.8 * np.cbrt(n_atoms)
            if (np.linalg.norm(apart, axis=1) > 1.8).all():
                points = np.vstack([points, new])
        box = Lattice.cubic(2.8 * np.cbrt(n_atoms))
        with pytest.raises(NoAverageLatticeError, match="moved by any vector, at most") as caught:
            find_translations(Structure(box, ["Cu"] * n_atoms, points))
        assert caught.value.reason == "no lattice"


@pytest.mark.parametrize("n", [5, 10])
def test_half_crystal_half_disorder(n):
    """In a small and in a large box, of which only balls are looked at."""
    crystal = build_prototype("fcc").make_supercell([n, n, 2 * n], in_place=False)
    rng = np.random.default_rng(1)
    shifts = rng.uniform(-1, 1, (len(crystal), 3)) * (crystal.frac_coords[:, 2:] > 0.5)
    mixed = Structure(
        crystal.lattice,
        crystal.species,
        crystal.cart_coords + 1.2 * shifts,
        coords_are_cartesian=True,
    )
    with pytest.raises(NoAverageLatticeError) as caught:
        find_translations(mixed)
    assert caught.value.reason == "not one crystal"


def test_too_few_atoms(copper):
    with pytest.raises(NoAverageLatticeError, match="20 atoms of a finite sample; 40 or more") as e:
        find_translations(ball_of(copper, 20))
    assert e.value.reason == "too few atoms"


@pytest.mark.parametrize("edges", [(60, 1), (8, 8)])
def test_atoms_on_a_line_or_in_a_plane(edges):
    x, y = np.meshgrid(*map(np.arange, edges))
    points = 2.5 * np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=-1)
    with pytest.raises(ValueError, match="on one line or in one plane"):
        find_translations(Molecule(["Cu"] * len(points), points))


def test_every_crystal_of_a_class_has_one_lattice_in_any_box():
    """The same crystal in a cell, in a supercell and as a ball."""
    cell = build_prototype("beta-Sn")
    block = cell.make_supercell([6, 6, 10], in_place=False)
    volumes = [volume(find_translations(x).basis) for x in (cell, block, ball_of(block, 250))]
    np.testing.assert_allclose(volumes, cell.volume / 2, rtol=1e-3)
