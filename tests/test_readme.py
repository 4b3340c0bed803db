"""Numbers of the README are those of the shipped tables, and its version is the package's."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import crystutor
from crystutor import PROTOTYPES, build_convnet
from crystutor.__main__ import main
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.report import RESULTS, balanced_accuracies, load_results
from crystutor.table1.run_folder import PAPER_RUN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = load_results()
ROUNDED = ("probability", "probabilities", "overlap")  # in the README's example


def rows_below(header):
    """Cells of the rows of the README's table that begins with a header."""
    lines = README[README.index(header) :].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return rows[0], rows[2:]


def levels_of(text):
    """Names of the levels in the first cell of a row, such as "10 / 25 % substituted"."""
    if text.startswith("pristine"):
        return [level.name for level in LEVELS if level.in_paper]
    values, kind = re.fullmatch(r"([\d. /]+) (Å|% vacancies|% substituted)", text).groups()
    suffix = {"Å": " Å", "% vacancies": "%", "% substituted": "% substituted"}[kind]
    return [value + suffix for value in values.split(" / ")]


def agrees(cell, values):
    """Tell if a cell holds the values [%]: one for each, one for all, or lowest–highest."""
    written = cell.split(" / ")
    if "–" in cell:
        written, values = cell.split("–"), (min(values), max(values))
    elif len(written) == 1:
        written = written * len(values)
    decimals = [len(text.partition(".")[2]) for text in written]
    rounded = [f"{value:.{n}f}" for value, n in zip(values, decimals, strict=True)]
    return rounded == written


def test_table_1():
    header, rows = rows_below("| | n | ConvNet |")
    methods, seen = header[2:], set()
    accuracies = balanced_accuracies(TABLE, methods)
    assert set(methods) <= {row["method"] for row in TABLE}
    for first, n, *cells in rows:
        levels = levels_of(first)
        sizes = {accuracies[level, "ConvNet"][3] for level in levels}
        assert {int(n.removesuffix(" each").replace(",", ""))} == sizes
        for method, cell in zip(methods, cells, strict=True):
            values = [100 * accuracies[level, method][0] for level in levels]
            assert agrees(cell, values), f"{first}, {method}: {cell}, not {values}"
        seen.update(levels)
    combined = {level.name for level in LEVELS if level.displacement and level.vacancies}
    assert seen >= {level.name for level in LEVELS} - combined - {"0.08 Å"}


def test_a_wrong_number_does_not_agree():
    assert agrees("100.00", [100, 99.996]) and not agrees("100.00", [100, 99.99])
    assert agrees("99.97–100.00", [99.97, 100, 99.98]) and not agrees("99.97–100.00", [99.98, 100])
    assert agrees("97.90 / 0", [97.9, 0.2]) and not agrees("97.90 / 0", [0.2, 97.9])


def number(pattern):
    """The number in the README that a pattern catches, which must be there once."""
    [found] = set(re.findall(pattern, " ".join(README.split())))
    return float(found.replace(",", ""))


def correct(level, method):
    return sum(r["correct"] for r in TABLE if (r["level"], r["method"]) == (level, method))


def test_numbers_in_the_text():
    kinds = [prototype.kind for prototype in PROTOTYPES.values()]
    assert number(r"([\d,]+) named") == kinds.count("published") + kinds.count("hypothetical")
    assert number(r"places of (\d+) compounds") == kinds.count("compound")
    assert number(r"([\d,]+) enumerated prototypes") == kinds.count("enumerated")
    assert number(r"([\d,]+) parameters") == build_convnet().count_params()
    assert number(r"(10,\d+) crystals") == PAPER_RUN.size
    asked = sum(r["n"] for r in TABLE if (r["level"], r["method"]) == ("pristine", "Spglib 0.1 Å"))
    assert number(r"([\d,]+) crystals (?:a|per|at each) level") == asked
    shown = sum(row["n"] for row in TABLE if row["method"] == "ConvNet")
    assert 0.7 * shown < number(r"on ([\d,]+) damaged crystals") <= shown


def test_where_the_network_is_behind():
    lost = {
        level.name: correct(level.name, "linear softmax") - correct(level.name, "ConvNet")
        for level in LEVELS
    }
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    behind = [
        f"{words[n]} crystal{'s' * (n > 1)} at {name.replace('%', ' %')}"
        for name, n in lost.items()
        if n > 0
    ]
    told = "The network is behind the linear softmax by " + ", ".join(behind) + "."
    if not behind:
        told = "At no level is the network behind the linear softmax."
    assert told in " ".join(README.split())


def test_the_table_of_both_witnesses():
    """Its rows follow from the shipped table of calibration."""
    found = {(r["level"], r["method"], r["crystals"]): r for r in load_results("calibration.csv")}
    head = next(line for line in README.splitlines() if line.startswith("| [%] | pristine | 0.06"))
    levels = [name.replace(" %", "%") for name in head.strip("| ").split(" | ")[1:]]
    for title, method, crystals in (
        ("calibration error of the network", "ConvNet", "inside"),
        ("calibration error of both", "both witnesses", "inside and outside"),
    ):
        line = next(line for line in README.splitlines() if line.startswith(f"| {title}"))
        told = line.strip("| ").split(" | ")[1:]
        assert told == [f"{100 * found[level, method, crystals]['ece']:.1f}" for level in levels]


def test_minutes_of_the_full_run():
    seconds = json.loads((RESULTS.parent / "convnet.json").read_text("utf-8"))["seconds"]
    assert number(r"the run took (\d+) minutes") == round(sum(seconds.values()) / 60)
    training = seconds["train ConvNet"] + seconds["fine-tune ConvNet"]
    assert number(r"(\d+) minutes train") == round(training / 60)


def test_the_example_prints_what_the_readme_says(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    main(["classify", "--spglib", "crystutor/data/examples/Cu_25_percent_vacancies.cif"])
    assert capsys.readouterr().out.strip() in README


def test_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert crystutor.__version__ == version("crystutor") == citation["version"]


def test_the_json_example_is_what_the_command_prints(capsys, monkeypatch):
    shown = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])
    monkeypatch.chdir(ROOT)
    assert main(["classify", "--json", shown["file"]]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == list(shown)
    for key, value in shown.items():
        assert printed[key] == (pytest.approx(value, abs=1e-3) if key in ROUNDED else value)
