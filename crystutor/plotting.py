"""Figures: every function draws into given axes, or new ones, and returns them."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from ase.visualize.plot import plot_atoms
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from crystutor.arguments import as_array, require, require_one_of, require_several
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.structures import require_atoms
from crystutor.detector import Detector
from crystutor.verdict.classification import Classification

CLASS_COLORS = dict(  # M. Okabe and K. Ito's colours, distinct for colour-blind readers
    zip(
        CLASSES,
        ("#E69F00", "#D55E00", "#009E73", "#CC79A7", "#0072B2", "#56B4E9", "#4D4D4D"),
        strict=True,
    )
)
PICTURE = (None, None, 3)  # shape of a fingerprint or a response map
NO_CLASS, NO_CLASS_COLOR = "none", "#999999"
NOT_KEPT = 0.35  # grey of the pixels that a detector does not keep


def plot_fingerprint(
    image: np.ndarray,
    title: str = "",
    ax: Axes | None = None,
    detector: Detector | None = None,
) -> Axes:
    """Draw a fingerprint, red, green and blue for the rotations about x, y and z.

    Parameters
    ----------
    image
        Shape (n_pixels, n_pixels, 3), in [0, 1].
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.
    detector
        The detector that recorded the image. If given, the axes tell centimetres from the beam
        instead of pixels, and the pixels that the detector does not keep are grey.

    Returns
    -------
    Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        If the image is not one of the detector.

    Notes
    -----
    The square root of the intensity is shown, so that weak spots can be seen beside strong ones.

    Examples
    --------
    >>> from crystutor import Detector, example_cluster, fingerprint
    >>> wide = Detector(n_pixels=128, outer_radius=62)
    >>> ax = plot_fingerprint(fingerprint(example_cluster("fcc"), wide), detector=wide)
    >>> ax.get_xlabel()
    'detector x [cm]'
    """
    ax = axes_or_new(ax, (3.4, 3.4), title)
    shown = np.sqrt(as_array("image", image, PICTURE))
    if detector is None:
        _show_pixels(ax, shown, interpolation="nearest")
    else:
        _show_detector(ax, shown, detector)
    ax.set_title(title)
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
    keyed = isinstance(probabilities, dict) and set(probabilities) <= set(CLASSES)
    require("probabilities", probabilities, keyed, "a dict with classes as keys")
    ax = axes_or_new(ax, (3.6, 2.6), title)
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
    require_atoms(structure)
    ax = axes_or_new(ax, (3.4, 3.4), title)
    plot_atoms(AseAtomsAdaptor.get_atoms(structure), ax, rotation="-78x,-12y,4z", radii=0.5)
    ax.set(title=title, xlabel="horizontal [Å]", ylabel="vertical [Å]")
    return ax


def plot_difference(image: np.ndarray, reference: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the difference of two fingerprints, summed over the channels.

    Parameters
    ----------
    image, reference
        Shape (n_pixels, n_pixels, 3), in [0, 1].
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    image = as_array("image", image, PICTURE)
    reference = as_array("reference", reference, image.shape)
    ax = axes_or_new(ax, (3.4, 3.4))
    difference = (image - reference).sum(axis=-1)
    largest = max(np.abs(difference).max(), 1e-6)
    _show_pixels(ax, difference, cmap="RdBu_r", vmin=-largest, vmax=largest)
    ax.set_title(f"difference, largest {largest:.2g}")
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
    response = as_array("response", response, PICTURE)
    image = as_array("image", image, response.shape)
    ax = axes_or_new(ax, (3.4, 3.4), title)
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


def _show_pixels(ax, image, **style):
    """Show an image; its axes count pixels, with four ticks or so."""
    ticks = range(0, len(image), max(1, len(image) // 4))
    ax.imshow(image, origin="lower", **style)
    ax.set(xlabel="detector x [pixel]", ylabel="detector y [pixel]", xticks=ticks, yticks=ticks)


def _show_detector(ax, image, detector):
    """Show an image on its detector, in centimetres from the beam."""
    require("detector", detector, isinstance(detector, Detector), "a Detector")
    n = detector.n_pixels
    image = as_array("image", image, (n, n, 3))
    half = 100 * n * detector.pixel_size / 2
    shown = np.where(detector.mask[..., None], image, NOT_KEPT)
    ax.imshow(shown, origin="lower", interpolation="nearest", extent=(-half, half, -half, half))
    ax.set(xlabel="detector x [cm]", ylabel="detector y [cm]")


def axes_or_new(ax: Axes | None, size: tuple[float, float], title: str = "") -> Axes:
    """Return the axes, or new ones of the given size [inch] if there are none; check a title."""
    require("title", title, isinstance(title, str), "a text")
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    require("ax", ax, isinstance(ax, Axes), "one of matplotlib's Axes, such as axes[0],")
    return ax
