"""Files that went wrong: every one is read, or refused in one line."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import measure_files


@pytest.mark.parametrize("n", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_no_file_is_too_broken(n):
    outcomes = measure_files.measure(n, seed=2, workers=1)
    failures = [one for one in outcomes if one.result in measure_files.FAILURES]
    assert not failures
    valid = [one.result for one in outcomes if one.mutation in measure_files.HARMLESS]
    assert valid.count("right") >= 0.99 * len(valid)
    assert sum(one.result == "refused" for one in outcomes) > n / 4
