import itertools

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    CLASSES,
    build_cluster,
    build_prototype,
    classify,
    displace_atoms,
    fingerprint,
    remove_atoms,
    substitute_atoms,
)
from crystutor.crystal.supercells import random_supercell


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
    result = classify(damage(build_cluster(cell)))
    assert result.label == label
    assert result.probability == result.probabilities[label] > 0.5
    assert set(result.probabilities) == set(CLASSES)


@pytest.mark.parametrize("vacancies", [0, 0.25])
@pytest.mark.parametrize("seed", range(3))
def test_classify_a_supercell_of_any_shape_and_orientation(labelled_cell, vacancies, seed):
    label, cell = labelled_cell
    supercell = random_supercell(cell, np.random.default_rng(seed))
    assert classify(remove_atoms(supercell, vacancies, seed=seed)).label == label


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_the_order_in_which_axes_are_listed_does_not_matter(labelled_cell, order):
    label, cell = labelled_cell
    damaged = remove_atoms(build_cluster(cell), 0.25, seed=1)
    matrix, fractions = damaged.lattice.matrix[[*order]], damaged.frac_coords[:, [*order]]
    assert classify(Structure(matrix, damaged.atomic_numbers, fractions)).label == label


def test_classify_takes_a_cell(labelled_cell):
    label, cell = labelled_cell
    assert classify(cell.get_primitive_structure(tolerance=1e-3)).label == label


def test_one_answer_for_one_structure_a_list_for_a_list():
    fcc, bcc = build_prototype("fcc"), build_prototype("bcc")
    assert [answer.label for answer in classify([fcc, bcc])] == ["fcc", "bcc"]
    assert classify(fcc).label == "fcc"
    assert classify([]) == []


def test_the_answer_keeps_what_the_network_saw():
    answer = classify(build_prototype("hcp"))
    np.testing.assert_array_equal(answer.image, fingerprint(answer.cluster))
    assert "image" not in repr(answer)


def test_bad_input():
    empty = Structure(Lattice.cubic(3), [], [])
    with pytest.raises(ValueError, match=r"structures\[1\]: it holds no atoms"):
        classify([build_prototype("fcc"), empty])
    with pytest.raises(ValueError, match="^it holds no atoms"):
        classify(empty)
    with pytest.raises(ValueError, match="a Molecule has no lattice vectors"):
        classify(Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]]))
