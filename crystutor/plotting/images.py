"""Figures of fingerprints, of their differences, and of response maps."""

import numpy as np
from matplotlib.axes import Axes

from crystutor.arguments import as_array, require
from crystutor.detector import Detector
from crystutor.plotting.axes import axes_or_new

PICTURE = (None, None, 3)  # shape of a fingerprint or a response map
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
    ax.set_title(f"difference, red: brighter, ±{largest:.2g}")
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
