"""An NGL view, and a panel of controls, a view and a figure, which also shows errors."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import ipywidgets
import nglview
from matplotlib.figure import Figure
from pymatgen.core import Structure

from crystutor.crystal.structures import require_atoms

ATOMS = {"type": "spacefill", "params": {"radiusType": "covalent", "radiusScale": 0.6}}
GHOSTS = {
    "type": "spacefill",
    "params": {"radiusType": "covalent", "radiusScale": 0.35, "opacity": 0.25, "color": "grey"},
}
CELL = {"type": "unitcell", "params": {}}


@dataclass(frozen=True)
class Scene:
    """What a panel shows.

    Attributes
    ----------
    text : a line or two in plain words
    figure : to draw beside the atoms
    structure : atoms, or None for a panel without a view of them
    removed : atoms that are missing, shown as ghosts
    later : function that gives more text; slow, and therefore called when all else is shown
    """

    text: str
    figure: Figure
    structure: Structure | None = None
    removed: Structure | None = None
    later: Callable[[], str] | None = None


class Panel(ipywidgets.VBox):
    """Controls above, atoms on the left, a figure on the right.

    Parameters
    ----------
    controls
        Widgets with a ``value``, keyed by argument of `compose`.
    compose
        Pure function from the controls' values to a `Scene`. The panel shows a ValueError as its
        message, and any other error with its type.
    """

    def __init__(
        self, controls: dict[str, ipywidgets.Widget], compose: Callable[..., Scene]
    ) -> None:
        self.controls, self.compose = controls, compose
        self.view = nglview.NGLWidget()
        self.view.layout.width, self.view.layout.height = "300px", "300px"
        self.picture = ipywidgets.Image(format="png")
        self.picture.layout = {"max_width": "100%", "height": "auto", "flex": "0 0 auto"}
        self.text = ipywidgets.HTML()
        self.error = ipywidgets.HTML()
        rows = ipywidgets.HBox([self.view, self.picture])
        rows.layout = {"flex_flow": "row wrap", "align_items": "center"}
        super().__init__([*controls.values(), self.text, self.error, rows])
        for control in controls.values():
            control.observe(self._update, "value")
        self._update()

    def _update(self, _=None):
        try:
            scene = self.compose(**{name: control.value for name, control in self.controls.items()})
            self.error.value = ""
            self._show(scene)
        except ValueError as error:
            self._fail(str(error))
        except Exception as error:  # a callback's traceback would be invisible in a notebook
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, message):
        self.text.value = ""  # an old answer beside an error would be taken for a new one
        self.picture.layout.display = self.view.layout.display = "none"
        self.error.value = f'<b style="color: #b00020">{escape(message)}</b>'

    def _show(self, scene):
        self.text.value = escape(scene.text)
        self.picture.value = to_png(scene.figure)
        self.picture.layout.display = None
        self.view.layout.display = "none" if scene.structure is None else "flex"
        if scene.structure is not None:
            swap_structure(self.view, scene.structure, scene.removed)
        if scene.later is not None:
            self.text.value += " " + escape(scene.later())


def to_png(figure: Figure, dpi: int = 72) -> bytes:
    """Draw a figure as a PNG image, with `dpi` pixels per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


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
    atoms = nglview.ASEStructure(structure.to_ase_atoms())
    return nglview.NGLWidget(atoms, representations=[ATOMS, CELL])


def swap_structure(
    view: nglview.NGLWidget, structure: Structure, removed: Structure | None = None
) -> None:
    """Show other atoms in a view; the camera moves only the first time."""
    old = list(view._ngl_component_ids)
    _add(view, structure, [ATOMS, CELL])
    if removed is not None and len(removed):
        _add(view, removed, [GHOSTS])
    for component in old:
        view.remove_component(component)
    if not old:
        view.center()


def _add(view, structure, representations):
    atoms = nglview.ASEStructure(structure.to_ase_atoms())
    component = view.add_component(atoms, default_representation=False)
    component.set_representations(representations)
