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
