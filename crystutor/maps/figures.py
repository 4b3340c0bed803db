"""Figures of a map: slices coloured by class, orientation, overlap or grain, and pole figures."""

import re
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from crystutor.arguments import as_array, require, require_one_of
from crystutor.crystal.space_groups import CLASSES
from crystutor.maps.colors import (
    CORNERS,
    UNKNOWN,
    key_picture,
    laue_class,
    orientation_colors,
    stereographic,
)
from crystutor.maps.orientations import rotation_group
from crystutor.maps.slices import cut_slice, require_map
from crystutor.maps.structure_map import StructureMap
from crystutor.plotting.axes import CLASS_COLORS, axes_or_new

COLORED_BY = ("class", "orientation", "overlap", "grain")
NO_GRAIN = "no grain"
ATOM = 0.9  # diameter of a dot in bond lengths
SHADES = 20  # of an overlap
NEIGHBOURHOOD = 5.0  # bond lengths
POLE = 400.0  # area of the dots of a grain that is the whole sample [point²]
SMALLEST_POLE = 30.0
KEY_GAP = 13.0  # from a corner to its name [point]


def plot_map(
    structure_map: StructureMap,
    color: str = "class",
    axis: str = "z",
    position: float | None = None,
    thickness: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a slice through a map, one dot an atom; atoms of no grain are light grey.

    Parameters
    ----------
    structure_map
        What `map_structure` returned.
    color
        What the colours say: class, orientation, overlap or grain.
    axis
        Normal of the slice: x, y or z.
    position
        Where the middle of the slice lies along the axis [Å]; the middle of the sample if not
        given.
    thickness
        Of the slice [Å]; two bond lengths if not given.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.

    Notes
    -----
    The colour of an orientation says which direction of the crystal points along z of the sample,
    whatever the axis of the slice. The key beside the slice gives one triangle a symmetry.
    """
    cut = cut_slice(structure_map, axis, position, thickness)
    ax = axes_or_new(ax, (5.6, 4.4))
    colors = atom_colors(structure_map, color)[cut.atoms]
    _draw_atoms(ax, cut, colors)
    keys = {
        "class": partial(_class_legend, ax, structure_map.atom_labels[cut.atoms]),
        "orientation": partial(_orientation_keys, ax, structure_map, cut),
        "overlap": partial(_overlap_bar, ax),
        "grain": partial(_number_grains, ax, structure_map, cut),
    }
    keys[color]()
    return ax


def atom_colors(structure_map: StructureMap, color: str) -> np.ndarray:
    """Red, green and blue of every atom of a map, shape (n, 3); light grey without a grain."""
    require_map(structure_map)
    require_one_of("color", color, COLORED_BY)
    if color == "overlap":
        colors = overlap_map()(np.nan_to_num(structure_map.atom_overlaps))[:, :3]
        colors[structure_map.atom_grains < 0] = UNKNOWN
        return colors
    if color == "class":
        table = {name: to_rgb(shown) for name, shown in CLASS_COLORS.items()}
        return np.array([table.get(label, UNKNOWN) for label in structure_map.atom_labels])
    colors = np.tile(UNKNOWN, (len(structure_map.atom_grains), 1))
    for grain in structure_map.grains:
        colors[structure_map.atom_grains == grain.number] = _grain_color(grain, color)
    return colors


def overlap_map() -> plt.Colormap:
    """Return the colours of an overlap between 0 and 1, in steps."""
    return plt.get_cmap("viridis", SHADES)


def plot_pole_figure(
    structure_map: StructureMap,
    direction: tuple[float, float, float] = (0, 0, 1),
    ax: Axes | None = None,
) -> Axes:
    """Draw where a direction of the crystal points, and all equivalent ones, for every grain.

    Parameters
    ----------
    structure_map
        What `map_structure` returned.
    direction
        Along the standard axes of the cell (a along x, c along z), of any length.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.

    Notes
    -----
    The stereographic projection of the upper half of the sphere, seen along -z of the sample; a
    pole of the lower half is drawn as its opposite. The area of a dot grows with the number of
    atoms of its grain, the colour is that of its class.
    """
    require_map(structure_map)
    along = as_array("direction", direction, (3,))
    require("direction", direction, bool(along.any()), "a direction other than 0 0 0")
    ax = axes_or_new(ax, (4.8, 3.9))
    ax.add_patch(Circle((0, 0), 1, fill=False, color="black", lw=1))
    ax.plot([-1, 1, np.nan, 0, 0], [0, 0, np.nan, -1, 1], color="lightgrey", lw=0.8, zorder=0)
    total = max(1, len(structure_map.atom_grains))
    for grain in sorted(structure_map.grains, key=lambda grain: -grain.n_atoms):
        spots = stereographic(poles(grain.orientation, grain.bravais, direction))
        area = max(SMALLEST_POLE, POLE * grain.n_atoms / total)
        color = CLASS_COLORS[grain.label]
        x, y = spots.T
        ax.scatter(x, y, s=area, color=color, edgecolors="black", linewidths=0.5, zorder=2)
    labels = {grain.label for grain in structure_map.grains}
    _legend(ax, [(name, CLASS_COLORS[name]) for name in CLASSES if name in labels])
    name = " ".join(f"{x:g}" for x in direction)
    ax.set(aspect="equal", xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), title=f"poles of [{name}]")
    ax.set(xlabel="x of the sample", ylabel="y of the sample", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def poles(
    orientation: np.ndarray, bravais: str, direction: tuple[float, float, float]
) -> np.ndarray:
    """Find the directions of the sample equivalent to one of the crystal.

    Parameters
    ----------
    orientation
        Quaternion x y z w, from the standard axes of the cell to the sample, shape (4,).
    bravais
        Bravais lattice in Pearson's two letters.
    direction
        Along the standard axes of the cell.

    Returns
    -------
    ndarray
        Unit vectors of the upper half, each once, shape (n, 3).
    """
    along = np.asarray(direction, float) / np.linalg.norm(direction)
    turned = (Rotation.from_quat(orientation) * rotation_group(bravais)).apply(along)
    both = np.concatenate([turned, -turned])
    upper = both[both[:, 2] > -1e-9]
    _, first = np.unique(upper.round(6) + 0.0, axis=0, return_index=True)
    return upper[np.sort(first)]


def draw_overview(structure_map: StructureMap) -> Figure:
    """Draw the slice through the middle of a map, by class and by orientation, side by side."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    plot_map(structure_map, "class", ax=axes[0])
    plot_map(structure_map, "orientation", ax=axes[1])
    return figure


def _draw_atoms(ax, cut, colors):
    """Dots as large as atoms, in units of the axes; the lowest atoms first."""
    size = np.full(len(cut.atoms), ATOM * cut.bond)
    dots = EllipseCollection(
        size, size, 0 * size, units="xy", offsets=cut.places, offset_transform=ax.transData
    )
    dots.set(facecolors=colors, edgecolors=(0, 0, 0, 0.35), linewidths=0.3)
    ax.add_collection(dots)
    (left, bottom), (right, top) = cut.lowest, cut.highest
    ax.set(xlim=(left - cut.bond, right + cut.bond), ylim=(bottom - cut.bond, top + cut.bond))
    ax.set(aspect="equal", title=cut.describe())
    ax.set(xlabel=f"{cut.across[0]} [Å]", ylabel=f"{cut.across[1]} [Å]")


def _class_legend(ax, labels):
    shown = [(name, CLASS_COLORS[name]) for name in CLASSES if (labels == name).any()]
    _legend(ax, shown + ([(NO_GRAIN, UNKNOWN)] if (labels == "").any() else []))


def _legend(ax, entries):
    dot = partial(Line2D, [], [], ls="", marker="o", ms=8, mec="black", mew=0.4)
    handles = [dot(color=color, label=name) for name, color in entries]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def _overlap_bar(ax):
    shown = ScalarMappable(cmap=overlap_map())
    shown.set_clim(0, 1)
    ax.figure.colorbar(shown, ax=ax, label="overlap", shrink=0.85)


def _number_grains(ax, structure_map, cut):
    """Write the number of each grain where most of its atoms of the slice are around."""
    grains = structure_map.atom_grains[cut.atoms]
    outline = [patheffects.withStroke(linewidth=3, foreground="white")]
    for number in np.unique(grains[grains >= 0]):
        places = cut.places[grains == number]
        around = cKDTree(places).query_ball_point(places, NEIGHBOURHOOD * cut.bond)
        middle = places[np.argmax([len(some) for some in around])]
        text = ax.annotate(str(number), middle, ha="center", va="center", weight="bold")
        text.set_path_effects(outline)


def _orientation_keys(ax, structure_map, cut):
    """A triangle of colours for each symmetry among the grains of the slice."""
    numbers = set(structure_map.atom_grains[cut.atoms])
    shown = [grain for grain in structure_map.grains if grain.number in numbers]
    names: dict[str, set[str]] = {}
    for grain in shown:
        names.setdefault(laue_class(grain.bravais), set()).add(grain.label)
    for place, (laue, labels) in enumerate(sorted(names.items())):
        key = ax.inset_axes((1.13, 0.56 - 0.4 * place, 0.24, 0.22))
        plot_orientation_key(laue, key)
        key.set_title(", ".join(sorted(labels)), fontsize="small", pad=24)
    ax.text(1.06, 1, "crystal direction\nalong z", va="top", transform=ax.transAxes)


def plot_orientation_key(laue: str, ax: Axes | None = None) -> Axes:
    """Draw the triangle of colours of a Laue class.

    Parameters
    ----------
    laue
        Laue class: m-3m, 4/mmm, 6/mmm or -3m.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = axes_or_new(ax, (2.4, 2.0))
    picture, edges = key_picture(laue)
    ax.imshow(picture, extent=edges, origin="lower", interpolation="bilinear")
    corners, names = CORNERS[laue]
    spots = stereographic(corners)
    outwards = spots - spots.mean(axis=0) * [1, laue != "-3m"]
    outwards *= KEY_GAP / np.linalg.norm(outwards, axis=1, keepdims=True)
    for spot, gap, name in zip(spots, outwards, names.split(), strict=True):
        shown = re.sub(r"-(\d)", r"\\bar{\1}", name)
        ax.annotate(f"${shown}$", spot, gap, textcoords="offset points", ha="center", va="center")
    ax.set_axis_off()
    return ax


def _grain_color(grain, color):
    """The colour of a grain by orientation, or by its number, far from those of its neighbours."""
    if color == "orientation":
        return orientation_colors(grain.orientation, grain.bravais)[0]
    return plt.get_cmap("tab20")((2 * grain.number + grain.number // 10 % 2) % 20)[:3]
