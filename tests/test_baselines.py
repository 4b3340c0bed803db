import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from crystutor import CLASSES, build_cluster, displace_atoms, example_cluster, remove_atoms
from crystutor.crystal.supercells import random_orientation
from crystutor.table1.baselines import BASELINES, has_inversion_center


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
def test_a_perfect_crystal(baseline, labelled_cell):
    if not baseline.is_installed:
        pytest.skip(f"{baseline.package} is not installed")
    label, cell = labelled_cell
    answer = baseline.classify(build_cluster(cell))
    assert answer in (*baseline.classes, None)
    if label in baseline.classes and baseline.name != "MatID":  # whose default tolerance is wide
        assert answer == label


def test_spglib_needs_its_tolerance(labelled_cell):
    label, cell = labelled_cell
    tight, *_, loose = [baseline for baseline in BASELINES if baseline.package == "spglib"]
    nudged = displace_atoms(build_cluster(cell), 0.005, seed=1)
    assert tight.classify(nudged) is None
    assert loose.classify(nudged) == label
    assert loose.classify(remove_atoms(nudged, 0.1, seed=1)) is None


def test_spglib_is_asked_wherever_it_could_answer():
    """All classes have a centre of inversion; selenium, and crystals with vacancies, do not."""
    rng = np.random.default_rng(1)
    for label in CLASSES:
        cluster = example_cluster(label)
        assert has_inversion_center(random_orientation(cluster, rng), 1e-6)
        nudged = displace_atoms(cluster, 0.02, seed=1)
        assert not has_inversion_center(nudged, 0.01)
        assert has_inversion_center(nudged, 0.3)
        assert not has_inversion_center(remove_atoms(cluster, 0.25, seed=1), 0.5)
    selenium = Structure.from_spacegroup(
        "P3_121", Lattice.hexagonal(4.366, 4.954), ["Se"], [[0.2254, 0, 1 / 3]]
    )
    assert not has_inversion_center(selenium, 0.1)


def test_classes_that_can_be_named():
    named = {baseline.name: baseline.classes for baseline in BASELINES}
    assert named["Spglib 0.1 Å"] == CLASSES
    assert named["common neighbours"] == ("hex/rh", "fcc", "bcc")
