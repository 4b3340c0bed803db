"""Axes to draw into, and the colours of the classes."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from crystutor.arguments import require
from crystutor.crystal.space_groups import CLASSES

CLASS_COLORS = dict(  # apart for colour-blind readers, and with a contrast of 3 to white
    zip(
        CLASSES,
        ("#C6810C", "#69400F", "#00A967", "#AF7B9E", "#0E508E", "#0076FF", "#494949"),
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
