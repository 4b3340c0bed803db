import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from crystutor import (
    CLASSES,
    PROTOTYPES,
    defective_dataset,
    load_dataset,
    pristine_dataset,
    remove_atoms,
    save_dataset,
)
from crystutor.crystal.prototypes import SPECIES
from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES
from crystutor.training.random_crystals import PAPER_VARIETY


@pytest.fixture(scope="module")
def small():
    return pristine_dataset(70, seed=3)


def test_same_seed_same_arrays_however_the_work_is_divided(small):
    with ProcessPoolExecutor(2) as executor:
        again = pristine_dataset(70, seed=3, executor=executor)
    np.testing.assert_array_equal(again.images, small.images)
    np.testing.assert_array_equal(again.crystals, small.crystals)
    np.testing.assert_array_equal(pristine_dataset(14, seed=3).images, small.images[:14])


def test_classes_are_balanced_and_traceable(small):
    assert np.bincount(small.labels).tolist() == [10] * 7
    for label, text in zip(small.labels, small.crystals, strict=True):
        crystal = json.loads(text)
        prototype = PROTOTYPES[crystal["prototype"]]
        assert SPACE_GROUP_CLASSES[prototype.space_group] == CLASSES[label]
        assert crystal["element"] in SPECIES
        assert set(crystal["parameters"]) == set(prototype.ranges)


def test_saved_and_loaded(small, tmp_path):
    save_dataset(small, tmp_path / "small.npz")
    loaded = load_dataset(tmp_path / "small.npz")
    for name in ("images", "labels", "crystals"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(small, name))
    assert [path.name for path in tmp_path.iterdir()] == ["small.npz"]


def test_defects_change_the_images_but_not_the_crystals():
    pristine = pristine_dataset(7, seed=3, variety=PAPER_VARIETY)
    damaged = defective_dataset(7, 3, partial(remove_atoms, fraction=0.25))
    assert np.abs(damaged.images - pristine.images).max() > 0
    for before, after in zip(
        map(json.loads, pristine.crystals), map(json.loads, damaged.crystals), strict=False
    ):
        assert after["prototype"] == before["prototype"]
        assert after["n_atoms"] == before["n_atoms"] - before["n_atoms"] // 4


def test_83_species():
    assert len(SPECIES) == 83


def test_too_small():
    with pytest.raises(ValueError, match="size is 3"):
        pristine_dataset(3, seed=0)
