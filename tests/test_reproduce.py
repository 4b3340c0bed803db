import csv
import errno
from concurrent.futures import BrokenExecutor
from pathlib import Path

import numpy as np
import pytest

from crystutor import CLASSES
from crystutor.__main__ import main
from crystutor.table1 import benchmark, reproduce
from crystutor.table1.benchmark import Network, classify_damaged
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.reproduce import reproduce_table1
from crystutor.table1.run_folder import Parameters, claim_folder

SMALL = Parameters(size=40, extra_size=7, baseline_sample=2)


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
    networks = [Network("all", brightest_column, 40), Network("some", brightest_column, 7)]
    counts = classify_damaged(tmp_path, SMALL, networks, progress=False)
    for number, level in enumerate(LEVELS):
        expected = {"all": SMALL.limits()[number], "some": 7, "Spglib 0.1 Å": 2}
        for method, n in expected.items():
            seen = [r for r in counts if (r["level"], r["method"]) == (level.name, method)]
            assert sum(row["n"] for row in seen) == n
    again = classify_damaged(tmp_path, SMALL, [], progress=False)  # from the files
    assert again == counts


def test_killed_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "RECIPES", reproduce.RECIPES[:4:2] + reproduce.RECIPES[3:4])
    small = Parameters(size=42, extra_size=7, baseline_sample=1)
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
    for name in ("table1.md", "ablation.md", "table1.png", "confusion.png", "seconds.json"):
        assert (tmp_path / "killed" / name).stat().st_size > 0


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
    assert "holds a run with other parameters (size 40, extra_size 7, baseline_sample 2)" in error
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


def test_a_full_disk_leaves_no_half_written_block(tmp_path, monkeypatch):
    def full(self, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    seven, network = Parameters(size=7, baseline_sample=0), Network("all", brightest_column, 7)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "replace", full)
        classify_damaged(tmp_path, seven, [network], progress=False)
    assert list(tmp_path.iterdir()) == []
    assert classify_damaged(tmp_path, seven, [network], progress=False)
