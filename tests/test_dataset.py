import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import gemmi
import numpy as np
import pytest
from pymatgen.core import Element

from crystutor import (
    CLASSES,
    PAPER_DETECTOR,
    PAPER_VARIETY,
    PROTOTYPES,
    SHIPPED_VARIETY,
    bond_length,
    build_prototype,
    defective_dataset,
    example_cluster,
    load_dataset,
    pristine_dataset,
    remove_atoms,
    save_dataset,
)
from crystutor.crystal.prototypes import KINDS, SPECIES
from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES
from crystutor.diffraction import diffraction_channels, form_factor
from crystutor.training.beam import film_channels, grain_channels
from crystutor.training.dataset import _mistaken_bond_length
from crystutor.training.random_crystals import sample_cluster


@pytest.fixture(scope="module")
def small():
    return pristine_dataset(70, seed=3)


def test_same_seed_same_arrays_however_the_work_is_divided(small, monkeypatch):
    monkeypatch.setattr("crystutor.training.dataset.BLOCK", 5)
    with ProcessPoolExecutor(2) as executor:
        again = pristine_dataset(14, seed=3, executor=executor)
    np.testing.assert_array_equal(again.images, small.images[:14])
    np.testing.assert_array_equal(again.crystals, small.crystals[:14])


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


def test_every_species_has_a_size_and_scatters_more_than_the_one_before():
    forward = [form_factor(Element(symbol).Z).max() for symbol in SPECIES]
    assert (np.diff(forward) > 0).all()
    sizes = [bond_length(build_prototype("fcc", symbol)) for symbol in SPECIES]
    assert min(sizes) > 0.5 and max(sizes) < 6


@pytest.fixture(scope="module")
def as_in_the_paper():
    return pristine_dataset(70, seed=3, variety=PAPER_VARIETY)


def crystals_of(dataset):
    return [json.loads(text) for text in dataset.crystals]


def test_shipped_crystals_are_more_varied_than_the_papers(small, as_in_the_paper):
    shipped, paper = crystals_of(small), crystals_of(as_in_the_paper)
    sizes = [[crystal["n_atoms"] for crystal in crystals] for crystals in (shipped, paper)]
    assert np.std(sizes[0]) > 2 * np.std(sizes[1])
    kinds = [{PROTOTYPES[c["prototype"]].kind for c in crystals} for crystals in (shipped, paper)]
    assert kinds == [set(KINDS), {"published"}]
    for name, n in (("film", 47), ("grain", 42)):
        assert sum(crystal[name] > 0 for crystal in shipped) == pytest.approx(n, abs=12)
        assert not any(crystal[name] for crystal in paper)
    assert sum("repeats" not in crystal for crystal in shipped) == pytest.approx(
        17, abs=10
    )  # balls
    assert all("repeats" in crystal for crystal in paper)
    for crystal in paper:  # the inner half of the ranges, about the example
        prototype = PROTOTYPES[crystal["prototype"]]
        for name, value in crystal["parameters"].items():
            (low, high), example = prototype.ranges[name], prototype.parameters[name]
            assert (example + low) / 2 <= value <= (example + high) / 2


def test_an_image_can_be_made_again_from_its_cluster_and_scale(as_in_the_paper):
    for factor, dataset in (
        (1.0, as_in_the_paper),
        (1.03, pristine_dataset(7, 3, replace(PAPER_VARIETY, scale=(1.03, 1.03)))),
    ):
        for index in range(7):
            rng = np.random.default_rng([3, index])
            cluster, _ = sample_cluster(CLASSES[index], PAPER_VARIETY, rng)
            scale = json.loads(dataset.crystals[index])["scale"]
            assert scale * bond_length(cluster) == pytest.approx(factor)
            channels = diffraction_channels(scale * cluster.cart_coords, cluster.atomic_numbers)
            np.testing.assert_allclose(dataset.images[index], channels / channels.max(), atol=1e-3)


def mistakes(variety):
    """Mistaken over true bond lengths of diamond, whose atoms have four neighbours only."""
    diamond = example_cluster("diam")
    found = [
        _mistaken_bond_length(diamond, variety, np.random.default_rng(seed)) for seed in range(20)
    ]
    return np.round(np.array(found) / bond_length(diamond), 9)


def test_defects_mistake_the_bond_length():
    """Noise shortens the mean distance to the nearest neighbour, vacancies lengthen it."""
    assert (mistakes(PAPER_VARIETY) == 1).all()
    displaced = mistakes(replace(PAPER_VARIETY, displacement=0.08))
    empty = mistakes(replace(PAPER_VARIETY, vacancies=0.6))
    assert displaced.max() == 1 and 0.8 < displaced.min() < 0.95
    assert empty.min() == 1 and 1.02 < empty.max() < 1.2
    assert 0 < np.mean(displaced == 1) < 1 and 0 < np.mean(empty == 1) < 1  # half of the copies
    assert mistakes(SHIPPED_VARIETY).std() > 0


def test_the_amorphous_film_has_the_weight_of_its_forward_scattering(monkeypatch):
    """Incoherent scattering of N atoms at random places, with as many electrons as the crystal.

    Nearer to the beam the shape of the film adds to it.
    """
    monkeypatch.setattr("crystutor.training.beam.SPECIES", ("H",))
    tungsten = example_cluster("bcc", "W")
    positions = tungsten.cart_coords / bond_length(tungsten)
    in_electrons = form_factor(1) / gemmi.Element("Li").it92.calculate_sf(0) * (74 + 2)
    incoherent = 2 * len(tungsten) * in_electrons**2 * PAPER_DETECTOR.solid_angles
    films = [film_channels(positions, 74, np.random.default_rng(seed)) for seed in range(16)]
    outer = np.linalg.norm(PAPER_DETECTOR.scattering_vectors, axis=1) > 6
    mean = np.mean(films, axis=0)[PAPER_DETECTOR.mask][outer].mean()
    assert mean == pytest.approx(incoherent[outer].mean(), rel=0.05)


def test_a_foreign_grain_is_a_crystal_in_another_orientation():
    """Its spots are as sharp as a crystal's, and stand elsewhere in each draw."""
    grains = [grain_channels(SHIPPED_VARIETY, 29, np.random.default_rng(seed)) for seed in range(4)]
    for grain in grains:
        assert grain.max() == pytest.approx(1)
        assert (grain > 0.1).mean() < 0.1
    places = {tuple(np.argwhere(grain == 1)[0]) for grain in grains}
    assert len(places) > 1


def test_too_small():
    with pytest.raises(ValueError, match="size is 3"):
        pristine_dataset(3, seed=0)
