"""Figures 4b and 4d of the paper, on a few crystals."""

import numpy as np

from crystutor import CLASSES, bcc_to_sc, rhombohedral_path
from crystutor.transition_paths import CUBIC_POINTS


def test_bcc_changes_to_simple_cubic_late():
    found = bcc_to_sc((0, 0.5, 0.65, 0.9, 1.0), elements=["Na", "Fe", "W"])
    bcc, sc = (found[..., CLASSES.index(label)] for label in ("bcc", "sc"))
    assert (bcc[:, :2] > 0.99).all() and (bcc[:, :2].std(axis=0) < 0.01).all()
    assert (bcc[:, 2] > sc[:, 2]).all() and (sc[:, 3] > bcc[:, 3]).all()
    assert (sc[:, 4] > 0.99).all()


def test_rhombohedral_path_is_cubic_in_three_points_only():
    ratios = np.array(list(CUBIC_POINTS.values()))
    at = rhombohedral_path(ratios).argmax(axis=1)
    assert [CLASSES[n] for n in at] == list(CUBIC_POINTS)
    beside = rhombohedral_path(1.05 * ratios).argmax(axis=1)
    assert {CLASSES[n] for n in beside} == {"hex/rh"}
