import csv
import errno
import json
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crystutor import CLASSES, load_convnet, predict_probabilities
from crystutor.__main__ import main
from crystutor.table1 import benchmark, damaged_crystals, reproduce, run_folder
from crystutor.table1.benchmark import Network, classify_damaged
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.outsiders import OUTSIDE, outsiders
from crystutor.table1.recipes import (
    FINE_TUNING_EPOCHS,
    FINE_TUNING_RATE,
    RECIPES,
    SHIPPED,
)
from crystutor.table1.reliability import (
    INSIDE,
    WITH_OUTSIDERS,
    calibration_rows,
    calibration_table,
    witnesses_table,
)
from crystutor.table1.reproduce import finished_network, reproduce_table1, train_network
from crystutor.table1.run_folder import Parameters, claim_folder, read_parameters

SMALL = Parameters(size=9, extra_size=7, baseline_sample=2)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(benchmark, "BLOCK", 7)


@pytest.fixture
def few_levels(monkeypatch):
    chosen = tuple(level for level in LEVELS if level.name in ("pristine", "25%", "0.2 Å"))
    for module in (damaged_crystals, run_folder):
        monkeypatch.setattr(module, "LEVELS", chosen)


class Killed(BaseException):
    pass


def kill_after(monkeypatch, module, name, calls):
    """Let a function of a module end the program after some calls."""
    real, count = getattr(module, name), iter(range(calls))

    def function(*arguments, **options):
        if next(count, None) is None:
            raise Killed
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, function)


def rows_of(path, but="milliseconds"):
    with path.open(encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k != but} for row in csv.DictReader(file)]


def brightest_column(images):
    """Not a network, but as fast as one needs to be here."""
    return np.eye(len(CLASSES))[images.sum(axis=(1, 3)).argmax(axis=1).astype(int) % len(CLASSES)]


def test_every_method_sees_every_crystal_at_every_level(tmp_path):
    networks = [Network("all", brightest_column, 9), Network("some", brightest_column, 7)]
    counts = classify_damaged(tmp_path, SMALL, networks, progress=False)
    for number, level in enumerate(LEVELS):
        expected = {"all": SMALL.limits()[number], "some": 7, "Spglib 0.1 Å": 2}
        expected |= {"average structure": 2, "both witnesses": 2}
        for method, n in expected.items():
            seen = [r for r in counts if (r["level"], r["method"]) == (level.name, method)]
            assert sum(row["n"] for row in seen if row["class"] in CLASSES) == n
            outside = sum(row["n"] for row in seen if row["class"] == OUTSIDE)
            assert outside == (0 if method in ("some", "Spglib 0.1 Å") else 2)
    again = classify_damaged(tmp_path, SMALL, [], progress=False)  # from the files
    assert again == counts


def test_both_witnesses_are_asked_as_classify_asks_them(few_levels, tmp_path):
    """With the network that ships, the answers are those of `classify`."""
    seven = Parameters(size=7, baseline_sample=7)
    network = Network("shipped", partial(predict_probabilities, load_convnet()), 7)
    counts = classify_damaged(tmp_path, seven, [network], progress=False)
    inside = [row for row in counts if row["class"] in CLASSES]
    for level in ("pristine", "25%"):
        said = {
            method: {r["class"]: r["answer"] for r in inside if (r["level"], r["method"]) == key}
            for method in ("average structure", "both witnesses")
            for key in [(level, method)]
        }
        assert said["both witnesses"] == {label: label for label in CLASSES}
        assert sum(label == answer for label, answer in said["average structure"].items()) >= 6
    assert "| pristine | 7 | 100.00 | 100.00 | 100.00 |" in witnesses_table(counts)
    rows = calibration_rows(counts)
    first = next(row for row in rows if (row["method"], row["crystals"]) == ("shipped", INSIDE))
    assert (first["level"], first["n"], first["answered"], first["accuracy"]) == (
        "pristine",
        7,
        7,
        1,
    )
    assert first["ece"] == pytest.approx(1 - first["confidence"], abs=1e-4)
    both = [row for row in rows if row["method"] == "both witnesses"]
    assert {row["n"] for row in both if row["crystals"] == WITH_OUTSIDERS} == {14}
    assert calibration_table(rows).count("\n") == 2 + 3


def test_outsiders_are_outside_at_every_tolerance():
    """4H silicon carbide differs from a crystal of P6_3/mmc by less than 0.03 Å, rutile by much."""
    formulas = {cell.composition.reduced_formula for cell in outsiders()}
    assert len(outsiders()) == 176
    assert "TiO2" in formulas and not formulas & {"SiC", "ReSi2", "CuFeS2"}


