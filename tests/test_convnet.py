import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    CLASSES,
    build_cluster,
    build_convnet,
    build_prototype,
    classify,
    displace_atoms,
    load_convnet,
    predict_probabilities,
    remove_atoms,
    substitute_atoms,
)

TABLE_2 = [
    (7, 7, 3, 32),
    (7, 7, 32, 32),
    (7, 7, 32, 16),
    (7, 7, 16, 16),
    (7, 7, 16, 8),
    (7, 7, 8, 8),
]


def test_table_2():
    convnet = build_convnet()
    kernels = [layer.kernel.shape for layer in convnet.layers if layer.name.startswith("conv")]
    assert kernels == TABLE_2
    assert convnet.count_params() == 365_719
    assert convnet.get_layer("dropout").rate == 0.25
    assert convnet.output_shape == (None, len(CLASSES))


def test_probabilities_sum_to_one_in_any_batch():
    images = np.random.default_rng(0).uniform(size=(70, 64, 64, 3))
    probabilities = predict_probabilities(load_convnet(), images)
    assert probabilities.shape == (70, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        predict_probabilities(load_convnet(), images[:1])[0], probabilities[0], atol=1e-4
    )


def test_the_shipped_weights_are_loaded_once():
    assert load_convnet() is load_convnet()


@pytest.mark.parametrize(
    "damage",
    [
        lambda crystal: crystal,
        lambda crystal: remove_atoms(crystal, 0.25, seed=1),
        lambda crystal: remove_atoms(crystal, 0.4, seed=1),
        lambda crystal: displace_atoms(crystal, 0.06, seed=1),
        lambda crystal: substitute_atoms(crystal, 0.25, seed=1),
    ],
    ids=["pristine", "25 % vacancies", "40 % vacancies", "0.06 Å", "25 % substituted"],
)
def test_classify(labelled_cell, damage):
    label, cell = labelled_cell
    result = classify([damage(build_cluster(cell))])[0]
    assert result.label == label
    assert result.probability == result.probabilities[label] > 0.5
    assert set(result.probabilities) == set(CLASSES)


def test_classify_takes_a_cell(labelled_cell):
    label, cell = labelled_cell
    assert classify([cell.get_primitive_structure(tolerance=1e-3)])[0].label == label


def test_bad_input():
    empty = Structure(Lattice.cubic(3), [], [])
    with pytest.raises(ValueError, match=r"structures\[1\]: it holds no atoms"):
        classify([build_prototype("fcc"), empty])
    with pytest.raises(ValueError, match="a Molecule has no lattice vectors"):
        classify([Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]])])
    with pytest.raises(ValueError, match=r"shape \(2, 32, 32, 3\)"):
        predict_probabilities(load_convnet(), np.zeros((2, 32, 32, 3)))


def test_networks_that_come_with_the_package():
    shipped, paper = load_convnet(), load_convnet("paper")
    assert shipped.count_params() == paper.count_params() == 365_719
    image = np.ones((1, 64, 64, 3), np.float32)
    assert not np.allclose(*(predict_probabilities(net, image) for net in (shipped, paper)))
    with pytest.raises(ValueError, match="accepted are shipped, paper"):
        load_convnet("other")
