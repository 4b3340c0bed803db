"""Tables and figures from the counts of a run."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binomtest

from crystutor.crystal.space_groups import CLASSES
from crystutor.files import finished_file, read_csv, write_csv, write_text
from crystutor.table1.baselines import BASELINES
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.damaged_crystals import AVERAGE, BOTH
from crystutor.table1.figures import plot_confusion, plot_levels
from crystutor.table1.recipes import ABLATIONS, SHIPPED
from crystutor.table1.reliability import calibration_rows, calibration_table, witnesses_table

RESULTS = Path(__file__).parents[1] / "data" / "results"
CONFUSION_LEVELS = ("pristine", "0.2 Å", "60%", "70%")


def write_report(folder: Path, counts: list[dict], histories: dict[str, dict]) -> None:
    """Write the tables and figures of a run into its folder.

    Parameters
    ----------
    folder
        Folder of the run.
    counts
        Counts of a run, see `crystutor.table1.benchmark.classify_damaged`.
    histories
        Losses and accuracies of each epoch, keyed by network.
    """
    inside = [row for row in counts if row["class"] in CLASSES]
    table = summarise(inside)
    write_csv(folder / "table1.csv", table)
    write_csv(folder / "confusion.csv", _confusion_rows(inside))
    write_csv(folder / "training.csv", _history_rows(histories))
    methods = _methods(table)
    shown = [method for method in methods if method not in ABLATIONS]
    ablation = [method for method in methods if method in ABLATIONS]
    write_text(folder / "table1.md", markdown_table(table, shown))
    write_text(folder / "ablation.md", markdown_table(table, ablation))
    calibration = calibration_rows(counts)
    write_csv(folder / "calibration.csv", calibration)
    write_text(folder / "calibration.md", calibration_table(calibration))
    write_text(folder / "witnesses.md", witnesses_table(counts))
    figure = Figure(figsize=(11, 5), layout="constrained")
    plot_levels(balanced_accuracies(table, shown), figure.subplots())
    _write_figure(folder / "table1.png", figure)
    figure = Figure(figsize=(15, 4.4), layout="constrained")
    axes = figure.subplots(1, len(CONFUSION_LEVELS), sharey=True)
    for ax, level in zip(axes, CONFUSION_LEVELS, strict=True):
        plot_confusion(confusion_matrix(inside, level, SHIPPED.name), f"ConvNet, {level}", ax)
    _write_figure(folder / "confusion.png", figure)


def load_results(name: str = "table1.csv") -> list[dict]:
    """Load a table of the full run, which comes with the package.

    Parameters
    ----------
    name
        ``"table1.csv"`` (level, method, class, n, correct, milliseconds), ``"confusion.csv"``
        (level, method, class, answer, n; wrong answers only), ``"calibration.csv"`` (level,
        method, crystals, n, answered, accuracy, confidence, ece) or ``"training.csv"`` (network,
        epoch, losses and accuracies).

    Returns
    -------
    list of dict
        Rows, keyed by column.

    Examples
    --------
    >>> load_results()[0]["level"]
    'pristine'
    """
    return load_table(RESULTS / name)


def load_table(path: Path) -> list[dict]:
    """Load the rows of a table of any run."""
    return [{key: _value(text) for key, text in row.items()} for row in read_csv(path)]


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def summarise(counts: list[dict]) -> list[dict]:
    """Rows of Table 1: level, method, class, n, correct, milliseconds per structure."""
    sums: defaultdict[tuple, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for row in counts:
        entry = sums[row["level"], row["method"], row["class"]]
        entry[0] += row["n"]
        entry[1] += row["n"] * (row["answer"] == row["class"])
        entry[2] += row["milliseconds"]
    order = {level.name: number for number, level in enumerate(LEVELS)}
    methods = _methods(counts)
    keys = sorted(
        sums, key=lambda key: (order[key[0]], methods.index(key[1]), CLASSES.index(key[2]))
    )
    return [
        {
            "level": level,
            "method": method,
            "class": label,
            "n": n,
            "correct": correct,
            "milliseconds": round(milliseconds / n, 2),
        }
        for level, method, label in keys
        for n, correct, milliseconds in [sums[level, method, label]]
    ]


def balanced_accuracies(table: list[dict], methods: list[str]) -> dict:
    """Average the accuracy of each method at each level over the classes that it can name.

    Parameters
    ----------
    table
        Rows as from `summarise`.
    methods
        Names of the methods.

    Returns
    -------
    dict
        Keyed by (level, method): (accuracy, lowest, highest, n), all but n in [0, 1]. Lowest and
        highest are Wilson's interval for 95 %. A level where a method classified nothing has no
        key.

    Notes
    -----
    The interval is that of a proportion with n structures; the classes have equal numbers, to
    within one.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
    """
    nameable = {baseline.name: baseline.classes for baseline in BASELINES}
    cells = defaultdict(list)
    for row in table:
        if row["method"] in methods and row["class"] in nameable.get(row["method"], CLASSES):
            cells[row["level"], row["method"]].append((row["correct"], row["n"]))
    accuracies = {}
    for key, pairs in cells.items():
        accuracy = float(np.mean([correct / n for correct, n in pairs]))
        n = sum(n for _, n in pairs)
        interval = binomtest(round(accuracy * n), n).proportion_ci(0.95, method="wilson")
        accuracies[key] = (accuracy, interval.low, interval.high, n)
    return accuracies


def markdown_table(table: list[dict], methods: list[str]) -> str:
    """Write a Markdown table of balanced accuracies [%] and 95 % intervals, a row for each level.

    The row "structures" says how many a method classified per level: fewer beyond the paper's
    levels. For baselines that can name only some classes, only structures of these count.
    """
    accuracies = balanced_accuracies(table, methods)
    rows = [["level", *methods], ["---"] * (len(methods) + 1)]
    rows += _rows_about_methods(table, methods, accuracies)
    for level in LEVELS:
        cells = [accuracies.get((level.name, method)) for method in methods]
        if any(cells):
            paper = " (paper)" if level.in_paper else ""
            rows.append([level.name + paper, *map(_cell, cells)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _rows_about_methods(table, methods, accuracies):
    """What holds for all levels: classes, numbers of structures, time."""
    nameable = {baseline.name: len(baseline.classes) for baseline in BASELINES}
    sizes: dict[str, set[int]] = {method: set() for method in methods}
    for (_, method), (*_, n) in accuracies.items():
        sizes[method].add(n)
    times: dict[str, list[float]] = {method: [] for method in methods}
    for row in table:
        times.get(row["method"], []).append(row["milliseconds"])
    seen = [" or ".join(f"{n:,}" for n in sorted(sizes[method])[::-1]) for method in methods]
    return [
        ["classes it can name", *(str(nameable.get(method, len(CLASSES))) for method in methods)],
        ["structures", *seen],
        ["milliseconds a structure", *(f"{np.mean(times[method]):.1f}" for method in methods)],
    ]


def confusion_matrix(counts: list[dict], level: str, method: str) -> np.ndarray:
    """Count answers, shape (7, 8): rows for true classes, columns for answers, last for none."""
    matrix = np.zeros((len(CLASSES), len(CLASSES) + 1), int)
    for row in counts:
        if (row["level"], row["method"]) == (level, method):
            known = row["answer"] in CLASSES
            column = CLASSES.index(row["answer"]) if known else len(CLASSES)
            matrix[CLASSES.index(row["class"]), column] += row["n"]
    return matrix


def _cell(accuracy):
    if accuracy is None:
        return "–"
    mean, low, high, _ = accuracy
    return f"{100 * mean:.2f} ({100 * low:.2f}–{100 * high:.2f})"


def _methods(rows):
    return list(dict.fromkeys(row["method"] for row in _in_order_of_methods(rows)))


def _in_order_of_methods(rows):
    """Networks first, in the order in which they appear, the witnesses, then the baselines."""
    names = [AVERAGE, BOTH, *(baseline.name for baseline in BASELINES)]
    return sorted(rows, key=lambda row: row["method"] in names and 1 + names.index(row["method"]))


def _confusion_rows(counts):
    wrong: Counter[tuple] = Counter()
    for row in counts:
        if row["answer"] != row["class"]:
            wrong[row["level"], row["method"], row["class"], row["answer"]] += row["n"]
    keys = ("level", "method", "class", "answer", "n")
    return [dict(zip(keys, (*key, n), strict=True)) for key, n in sorted(wrong.items())]


def _history_rows(histories):
    return [
        {"network": name, "epoch": epoch + 1}
        | {key: values[epoch] for key, values in sorted(history.items()) if key != "learning_rate"}
        for name, history in histories.items()
        for epoch in range(len(history["loss"]))
    ]


def _write_figure(path, figure):
    with finished_file(path) as unfinished:
        figure.savefig(unfinished, dpi=120)
