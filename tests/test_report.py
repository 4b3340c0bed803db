import pytest

from crystutor import CLASSES
from crystutor.table1.report import balanced_accuracies, confusion_matrix, markdown_table, summarise


def count(level, method, label, answer, n, milliseconds=1.0):
    keys = ("level", "method", "class", "answer", "n", "milliseconds")
    return dict(zip(keys, (level, method, label, answer, n, milliseconds), strict=True))


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
