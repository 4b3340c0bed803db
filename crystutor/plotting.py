"""Figures: every function draws into given axes, or new ones, and returns them."""

from itertools import cycle, groupby

import matplotlib.pyplot as plt
import numpy as np
from ase.visualize.plot import plot_atoms
from matplotlib.axes import Axes
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from crystutor.levels import LEVELS
from crystutor.symmetry import CLASSES

CLASS_COLORS = dict(  # M. Okabe and K. Ito's colours, told apart by colour-blind readers
    zip(
        CLASSES,
        ("#E69F00", "#D55E00", "#009E73", "#CC79A7", "#0072B2", "#56B4E9", "#4D4D4D"),
        strict=True,
    )
)


def plot_fingerprint(image: np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a fingerprint, red, green and blue for the rotations about x, y and z.

    Parameters
    ----------
    image
        Shape (64, 64, 3), in [0, 1].
    title
        Title of the axes.
    ax
        Axes to draw into.

    Notes
    -----
    The square root of the intensity is shown, so that weak spots can be seen beside strong ones.
    """
    ax = _axes(ax, (3.4, 3.4))
    ax.imshow(np.sqrt(image), origin="lower", interpolation="nearest")
    ax.set(title=title, xlabel="detector x [pixel]", ylabel="detector y [pixel]")
    ax.set(xticks=range(0, 64, 16), yticks=range(0, 64, 16))
    return ax


def plot_probabilities(
    probabilities: dict[str, float], title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw class probabilities as horizontal bars, each class in its colour.

    Parameters
    ----------
    probabilities
        Keyed by class, as in ``Classification.probabilities``.
    title
        Title of the axes.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (3.6, 2.6))
    names = list(probabilities)
    values = [probabilities[name] for name in names]
    bars = ax.barh(names, values, color=[CLASS_COLORS[name] for name in names])
    ax.bar_label(bars, [f"{value:.1%}" for value in values], padding=3, fontsize="small")
    ax.set(title=title, xlabel="probability", xlim=(0, 1.2), xticks=np.linspace(0, 1, 5))
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_structure(structure: Structure, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the atoms of a structure and its cell, seen a little from the side.

    Parameters
    ----------
    structure
        Atoms to draw.
    title
        Title of the axes.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (3.4, 3.4))
    plot_atoms(AseAtomsAdaptor.get_atoms(structure), ax, rotation="-78x,-12y,4z", radii=0.5)
    ax.set(title=title, xlabel="horizontal [Å]", ylabel="vertical [Å]")
    return ax


def plot_difference(image: np.ndarray, reference: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the difference of two fingerprints, summed over the channels.

    Parameters
    ----------
    image, reference
        Shape (64, 64, 3), in [0, 1].
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (3.4, 3.4))
    difference = (image - reference).sum(axis=-1)
    largest = max(np.abs(difference).max(), 1e-6)
    ax.imshow(difference, cmap="RdBu_r", vmin=-largest, vmax=largest, origin="lower")
    ax.set(title=f"difference, largest {largest:.2g}", xticks=range(0, 64, 16))
    ax.set(yticks=range(0, 64, 16), xlabel="detector x [pixel]", ylabel="detector y [pixel]")
    return ax


def plot_response(
    response: np.ndarray, image: np.ndarray, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw where a response map is positive, over the faint fingerprint.

    Parameters
    ----------
    response
        Response map, shape (64, 64, 3); its positive part is scaled to its largest value.
    image
        Fingerprint, shape (64, 64, 3), in [0, 1].
    title
        Title of the axes.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (3.4, 3.4))
    positive = np.maximum(response, 0)
    shown = positive / max(positive.max(), 1e-12)
    grey = np.sqrt(image).mean(axis=-1, keepdims=True)
    ax.imshow(np.clip(0.35 * grey + shown, 0, 1), origin="lower", interpolation="nearest")
    ax.set(title=title, xticks=[], yticks=[])
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
        Along the path, shape (n,).
    probabilities
        Shape (n_crystals, n, 7), in the order of `CLASSES`.
    labels
        Classes to draw.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (4.4, 3.2))
    for label in labels:
        values = probabilities[:, :, CLASSES.index(label)]
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        color = CLASS_COLORS[label]
        ax.plot(positions, mean, "o-", ms=3, color=color, label=label)
        ax.fill_between(positions, mean - deviation, mean + deviation, color=color, alpha=0.25)
    ax.set(ylabel="probability", ylim=(-0.05, 1.05))
    ax.legend(fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_levels(accuracies: dict, ax: Axes | None = None) -> Axes:
    """Draw balanced accuracies at the levels of damage, a line for each method and kind of damage.

    Parameters
    ----------
    accuracies
        Keyed by (level, method): (accuracy, lowest, highest, n), see
        `crystutor.report.balanced_accuracies`.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (11, 5))
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
        Numbers, shape (7, 8): true class by answer, the last column without answer.
    title
        Title of the axes.
    ax
        Axes to draw into.
    """
    ax = _axes(ax, (4.4, 4))
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


def _axes(ax, size):
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax
