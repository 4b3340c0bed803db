"""NGL views of atoms; the camera keeps its direction, and moves when the crystal outgrows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import ipywidgets
import nglview
import numpy as np
from ase.cell import Cell
from ase.data import covalent_radii
from pymatgen.core import Structure

from crystutor.crystal.structures import require_atoms

SCALE = 0.6  # of the covalent radii
ATOMS = {"type": "spacefill", "params": {"radiusType": "covalent", "radiusScale": SCALE}}
GHOSTS = {
    "type": "spacefill",
    "params": {"radiusType": "covalent", "radiusScale": 0.35, "opacity": 0.25, "color": "grey"},
}
CELL = {"type": "unitcell", "params": {}}
HALF_ANGLE = np.radians(20)  # of NGL's camera, from the middle of the view to its edge
FULL = 1.5  # times as far from the middle as the atoms are the corners of a box without vacuum
STAYS_WITHIN = 0.05  # change of the sphere around the crystal, in its radii, that moves no camera

STYLE = """<style>
.crystutor-panel {
    container-type: inline-size;
    --jp-widgets-font-size: var(--jp-content-font-size1);
    font-size: var(--jp-content-font-size1);
}
.crystutor-panel div:has(> canvas) { height: 100%; }
.crystutor-panel canvas { width: 100% !important; height: 100% !important; object-fit: contain; }
</style>"""


@dataclass(frozen=True, eq=False)
class Shown:
    """What a view shows.

    Attributes
    ----------
    parts : structures for NGL, each with its representations
    points : what must lie inside the view, atoms and corners, shape (n, 3) [Å]
    radius : of the largest atom, as drawn [Å]
    """

    parts: tuple[tuple[nglview.Structure, list[dict]], ...]
    points: np.ndarray
    radius: float


def sphere_around(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle, shape (3,), and radius of a sphere that holds points, shape (n, 3) [Å]."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle, float(np.linalg.norm(points - middle, axis=1).max())


class AtomsView(nglview.NGLWidget):
    """An interactive view whose atoms can be swapped: drag to turn, scroll to zoom.

    Parameters
    ----------
    shown
        What to show first, if anything.
    height
        Of the view, as in CSS; it is as wide as there is room.
    """

    def __init__(self, shown: Shown | None = None, height: str = "50vh") -> None:
        super().__init__()
        self.layout.height, self._view_height = height, "100%"
        self._view_width = "100%"
        self.sphere: tuple[np.ndarray, float] | None = None
        if shown is not None:
            self.swap(shown)

    def swap(self, shown: Shown) -> None:
        """Show other atoms, all of them inside the view however it is turned."""
        old = list(self._ngl_component_ids)
        with self.hold_sync():  # NGLView sends all that it holds whenever a part of it changes
            for source, representations in shown.parts:
                component = self.add_component(source, default_representation=False)
                component.set_representations(representations)
            for component in old:
                self.remove_component(component)
        middle, radius = sphere_around(shown.points)
        self._follow(middle, radius + shown.radius)

    def resize(self) -> None:
        """Draw as many pixels as the page has given to the view."""
        self._remote_call("handleResize", target="Stage", fire_once=True)

    def _follow(self, middle, radius):
        """Move the camera to a sphere, unless it shows nearly the same one."""
        if self.sphere is not None:
            moved = np.linalg.norm(middle - self.sphere[0]) + abs(radius - self.sphere[1])
            if moved < STAYS_WITHIN * radius:
                return
        self.sphere = middle, radius
        distance = (1 + STAYS_WITHIN) * radius / np.sin(HALF_ANGLE)
        for method, value in (("center", middle.tolist()), ("distance", distance)):
            self._remote_call(method, target="viewerControls", args=[value], fire_once=True)


class GrowingBox(ipywidgets.VBox):
    """A column of widgets whose views and letters grow with the page and with its letters."""

    def __init__(self, children: Sequence[ipywidgets.Widget]) -> None:
        super().__init__([*children, ipywidgets.HTML(STYLE, layout={"display": "none"})])
        self.add_class("crystutor-panel")


def view_structure(structure: Structure) -> nglview.NGLWidget:
    """Show a structure in an interactive NGL view: drag to turn, scroll to zoom.

    Parameters
    ----------
    structure
        Atoms to show, with the edges of their cell.

    Returns
    -------
    nglview.NGLWidget
    """
    require_atoms(structure)
    return AtomsView(show_crystal(structure))


def show_crystal(structure: Structure, removed: Structure | None = None) -> Shown:
    """Show atoms, and those that were removed as ghosts; the edges of a box unless it is vacuum."""
    atoms = _upright(structure)
    box = np.concatenate([atoms.positions, corners(atoms.cell.array)])
    is_full = sphere_around(box)[1] < FULL * sphere_around(atoms.positions)[1]
    has_cell = atoms.pbc.any() or is_full
    parts = [(nglview.ASEStructure(atoms), [ATOMS, CELL] if has_cell else [ATOMS])]
    points = [box if has_cell else atoms.positions]
    if removed is not None:
        ghosts = _upright(removed)
        parts.append((nglview.ASEStructure(ghosts), [GHOSTS]))
        points.append(ghosts.positions)
    radius = SCALE * float(covalent_radii[atoms.numbers].max())
    return Shown(tuple(parts), np.concatenate(points), radius)


def corners(matrix: np.ndarray) -> np.ndarray:
    """Corners of a cell with these edges, shape (8, 3) [Å]."""
    return np.array(list(product((0, 1), repeat=3))) @ matrix


def _upright(structure):
    """Atoms as a PDB file holds them, which tells only lengths and angles of a cell."""
    atoms = structure.to_ase_atoms()
    atoms.set_cell(Cell.new(atoms.cell.cellpar()), scale_atoms=True)
    return atoms
