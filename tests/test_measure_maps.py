"""The measuring tool on answers that are known: a perfect map, a blind one, one that splits."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import crystutor

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    for name in ("measure_maps", "map_samples", "atom_templates", "sample_kinds"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import measure_maps

    return measure_maps


@pytest.fixture
def truth(tool):
    return tool.map_samples.polycrystal("mixed", seed=1, index=0, n_atoms=12_000)


def perfect_map(truth):
    grains = [
        SimpleNamespace(
            number=number,
            label=str(truth.labels[truth.grains == number][0]),
            n_atoms=int((truth.grains == number).sum()),
            orientation=truth.turns[number].as_quat(),
            bravais="hP" if truth.labels[truth.grains == number][0] == "hex/rh" else "cF",
        )
        for number in range(truth.grains.max() + 1)
    ]
    windows = SimpleNamespace(labels=["fcc"])
    return SimpleNamespace(
        grains=grains, atom_grains=truth.grains, atom_labels=truth.labels, windows=windows
    )


def test_a_perfect_map_is_right_everywhere(tool, truth, monkeypatch):
    found = perfect_map(truth)
    monkeypatch.setattr(crystutor, "map_structure", lambda *_, **__: found)
    record = tool.compare("polycrystals", truth, "map", 8.0)
    assert (record["right"], record["wrong"], record["none"]) == (1, 0, 0)
    assert record["grains"] == record["grains_found"]
    assert record["error_max"] < 1e-3


def test_a_blind_map_finds_nothing(tool, truth):
    blind = np.full(len(truth.atoms), "")
    assert tool.shares(truth, blind, 6.0)["none"] == 1


def test_a_grain_in_two_pieces_is_said(tool, truth):
    found = perfect_map(truth)
    largest = max(found.grains, key=lambda grain: grain.n_atoms)
    half = largest.n_atoms // 2
    largest.n_atoms -= half
    new = SimpleNamespace(**{**vars(largest), "number": len(found.grains), "n_atoms": half})
    found.atom_grains = truth.grains.copy()
    found.atom_grains[np.flatnonzero(truth.grains == largest.number)[:half]] = new.number
    found.grains.append(new)
    record = tool.grains_found(truth, found)
    assert record["grains_found"] == record["grains"] + 1
    assert record["split"] == str(largest.number)


def test_an_error_of_orientation_is_measured(tool, truth):
    found = perfect_map(truth)
    tilt = tool.Rotation.from_rotvec([0, 0, 0.3], degrees=True)
    for grain in found.grains:
        grain.orientation = (truth.turns[grain.number] * tilt).as_quat()
    assert tool.grains_found(truth, found)["error_median"] == pytest.approx(0.3, abs=1e-3)


def test_damage_keeps_what_is_known_of_the_atoms(tool, truth):
    damaged = tool.map_samples.damage(truth, 0.4, 0.1, np.random.default_rng(1))
    assert len(damaged.atoms) == len(truth.atoms) - int(0.4 * len(truth.atoms))
    assert len(damaged.grains) == len(damaged.labels) == len(damaged.depths) == len(damaged.atoms)
    edge = truth.atoms.cell[0, 0]
    whole = damaged.depths > 3.0
    assert set(damaged.grains[whole]) == set(truth.grains)
    assert (damaged.atoms.positions >= 0).all() and (damaged.atoms.positions <= edge).all()


def test_a_half_molten_box_is_half_liquid(tool):
    half = tool.map_samples.half_molten("fcc", seed=1, index=0, n_atoms=2000)
    assert np.mean(half.labels == "") == pytest.approx(0.5, abs=0.05)
    assert set(half.labels) == {"", "fcc"}
