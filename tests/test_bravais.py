import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from crystutor import build_prototype, displace_atoms
from crystutor.crystal.lattice.bravais import strain_to_symmetry, weigh_lattices
from crystutor.crystal.lattice.moved_atoms import MovedAtoms
from crystutor.crystal.lattice.sublattices import reduced
from crystutor.crystal.lattice.turns import keeps_its_shape
from crystutor.crystal.samples import sample_of
from crystutor.crystal.structures import bond_length

PRIMITIVE = {
    "cP": 3.0 * np.eye(3),
    "cF": 2.0 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
    "cI": 1.5 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    "tP": np.diag([3, 3, 4.0]),
    "tI": np.array([[-1.5, 1.5, 2.4], [1.5, -1.5, 2.4], [1.5, 1.5, -2.4]]),
    "hP": np.array([[3, 0, 0], [-1.5, 1.5 * np.sqrt(3), 0], [0, 0, 4.9]]),
    "hR": np.array([[2, 0, 3.5], [-1, np.sqrt(3), 3.5], [-1, -np.sqrt(3), 3.5]]),
}


def stretched(bravais, strain, direction):
    axis = np.array(direction) / np.linalg.norm(direction)
    return reduced(PRIMITIVE[bravais] @ (np.eye(3) + strain * np.outer(axis, axis)))


def leading(*arguments):
    return weigh_lattices(*arguments)[0][0]


@pytest.mark.parametrize("bravais", PRIMITIVE)
def test_every_lattice_is_recognised_in_any_orientation(bravais):
    for rotation in Rotation.random(20, rng=1).as_matrix():
        lattices, _ = weigh_lattices(reduced(PRIMITIVE[bravais]) @ rotation)
        assert [lattice.bravais for lattice in lattices] == [bravais]
        assert lattices[0].strain < 1e-9
        assert lattices[0].weight == 1
        assert np.linalg.det(lattices[0].matrix) > 0


def test_a_triclinic_lattice_is_none_of_them():
    lattices, possible = weigh_lattices(reduced(np.array([[3, 0, 0], [0.7, 4, 0], [1, 1.3, 5.0]])))
    assert [lattice.bravais for lattice in lattices] == list(possible) == ["other"]


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 1, 0), (1, 1, 1)])
@pytest.mark.parametrize("bravais", ["cP", "cF", "cI"])
def test_strain_is_the_principal_strain_to_the_nearest_cubic_lattice(bravais, direction):
    """A stretch by e along a line leaves 2/3 e of it, when the volume is adapted."""
    found = leading(stretched(bravais, 0.003, direction))
    assert found.bravais == bravais
    assert found.strain == pytest.approx(0.002, rel=0.02)


@pytest.mark.parametrize(("direction", "lower"), [((0, 0, 1), "tI"), ((1, 1, 1), "hR")])
def test_a_larger_strain_that_keeps_a_symmetry_is_believed(direction, lower):
    weights = []
    for strain in (0.001, 0.003, 0.005, 0.01, 0.03):
        lattices, _ = weigh_lattices(stretched("cF", strain, direction))
        weights.append(sum(x.weight for x in lattices if x.bravais == lower))
    assert weights == sorted(weights)
    assert weights[1] < 0.5 < weights[2]
    assert weights[-1] > 0.99


def test_the_box_of_a_simulation_may_be_strained():
    """By 2 % where atoms move; at rest, an exactly tetragonal lattice is believed."""
    strained = stretched("cF", 0.02, (0, 0, 1))
    assert leading(strained, 0.0, 0.0).bravais == "tI"
    assert leading(strained, 0.0, 0.03).bravais == "cF"


def test_a_strain_without_symmetry_keeps_the_cubic_lattice():
    rng = np.random.default_rng(3)
    for bravais in ("cP", "cF", "cI"):
        for _ in range(20):
            strain = rng.normal(0, 0.006, (3, 3))
            lattice = reduced(PRIMITIVE[bravais] @ (np.eye(3) + (strain + strain.T) / 2))
            assert leading(lattice, 0.0, 0.03).bravais == bravais


def test_strain_does_not_depend_on_size_or_orientation():
    cell = np.diag([3, 3.1, 3.0])
    turned = 2 * cell @ Rotation.random(rng=2).as_matrix()
    assert strain_to_symmetry(turned, "cP") == pytest.approx(strain_to_symmetry(cell, "cP"))
    assert strain_to_symmetry(np.stack([cell, cell]), "tP").shape == (2,)


@pytest.mark.parametrize("name", ["diamond", "fcc"])
def test_a_cubic_crystal_is_turned_onto_itself(name):
    crystal = displace_atoms(build_prototype(name).make_supercell(3, in_place=False), 0.05, seed=1)
    moved = MovedAtoms(sample_of(crystal), bond_length(crystal))
    assert keeps_its_shape(moved, crystal.lattice.matrix / 3, "cF")


@pytest.mark.parametrize("sigma", [0, 0.03])
def test_a_rhombohedral_crystal_with_a_cubic_lattice_is_not(sigma):
    """alpha-As, stretched until its lattice, of two atoms a cell, is exactly face-centred cubic."""
    crystal = build_prototype("alpha-As", c_over_a=np.sqrt(6)).make_supercell(4, in_place=False)
    crystal = displace_atoms(crystal, sigma, seed=1)
    moved = MovedAtoms(sample_of(crystal), bond_length(crystal))
    hexagonal = crystal.lattice.matrix / 4
    primitive = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3 @ hexagonal
    conventional = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) @ primitive
    assert strain_to_symmetry(conventional, "cF") < 1e-6
    assert keeps_its_shape(moved, hexagonal, "hR")
    assert not keeps_its_shape(moved, conventional, "cF")


@pytest.mark.parametrize("bravais", PRIMITIVE)
def test_of_equivalent_settings_the_one_along_the_frame_is_taken(bravais):
    """So a cluster in standard axes keeps them, and the order of axes does not matter."""
    upright = leading(reduced(PRIMITIVE[bravais])).matrix
    rows = reduced(PRIMITIVE[bravais])[[1, 2, 0]]
    np.testing.assert_allclose(leading(rows).matrix, upright, atol=1e-9)
    assert np.trace(upright / np.linalg.norm(upright, axis=1)[:, None]) > 2.4
