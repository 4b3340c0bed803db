import numpy as np
import pytest

from crystutor import bond_length, displace_atoms, remove_atoms
from crystutor.crystal.average_lattice import find_average_lattice, integer_basis
from crystutor.crystal.bragg import bragg_pattern


def test_integer_basis_spans_the_same_lattice():
    rng = np.random.default_rng(0)
    for _ in range(20):
        vectors = rng.integers(-5, 6, (5, 3))
        basis = integer_basis(vectors)
        coefficients = vectors @ np.linalg.pinv(basis)
        np.testing.assert_allclose(coefficients, np.round(coefficients), atol=1e-9)
        assert np.linalg.matrix_rank(vectors) == len(basis)


def test_integer_basis_stays_small():
    """Entries above a pivot are smaller than it, however many vectors are joined one by one."""
    rng = np.random.default_rng(1)
    basis = np.zeros((0, 3), int)
    for vector in 7 * rng.integers(-60, 61, (40, 3)):
        basis = integer_basis(np.vstack([basis, vector]))
        assert np.abs(basis).max() <= 7 * 60**3
    np.testing.assert_array_equal(np.abs(basis), 7 * np.eye(3))


def test_pattern_is_the_structure_factor(copper):
    damaged = displace_atoms(remove_atoms(copper, 0.3, seed=1), 0.1, seed=1)
    pattern = bragg_pattern(damaged, 0.5)
    phases = 2 * np.pi * damaged.frac_coords @ pattern.indices.T
    expected = np.abs(np.exp(1j * phases).sum(axis=0)) ** 2
    np.testing.assert_allclose(pattern.intensities, expected, rtol=1e-3, atol=0.05)
    vectors = pattern.indices @ np.linalg.inv(damaged.lattice.matrix).T
    np.testing.assert_allclose(pattern.g, np.linalg.norm(vectors, axis=1), atol=1e-12)


def test_one_of_each_pair_and_never_the_beam(copper):
    pairs = {tuple(h) for h in bragg_pattern(copper, 0.5).indices}
    assert (0, 0, 0) not in pairs
    assert not pairs & {tuple(-np.array(h)) for h in pairs}


def test_peaks_grow_with_the_square_of_the_number_of_atoms(copper):
    damaged = remove_atoms(copper, 0.5, seed=1)
    pattern = bragg_pattern(damaged, 0.6)
    lattice = (pattern.indices % 4 == 0).all(axis=1)
    miller = pattern.indices[lattice] // 4
    allowed = (miller % 2 == miller[:, :1] % 2).all(axis=1)
    np.testing.assert_allclose(pattern.intensities[lattice][allowed], 128**2, rtol=1e-3)
    speckle = pattern.intensities[~lattice].mean()
    assert speckle == pytest.approx(128 * 0.5, rel=0.2)  # Laue: N x, for vacancies of fraction x


@pytest.mark.parametrize("sigma", [0.02, 0.06, 0.1, 0.2])
def test_displacement_is_read_from_the_speckle(copper, sigma):
    noisy = displace_atoms(copper, sigma, seed=2)
    _, displacement = find_average_lattice(noisy, bond_length(noisy))
    assert displacement == pytest.approx(sigma, rel=0.15)
