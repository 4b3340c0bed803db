"""What is shown of a map: a slice that moves, and atoms in NGL in the colours of the map."""

from collections.abc import Callable
from html import escape

import ipywidgets
import nglview
import numpy as np
from ase.cell import Cell
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from crystutor.arguments import require_one_of
from crystutor.crystal.space_groups import CLASSES
from crystutor.explore.panel import Scene
from crystutor.explore.views import CELL, AtomsView, GrowingBox, Shown, corners
from crystutor.maps.figures import NO_GRAIN, atom_colors, plot_map
from crystutor.maps.slices import cut_slice, positions_in_box, typical_bond
from crystutor.maps.structure_map import StructureMap

RADIUS = 0.45  # bond lengths
MOST_ATOMS = 4000  # in a view; a browser turns them smoothly


def map_scene(
    structure_map: StructureMap,
    show: Callable[[str, str], Shown],
    color: str,
    axis: str,
    position: float,
) -> Scene:
    """Show a slice of a map at a position, as a fraction of the way from its lowest atom up.

    `show` gives the atoms to show beside it, by color and axis; see `show_map`.
    """
    heights = positions_in_box(structure_map.sample)[:, "xyz".index(axis)]
    place = heights.min() + position * np.ptp(heights)
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    ax = plot_map(structure_map, color, axis, place, ax=figure.subplots())
    for dots in ax.collections:
        dots.set_rasterized(True)  # thousands of them
    return Scene(describe_slice(structure_map, axis, place), figure, show(color, axis))


def describe_slice(structure_map: StructureMap, axis: str, position: float) -> str:
    """Say in one line how many atoms a slice holds, of which classes and grains."""
    cut = cut_slice(structure_map, axis, position)
    labels = structure_map.atom_labels[cut.atoms]
    grains = structure_map.atom_grains[cut.atoms]
    shares = [(name or NO_GRAIN, np.mean(labels == name)) for name in (*CLASSES, "") if len(labels)]
    parts = [f"{name} {share:.1%}" for name, share in shares if share > 0]
    text = f"{cut.describe()}: {len(labels)} of {len(structure_map.atom_labels)} atoms"
    text += f", {', '.join(parts)}." if parts else "."
    numbers = np.unique(grains[grains >= 0])
    shown = ", ".join(map(str, numbers)) if len(numbers) <= 12 else f"{len(numbers)} of them"
    return f"{text} Grains: {shown or 'none'}."


def view_map(structure_map: StructureMap, color: str = "class", axis: str = "z") -> ipywidgets.VBox:
    """Show the atoms of a map in an interactive NGL view, in the colours of the map.

    Parameters
    ----------
    structure_map
        What `map_structure` returned.
    color
        What the colours say: class, orientation, overlap or grain.
    axis
        Normal of the slab that is shown, x, y or z, if there are too many atoms for a browser.

    Returns
    -------
    ipywidgets.VBox
        The view, and a line that says which atoms are shown. Of more than 4,000 atoms those
        nearest to the middle of the sample along the axis are shown.
    """
    view = AtomsView(show_map(structure_map, color, axis), height="60vh")
    shown, n = _slab(structure_map.sample, axis), len(structure_map.atom_labels)
    heights = positions_in_box(structure_map.sample)[shown, "xyz".index(axis)]
    text = f"All {n} atoms."
    if len(shown) < n:
        place = f"{axis} = {heights.min():.1f} to {heights.max():.1f} Å"
        text = f"{len(shown)} of {n} atoms: the slab {place}."
    return GrowingBox([view, ipywidgets.HTML(escape(f"{text} Colours: {color}."))])


def show_map(structure_map: StructureMap, color: str, axis: str) -> Shown:
    """Show the atoms of a map that are nearest to its middle along an axis, and its box."""
    shown, sample = _slab(structure_map.sample, axis), structure_map.sample
    colors = [to_hex(shade) for shade in atom_colors(structure_map, color)[shown]]
    upright, turn = Cell(sample.box).standard_form()  # a PDB file tells lengths and angles only
    return _show_colored(positions_in_box(sample)[shown] @ turn.T, colors, upright)


def _slab(sample, axis):
    """Indices of the atoms that a browser can show."""
    require_one_of("axis", axis, "xyz")
    heights = positions_in_box(sample)[:, "xyz".index(axis)]
    middle = (heights.min() + heights.max()) / 2
    return np.sort(np.argsort(np.abs(heights - middle), kind="stable")[:MOST_ATOMS])


def _show_colored(positions, colors, cell):
    """Atoms at positions (n, 3) [Å] in given colours, "#rrggbb", and the edges of a cell."""
    palette = sorted(set(colors))
    residues = [palette.index(color) + 1 for color in colors]
    radius = round(RADIUS * typical_bond(positions), 3)
    size = {"radiusType": "size", "radiusSize": radius}
    atoms = [
        {"type": "spacefill", "params": {"sele": str(number), "color": color, **size}}
        for number, color in enumerate(palette, 1)
    ]
    text = nglview.TextStructure(_pdb(positions, residues, cell), ext="pdb")
    points = np.concatenate([positions, corners(cell.array)])
    return Shown(((text, [*atoms, CELL]),), points, radius)


def _pdb(positions, residues, cell):
    """Atoms as PDB, where each colour is a residue of its own, to be selected by its number."""
    edges = "".join(f"{length:9.3f}" for length in cell.lengths())
    angles = "".join(f"{angle:7.2f}" for angle in cell.angles())
    lines = [f"CRYST1{edges}{angles} P 1"]
    places = zip(residues, positions, strict=True)
    for number, (residue, (x, y, z)) in enumerate(places, 1):
        lines.append(
            f"HETATM{number % 100000:5d}  C   C{residue % 100:02d} A{residue:4d}    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C"
        )
    return "\n".join([*lines, "END"])
