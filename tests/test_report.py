from collections import defaultdict

import pytest

from crystutor import CLASSES
from crystutor.table1.baselines import BASELINES
from crystutor.table1.benchmark import ROW
from crystutor.table1.damaged_crystals import AVERAGE, BOTH
from crystutor.table1.recipes import ABLATIONS, RECIPES
from crystutor.table1.report import (
    RESULTS,
    balanced_accuracies,
    confusion_matrix,
    load_results,
    markdown_table,
    summarise,
)


def count(level, method, label, answer, n, milliseconds=1.0):
    values = level, method, label, answer, -1, n, milliseconds, 0.0
    return dict(zip(ROW, values, strict=True))


COUNTS = [
    *(count("pristine", "ConvNet", label, label, 100) for label in CLASSES),
    *(count("25%", "ConvNet", label, label, 90) for label in CLASSES),
    *(count("25%", "ConvNet", label, "fcc", 10) for label in CLASSES if label != "fcc"),
    *(count("25%", "common neighbours", label, "none", 100) for label in ("sc", "bcc")),
    count("25%", "common neighbours", "fcc", "fcc", 100),
]


def test_table_has_a_row_for_each_level_method_and_class():
    table = summarise(COUNTS)
    assert [row["level"] for row in table] == ["pristine"] * 7 + ["25%"] * 10
    fcc = next(row for row in table if (row["level"], row["class"]) == ("25%", "sc"))
    assert (fcc["n"], fcc["correct"], fcc["milliseconds"]) == (100, 90, 0.02)


def test_wilson_interval():
    mean, low, high, n = balanced_accuracies(summarise(COUNTS), ["ConvNet"])["pristine", "ConvNet"]
    assert (mean, high, n) == (1, 1, 700)
    assert low == pytest.approx(700 / (700 + 1.959964**2), abs=1e-6)  # closed form for no failure


def test_classes_that_a_method_cannot_name_do_not_count():
    table = summarise(COUNTS)
    mean, *_, n = balanced_accuracies(table, ["common neighbours"])["25%", "common neighbours"]
    assert (mean, n) == (0.5, 200)  # fcc and bcc, not sc
    lines = markdown_table(table, ["ConvNet", "common neighbours"]).splitlines()
    assert "| classes it can name | 7 | 3 |" in lines
    assert "| structures | 700 or 690 | 200 |" in lines
    pristine = next(line for line in lines if line.startswith("| pristine (paper)"))
    assert pristine.endswith("| 100.00 (99.45–100.00) | – |")


def test_confusion_matrix():
    matrix = confusion_matrix(COUNTS, "25%", "ConvNet")
    assert matrix[CLASSES.index("sc"), CLASSES.index("fcc")] == 10
    assert confusion_matrix(COUNTS, "25%", "common neighbours")[CLASSES.index("sc"), -1] == 100


@pytest.mark.parametrize("name", ["table1.csv", "confusion.csv", "training.csv"])
def test_shipped_tables_have_the_names_of_today(name):
    column = "network" if name == "training.csv" else "method"
    found = {row[column] for row in load_results(name)}
    trained = {recipe.name for recipe in RECIPES}
    assert found <= trained | {AVERAGE, BOTH} | {baseline.name for baseline in BASELINES}
    assert found >= trained if name != "confusion.csv" else found & trained


def test_shipped_tables_agree_with_each_other():
    rows = load_results()
    assert {type(row["n"]) for row in rows} == {int}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    shown = [method for method in methods if method not in ABLATIONS]
    for name, columns in (("table1.md", shown), ("ablation.md", list(ABLATIONS))):
        assert markdown_table(rows, columns) == (RESULTS / name).read_text(encoding="utf-8")
    wrong = defaultdict(int)
    for row in load_results("confusion.csv"):
        wrong[row["level"], row["method"], row["class"]] += row["n"]
    assert wrong == {
        (row["level"], row["method"], row["class"]): row["n"] - row["correct"]
        for row in rows
        if row["correct"] < row["n"]
    }
