"""A panel of controls, atoms and a figure, which grows with the page and also shows errors."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import ipywidgets
from matplotlib import rc_context
from matplotlib.figure import Figure

from crystutor.explore.views import AtomsView, GrowingBox, Shown

FONT_SIZE = 11.5  # [point] of a figure three inches high
TALLEST = "60vh"  # of the pictures: controls, text and pictures fit a projector's page together
NARROWEST = "24em"  # of a control


@dataclass(frozen=True)
class Scene:
    """What a panel shows.

    Attributes
    ----------
    text : a line or two in plain words
    figure : to draw beside the atoms
    atoms : atoms, or None for a panel without a view of them
    later : function that gives more text; slow, and therefore called when all else is shown
    """

    text: str
    figure: Figure
    atoms: Shown | None = None
    later: Callable[[], str] | None = None


class Panel(GrowingBox):
    """Controls above, atoms on the left, a figure on the right; both are as large as fits the page.

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
        self.view, self.shown = AtomsView(height="100%"), None
        self.view.layout.flex = "1 1 0"
        self.picture = ipywidgets.Image(format="svg+xml")
        self.picture.layout = {"height": "100%", "max_width": "100%", "object_fit": "contain"}
        self.text, self.error = ipywidgets.HTML(), ipywidgets.HTML()
        self.pictures = ipywidgets.HBox([self.view, self.picture])
        grid = ipywidgets.GridBox(list(controls.values()))
        grid.layout.grid_template_columns = f"repeat(auto-fit, minmax({NARROWEST}, 1fr))"
        super().__init__([grid, self.text, self.error, self.pictures])
        for control in controls.values():
            control.observe(self._update, "value")
        self._update()

    def _update(self, _=None):
        try:
            with rc_context({"font.size": FONT_SIZE}):
                values = {name: control.value for name, control in self.controls.items()}
                scene = self.compose(**values)
            self.error.value = ""  # before an answer is shown, not after all of it is computed
            self._show(scene)
        except ValueError as error:
            self._fail(str(error))
        except Exception as error:  # a callback's traceback would be invisible in a notebook
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, message):
        self.text.value = ""  # an old answer beside an error would be taken for a new one
        self.pictures.layout.display = "none"
        self.error.value = f'<b style="color: #b00020">{escape(message)}</b>'

    def _show(self, scene):
        self.text.value = escape(scene.text)
        self._fit(scene)
        self.picture.value = to_svg(scene.figure)
        if scene.atoms is not None and scene.atoms is not self.shown:
            self.view.swap(scene.atoms)
        self.shown = scene.atoms
        self.pictures.layout.display = "flex"
        self.view.resize()
        if scene.later is not None:
            self.text.value += " " + escape(scene.later())

    def _fit(self, scene):
        """As high as the page allows, while figure and at least a square of atoms fit its width."""
        width, height = scene.figure.get_size_inches()
        squares = width / height + (scene.atoms is not None)
        self.pictures.layout.height = f"min({TALLEST}, {100 / squares:.1f}cqw)"
        self.view.layout.display = "none" if scene.atoms is None else None


def to_svg(figure: Figure) -> bytes:
    """Draw a figure as an SVG image, which stays sharp at any size."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "crystutor"}):  # the same figure is the same image
        figure.savefig(buffer, format="svg", dpi=144, metadata={"Date": None})
    return buffer.getvalue()
