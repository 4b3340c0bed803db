"""Figures of Table 1: accuracy over damage, and confusion."""

from itertools import cycle, groupby

import numpy as np
from matplotlib.axes import Axes

from crystutor.arguments import as_array, require
from crystutor.crystal.space_groups import CLASSES
from crystutor.plotting.axes import axes_or_new
from crystutor.table1.damage_levels import LEVELS


def plot_levels(accuracies: dict, ax: Axes | None = None) -> Axes:
    """Draw balanced accuracies at the levels of damage, a line for each method and kind of damage.

    Parameters
    ----------
    accuracies
        Keyed by (level, method): (accuracy, lowest, highest, n), see
        `crystutor.table1.report.balanced_accuracies`.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    keyed = isinstance(accuracies, dict) and len(accuracies) > 0
    require("accuracies", accuracies, keyed, "a dict keyed by (level, method)")
    ax = axes_or_new(ax, (11, 5))
    met = {level for level, _ in accuracies}
    levels = sorted((level for level in LEVELS if level.name in met), key=_kind_of_damage)
    columns = [
        name
        for _, group in groupby(levels, key=_kind_of_damage)
        for name in [*(level.name for level in group), ""]  # a gap after each kind
    ]
    methods = list(dict.fromkeys(method for _, method in accuracies))
    for method, marker in zip(methods, cycle("os^Dv<>*"), strict=False):
        values = [accuracies.get((name, method), (np.nan,) * 4)[:3] for name in columns]
        means, low, high = 100 * np.array(values).T
        errors = np.maximum(0, [means - low, high - means])
        ax.errorbar(
            range(len(columns)), means, errors, label=method, marker=marker, ms=5, lw=1, capsize=2
        )
    ticks = [place for place, name in enumerate(columns) if name]
    ax.set_xticks(ticks, [columns[place] for place in ticks], rotation=45, ha="right")
    ax.set(xlabel="level of damage", ylabel="balanced accuracy [%]", ylim=(-3, 103))
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _kind_of_damage(level):
    """0 for none, then displacements, vacancies, substitution, several of them."""
    damages = (level.displacement, level.vacancies, level.substitution)
    kinds = [number for number, damage in enumerate(damages, start=1) if damage]
    return kinds[0] if len(kinds) == 1 else 4 * bool(kinds)


def plot_confusion(matrix: np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix as percentages of each true class.

    Parameters
    ----------
    matrix
        Numbers of answers, shape (7, 8): a row for each true class, a column for each answer, the
        last for no answer.
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    matrix = as_array("matrix", matrix, (len(CLASSES), len(CLASSES) + 1))
    ax = axes_or_new(ax, (4.4, 4), title)
    shares = 100 * matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if matrix[row, column]:
            color = "black" if share > 50 else "white"
            ax.text(column, row, f"{share:.1f}", color=color, ha="center", va="center", size=7)
    ax.set_xticks(range(len(CLASSES) + 1), [*CLASSES, "none"], rotation=60, ha="right")
    ax.set_yticks(range(len(CLASSES)), CLASSES)
    ax.set(title=title, xlabel="answer", ylabel="true class [% of it]")
    return ax
