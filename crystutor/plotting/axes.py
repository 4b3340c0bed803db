"""Axes to draw into, and the colours of the classes."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from crystutor.arguments import require
from crystutor.crystal.space_groups import CLASSES

CLASS_COLORS = dict(  # M. Okabe and K. Ito's colours, distinct for colour-blind readers
    zip(
        CLASSES,
        ("#E69F00", "#D55E00", "#009E73", "#CC79A7", "#0072B2", "#56B4E9", "#4D4D4D"),
        strict=True,
    )
)


def axes_or_new(ax: Axes | None, size: tuple[float, float], title: str = "") -> Axes:
    """Return the axes, or new ones of the given size [inch] if there are none; check a title."""
    require("title", title, isinstance(title, str), "a text")
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    require("ax", ax, isinstance(ax, Axes), "one of matplotlib's Axes, such as axes[0],")
    return ax
