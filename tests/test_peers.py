import pytest

from crystutor import CLASSES, build_cluster, displace_atoms, remove_atoms
from crystutor.peers import PEERS


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_perfect_crystal(peer, labelled_cell):
    if not peer.is_installed:
        pytest.skip(f"{peer.package} is not installed")
    label, cell = labelled_cell
    answer = peer.classify(build_cluster(cell))
    assert answer in (*peer.classes, None)
    if label in peer.classes and peer.name != "MatID":  # whose default tolerance is wide
        assert answer == label


def test_spglib_needs_its_tolerance(labelled_cell):
    label, cell = labelled_cell
    tight, *_, loose = [peer for peer in PEERS if peer.package == "spglib"]
    nudged = displace_atoms(build_cluster(cell), 0.005, seed=1)
    assert tight.classify(nudged) is None
    assert loose.classify(nudged) == label
    assert loose.classify(remove_atoms(nudged, 0.1, seed=1)) is None


def test_classes_that_can_be_named():
    named = {peer.name: peer.classes for peer in PEERS}
    assert named["Spglib 0.1 Å"] == CLASSES
    assert named["common neighbours"] == ("hex/rh", "fcc", "bcc")
