"""What is shown of a map: a slice that moves, and atoms in NGL in the colours of the map."""

from html import escape

import ipywidgets
import nglview
import numpy as np
from ase.cell import Cell
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from crystutor.arguments import require_one_of
from crystutor.crystal.space_groups import CLASSES
from crystutor.explore.panel import CELL, Scene
from crystutor.maps.figures import NO_GRAIN, atom_colors, plot_map
from crystutor.maps.slices import cut_slice, positions_in_box, typical_bond
from crystutor.maps.structure_map import StructureMap

RADIUS = 0.45  # bond lengths
MOST_ATOMS = 4000  # in a view; a browser turns them smoothly


def map_scene(structure_map: StructureMap, color: str, axis: str, position: float) -> Scene:
    """Show a slice of a map at a position, as a fraction of the way from its lowest atom up."""
    heights = positions_in_box(structure_map.sample)[:, "xyz".index(axis)]
    place = heights.min() + position * np.ptp(heights)
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    plot_map(structure_map, color, axis, place, ax=figure.subplots())
    return Scene(describe_slice(structure_map, axis, place), figure)


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
    require_one_of("axis", axis, "xyz")
    colors = [to_hex(shade) for shade in atom_colors(structure_map, color)]
    positions = positions_in_box(structure_map.sample)
    heights = positions[:, "xyz".index(axis)]
    middle = (heights.min() + heights.max()) / 2
    shown = np.sort(np.argsort(np.abs(heights - middle), kind="stable")[:MOST_ATOMS])
    text = f"All {len(shown)} atoms."
    if len(shown) < len(positions):
        text = (
            f"{len(shown)} of {len(positions)} atoms: the slab {axis} = {heights[shown].min():.1f} "
            f"to {heights[shown].max():.1f} Å."
        )
    view = colored_view(positions[shown], [colors[i] for i in shown], structure_map.sample.box)
    return ipywidgets.VBox([view, ipywidgets.HTML(escape(f"{text} Colours: {color}."))])


def colored_view(positions: np.ndarray, colors: list[str], box: np.ndarray) -> nglview.NGLWidget:
    """Show atoms at positions (n, 3) [Å] in given colours, "#rrggbb", and the edges of a box."""
    palette = sorted(set(colors))
    residues = [palette.index(color) + 1 for color in colors]
    text = nglview.TextStructure(_pdb(positions, residues, box), ext="pdb")
    size = {"radiusType": "size", "radiusSize": round(RADIUS * typical_bond(positions), 3)}
    atoms = [
        {"type": "spacefill", "params": {"sele": str(number), "color": color, **size}}
        for number, color in enumerate(palette, 1)
    ]
    return nglview.NGLWidget(text, representations=[*atoms, CELL])


def _pdb(positions, residues, box):
    """Atoms as PDB, where each colour is a residue of its own, to be selected by its number."""
    upright, turn = Cell(box).standard_form()  # a PDB file tells lengths and angles only
    edges = "".join(f"{length:9.3f}" for length in upright.lengths())
    angles = "".join(f"{angle:7.2f}" for angle in upright.angles())
    lines = [f"CRYST1{edges}{angles} P 1"]
    places = zip(residues, positions @ turn.T, strict=True)
    for number, (residue, (x, y, z)) in enumerate(places, 1):
        lines.append(
            f"HETATM{number % 100000:5d}  C   C{residue % 100:02d} A{residue:4d}    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C"
        )
    return "\n".join([*lines, "END"])
