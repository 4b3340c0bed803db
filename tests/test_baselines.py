import pytest

from crystutor import CLASSES, build_cluster, displace_atoms, remove_atoms
from crystutor.table1.baselines import BASELINES


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


def test_classes_that_can_be_named():
    named = {baseline.name: baseline.classes for baseline in BASELINES}
    assert named["Spglib 0.1 Å"] == CLASSES
    assert named["common neighbours"] == ("hex/rh", "fcc", "bcc")
