"""How far answers can be trusted: calibration, both witnesses, outsiders."""

from collections.abc import Callable, Iterable

from crystutor.crystal.space_groups import CLASSES
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.damaged_crystals import AVERAGE, BOTH
from crystutor.table1.outsiders import OUTSIDE
from crystutor.table1.recipes import SHIPPED
from crystutor.training.calibration import BINS, expected_calibration_error

INSIDE, WITH_OUTSIDERS = "inside", "inside and outside"
SURE = 18  # first bin of probabilities of 0.9 or more
WITNESSES = (
    "level",
    "crystals of each kind",
    "answered",
    "right, of the answered",
    "right, of all",
    "outsiders named",
    "with p ≥ 0.9",
    "by the average structure alone",
    "by the network alone with p ≥ 0.9",
)


def calibration_rows(counts: list[dict]) -> list[dict]:
    """Sum up how probable answers were, and how many were right.

    Parameters
    ----------
    counts
        Counts of a run, see `crystutor.table1.benchmark.classify_damaged`.

    Returns
    -------
    list of dict
        A row for each level and method that gives probabilities: level, method, crystals (inside
        the classes, or with as many outsiders), n, answered; of the answered accuracy, confidence
        (mean probability) and ece (expected calibration error), all in [0, 1]. To name an outsider
        is never right.
    """
    methods = dict.fromkeys(row["method"] for row in counts if row["bin"] >= 0)
    return [
        {"level": level.name, "method": method, "crystals": crystals, **_calibration(chosen)}
        for level in LEVELS
        for method in methods
        for crystals in (INSIDE, WITH_OUTSIDERS)
        if (chosen := _chosen(counts, level.name, method, crystals))
    ]


def calibration_table(rows: list[dict]) -> str:
    """Write a Markdown table of accuracy, mean probability and calibration error [%]."""
    columns = {
        SHIPPED.name: (SHIPPED.name, INSIDE),
        f"{BOTH}, of the answered": (BOTH, INSIDE),
        f"{BOTH}, with as many outsiders": (BOTH, WITH_OUTSIDERS),
    }
    found = {(row["level"], row["method"], row["crystals"]): row for row in rows}
    table = [["level", *columns]]
    for level in LEVELS:
        cells = [found.get((level.name, *column)) for column in columns.values()]
        if any(cells):
            table.append([level.name, *map(_calibration_cell, cells)])
    return _markdown(table)


def witnesses_table(counts: list[dict]) -> str:
    """Write a Markdown table of what both witnesses answer, and of outsiders with a name [%]."""
    table = [list(WITNESSES)]
    for level in LEVELS:
        seen = [row for row in counts if row["level"] == level.name]
        if any(row["method"] == BOTH for row in seen):
            table.append([level.name, *_witnesses_cells(seen)])
    return _markdown(table)


def _witnesses_cells(seen):
    """Cells of one level, in the order of `WITNESSES`."""
    inside = [row for row in seen if row["method"] == BOTH and row["class"] in CLASSES]
    n, named, right = _total(inside), _total(inside, _is_named), _total(inside, _is_right)
    both, average, network = (
        [row for row in seen if row["method"] == method and row["class"] == OUTSIDE]
        for method in (BOTH, AVERAGE, SHIPPED.name)
    )
    return [
        str(n),
        _percent(named, n),
        _percent(right, named),
        _percent(right, n),
        _named_share(both),
        _named_share(both, SURE),
        _named_share(average),
        _named_share(network, SURE),
    ]


def _chosen(counts, level, method, crystals):
    """Rows of a level and a method; none with outsiders where it has not seen any."""
    chosen = [row for row in counts if (row["level"], row["method"]) == (level, method)]
    inside = [row for row in chosen if row["class"] in CLASSES]
    if crystals == INSIDE:
        return inside
    as_many = _total(inside) == _total(chosen) - _total(inside)
    return chosen if as_many else []


def _calibration(rows):
    answered = [row for row in rows if row["bin"] >= 0]
    n, right, confidence = (
        [sum(value(row) for row in answered if row["bin"] == number) for number in range(BINS)]
        for value in (
            lambda row: row["n"],
            lambda row: row["n"] * _is_right(row),
            lambda row: row["confidence"],
        )
    )
    total = max(1, sum(n))
    return {
        "n": _total(rows),
        "answered": sum(n),
        "accuracy": round(sum(right) / total, 5),
        "confidence": round(sum(confidence) / total, 5),
        "ece": round(expected_calibration_error(n, right, confidence), 5),
    }


def _is_named(row):
    return row["answer"] in CLASSES


def _is_right(row):
    return row["answer"] == row["class"]


def _total(rows: Iterable[dict], keep: Callable[[dict], bool] = bool) -> int:
    return sum(row["n"] for row in rows if keep(row))


def _named_share(rows, lowest_bin=-1):
    named = _total(rows, lambda row: _is_named(row) and row["bin"] >= lowest_bin)
    return _percent(named, _total(rows))


def _percent(part, whole):
    return f"{100 * part / whole:.2f}" if whole else "–"


def _calibration_cell(row):
    if row is None:
        return "–"
    shares = (f"{100 * row[key]:.2f}" for key in ("accuracy", "confidence", "ece"))
    return "{} right, {} sure, error {}".format(*shares)


def _markdown(table):
    rows = [table[0], ["---"] * len(table[0]), *table[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