@pytest.mark.parametrize("linear", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_killed_and_resumed(tmp_path, monkeypatch, few_levels, linear):
    networks = tuple(
        replace(recipe, linear=linear, relative_size=0.5) for recipe in (SHIPPED, RECIPES[3])
    )
    monkeypatch.setattr(reproduce, "RECIPES", networks)
    small = Parameters(size=14, extra_size=7, baseline_sample=1)
    reproduce_table1(tmp_path / "whole", small, progress=False)
    for module, name, calls in (
        (reproduce, "pristine_dataset", 1),
        (reproduce, "train_convnet", 2),
        (benchmark, "write_csv", 1),
    ):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            kill_after(patch, module, name, calls)
            reproduce_table1(tmp_path / "killed", small, progress=False)
    reproduce_table1(tmp_path / "killed", small, progress=False)
    for name in ("table1.csv", "confusion.csv", "training.csv"):
        assert rows_of(tmp_path / "killed" / name) == rows_of(tmp_path / "whole" / name)
    for name in (
        "table1.md",
        "ablation.md",
        "calibration.csv",
        "calibration.md",
        "witnesses.md",
        "table1.png",
        "confusion.png",
        "seconds.json",
    ):
        assert (tmp_path / "killed" / name).stat().st_size > 0


def test_fine_tuning_goes_on_from_the_trained_network(tmp_path):
    recipe = replace(
        SHIPPED, linear=True, calibrated=False, variety="paper", relative_size=1.0, epochs=1
    )
    tuned = train_network(tmp_path, recipe, Parameters(size=14), progress=False)
    trained = finished_network(tmp_path, replace(recipe, fine_tuned=False))
    before, after = trained.get_weights()[0], tuned.get_weights()[0]
    steps = int(tuned.optimizer.iterations) - int(trained.optimizer.iterations)
    assert steps == FINE_TUNING_EPOCHS
    assert 0 < np.abs(after - before).max() < 3 * steps * FINE_TUNING_RATE  # what Adam can move
    assert np.abs(before).max() > 10 * steps * FINE_TUNING_RATE
    np.testing.assert_array_equal(finished_network(tmp_path, recipe).get_weights()[0], after)
    assert len(tuned.history.history["loss"]) == recipe.epochs + FINE_TUNING_EPOCHS


def test_blocks_of_another_format_are_not_mixed_in(tmp_path):
    claim_folder(tmp_path, SMALL)
    path = tmp_path / "parameters.json"
    former = {key: value for key, value in read_parameters(tmp_path).items() if key != "format"}
    path.write_text(json.dumps(former))
    with pytest.raises(ValueError, match="holds a run with other parameters"):
        claim_folder(tmp_path, SMALL)


def complaint(capsys, *arguments):
    assert main(["reproduce", "table1", *map(str, arguments)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("crystutor: error: ")
    return error


def test_too_few_crystals(capsys, tmp_path):
    error = complaint(capsys, "--size", 6, "--out", tmp_path / "new")
    assert "size is 6; at least 7, one crystal a class" in error
    assert not (tmp_path / "new").exists()


def test_a_folder_with_another_run(capsys, tmp_path):
    claim_folder(tmp_path / "run", SMALL)
    claim_folder(tmp_path / "run", SMALL)
    error = complaint(capsys, "--size", 50, "--out", tmp_path / "run")
    assert "holds a run with other parameters (size 9, extra_size 7, baseline_sample 2)" in error
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert "holds other files" in complaint(capsys, "--out", tmp_path / "mine")


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "block.csv"), "block.csv: No space left"),
        (BrokenExecutor(), "a worker died, perhaps for lack of memory"),
        (ConnectionError("no Dask scheduler answers"), "no Dask scheduler answers"),
    ],
)
def test_what_can_go_wrong_on_the_way(capsys, tmp_path, monkeypatch, failure, message):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(reproduce, "pristine_dataset", fail)
    assert message in complaint(capsys, "--size", 7, "--workers", 1, "--out", tmp_path / "run")


def test_a_full_disk_leaves_no_half_written_block(tmp_path, monkeypatch, few_levels):
    def full(self, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    seven, network = Parameters(size=7, baseline_sample=0), Network("all", brightest_column, 7)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "replace", full)
        classify_damaged(tmp_path, seven, [network], progress=False)
    assert list(tmp_path.iterdir()) == []
    assert classify_damaged(tmp_path, seven, [network], progress=False)
