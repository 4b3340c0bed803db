"""Figures of answers: probabilities, paths, trajectories."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crystutor.arguments import as_array, require, require_one_of, require_several
from crystutor.crystal.space_groups import CLASSES
from crystutor.plotting.axes import CLASS_COLORS, axes_or_new
from crystutor.verdict.classification import Classification

NO_CLASS, NO_CLASS_COLOR = "none", "#999999"


def plot_probabilities(
    probabilities: dict[str, float], title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw class probabilities as horizontal bars, each class in its colour.

    Parameters
    ----------
    probabilities
        Keyed by class, as in ``Classification.probabilities``; a sample without a lattice has none.
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    keyed = isinstance(probabilities, dict) and set(probabilities) <= set(CLASSES)
    require("probabilities", probabilities, keyed, "a dict with classes as keys")
    ax = axes_or_new(ax, (3.6, 2.6), title)
    names = list(probabilities)
    values = [probabilities[name] for name in names]
    bars = ax.barh(names, values, color=[CLASS_COLORS[name] for name in names])
    ax.bar_label(bars, [f"{value:.1%}" for value in values], padding=3, fontsize="small")
    ax.set(title=title, xlabel="probability", xlim=(0, 1.25), xticks=(0, 0.5, 1))
    ax.invert_yaxis()
    if not probabilities:
        ax.text(0.4, 0.5, "none", transform=ax.transAxes)
        ax.set_yticks([])
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_path(
    positions: np.ndarray,
    probabilities: np.ndarray,
    labels: tuple[str, ...],
    ax: Axes | None = None,
) -> Axes:
    """Draw mean and standard deviation of class probabilities along a path.

    Parameters
    ----------
    positions
        Positions along the path, shape (n,).
    probabilities
        Shape (n_crystals, n, 7), in [0, 1], classes in the order of `CLASSES`.
    labels
        Classes to draw.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    positions = as_array("positions", positions, (None,))
    shape = (None, len(positions), len(CLASSES))
    probabilities = as_array("probabilities", probabilities, shape)
    require_several("labels", labels, str, f"one of {', '.join(CLASSES)}")
    ax = axes_or_new(ax, (4.4, 3.2))
    for number, label in enumerate(labels):
        require_one_of(f"labels[{number}]", label, CLASSES)
        values = probabilities[:, :, CLASSES.index(label)]
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        color = CLASS_COLORS[label]
        ax.plot(positions, mean, "o-", ms=3, color=color, label=label)
        ax.fill_between(positions, mean - deviation, mean + deviation, color=color, alpha=0.25)
    ax.set(ylabel="probability", ylim=(-0.05, 1.05))
    ax.legend(fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_trajectory(
    answers: Sequence[Classification],
    frames: Sequence[float] | None = None,
    title: str = "",
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw class, overlap and strain of the frames of a trajectory, each class in its colour.

    Parameters
    ----------
    answers
        What `classify` says about each frame.
    frames
        Numbers or times of the frames, shape (n,); 0, 1, 2, ... if not given.
    title
        Title of the first axes.
    axes
        Three axes to draw into; new ones, one below the other, if not given.

    Returns
    -------
    list of Axes
        The axes drawn into: class, overlap, strain [%].

    Notes
    -----
    A frame without a label is grey. A frame without a lattice has no overlap and no strain.
    """
    require_several("answers", answers, Classification, "an answer of `classify`")
    numbers = range(len(answers)) if frames is None else frames
    x = as_array("frames", numbers, (len(answers),))
    if axes is None:
        sizes = {"height_ratios": [1.3, 1, 1]}
        _, rows = plt.subplots(
            3, sharex=True, figsize=(6, 4.6), layout="constrained", gridspec_kw=sizes
        )
        axes = list(rows)
    three = isinstance(axes, Sequence | np.ndarray) and len(axes) == 3
    require("axes", axes, three, "a list of three Axes")
    names = [answer.label or NO_CLASS for answer in answers]
    shown = [name for name in (NO_CLASS, *reversed(CLASSES)) if name in names]
    overlaps = [answer.overlap if answer.cell else np.nan for answer in answers]
    strains = [100 * answer.cell.strain if answer.cell else np.nan for answer in answers]
    colors = [CLASS_COLORS.get(name, NO_CLASS_COLOR) for name in names]
    for ax, values in zip(axes, (map(shown.index, names), overlaps, strains), strict=True):
        ax.scatter(x, list(values), c=colors, s=14)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(title=title, ylabel="class", yticks=range(len(shown)), yticklabels=shown)
    axes[0].set_ylim(-0.5, max(1, len(shown)) - 0.5)
    axes[1].set(ylabel="overlap", ylim=(-0.05, 1.05))
    axes[2].set(ylabel="strain [%]", xlabel="frame")
    if frames is None:
        axes[2].xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    largest = max(1.0, *(strain for strain in strains if strain == strain), 0.0)
    axes[2].set_ylim(-0.05 * largest, 1.1 * largest)
    return list(axes)
