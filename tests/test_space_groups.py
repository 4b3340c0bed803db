import pytest

from crystutor import build_prototype, displace_atoms, space_group
from crystutor.crystal.space_groups import class_by_symmetry


def test_class_of_perfect_cells(labelled_cell):
    label, cell = labelled_cell
    assert class_by_symmetry(cell) == label


def test_a_small_displacement_breaks_the_tight_tolerance():
    noisy = displace_atoms(build_prototype("diamond"), 0.005, seed=1)
    assert space_group(noisy, 0.1) == 227
    assert space_group(noisy, 1e-4) == 1
    assert class_by_symmetry(noisy) is None


def test_the_tolerance_is_positive():
    with pytest.raises(ValueError, match="symprec is 0"):
        space_group(build_prototype("fcc"), 0)
