"""Figures: every function draws into given axes, or new ones, and returns them."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from ase.visualize.plot import plot_atoms
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from crystutor.crystal.space_groups import CLASSES
from crystutor.verdict.classification import Classification

CLASS_COLORS = dict(  # M. Okabe and K. Ito's colours, distinct for colour-blind readers
    zip(
        CLASSES,
        ("#E69F00", "#D55E00", "#009E73", "#CC79A7", "#0072B2", "#56B4E9", "#4D4D4D"),
        strict=True,
    )
)
NO_CLASS, NO_CLASS_COLOR = "none", "#999999"


def plot_fingerprint(image: np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a fingerprint, red, green and blue for the rotations about x, y and z.

    Parameters
    ----------
    image
        Shape (64, 64, 3), in [0, 1].
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.

    Notes
    -----
    The square root of the intensity is shown, so that weak spots can be seen beside strong ones.
    """
    ax = axes_or_new(ax, (3.4, 3.4))
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
    ax = axes_or_new(ax, (3.6, 2.6))
    names = list(probabilities)
    values = [probabilities[name] for name in names]
    bars = ax.barh(names, values, color=[CLASS_COLORS[name] for name in names])
    ax.bar_label(bars, [f"{value:.1%}" for value in values], padding=3, fontsize="small")
    ax.set(title=title, xlabel="probability", xlim=(0, 1.2), xticks=np.linspace(0, 1, 5))
    ax.invert_yaxis()
    if not probabilities:
        ax.text(0.4, 0.5, "none", transform=ax.transAxes)
        ax.set_yticks([])
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
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = axes_or_new(ax, (3.4, 3.4))
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
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = axes_or_new(ax, (3.4, 3.4))
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
        Response map, shape (64, 64, 3); its positive part is divided by its maximum.
    image
        Fingerprint, shape (64, 64, 3), in [0, 1].
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = axes_or_new(ax, (3.4, 3.4))
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
    ax = axes_or_new(ax, (4.4, 3.2))
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
    if axes is None:
        sizes = {"height_ratios": [1.3, 1, 1]}
        _, rows = plt.subplots(
            3, sharex=True, figsize=(6, 4.6), layout="constrained", gridspec_kw=sizes
        )
        axes = list(rows)
    names = [answer.label or NO_CLASS for answer in answers]
    shown = [name for name in (NO_CLASS, *reversed(CLASSES)) if name in names]
    overlaps = [answer.overlap if answer.cell else np.nan for answer in answers]
    strains = [100 * answer.cell.strain if answer.cell else np.nan for answer in answers]
    x = range(len(answers)) if frames is None else frames
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


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes, or new ones of the given size [inch] if there are none."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax
