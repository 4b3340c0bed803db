"""Explorers without a kernel: all pictures are drawn beforehand, and a page chooses among them."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path

import ase.io
import ipywidgets
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.visualize.plot import plot_atoms
from matplotlib import rc_context
from matplotlib.figure import Figure
from tqdm import tqdm

import crystutor as ct
from crystutor.crystal.defects import vacancy_sites
from crystutor.explore.panel import FONT_SIZE, Panel
from crystutor.explore.views import Shown
from crystutor.plotting.atoms import FROM_THE_SIDE

DPI = 96
WEBP = {"quality": 60, "method": 4}
ATOM, GHOST, GHOST_COLOR = 0.5, 0.25, (0.85, 0.85, 0.85)  # sizes in covalent radii
PAGE = """<figure class="explorer" aria-label="Explorer">
<div class="controls">{controls}</div>
<p class="text" role="status">{text}</p>
{images}
<figcaption>All pictures were drawn beforehand. In the notebook they are computed, for any
value.</figcaption>
<script type="application/json">{data}</script>
</figure>"""


@dataclass(frozen=True)
class StaticExplorer:
    """A panel, and the values at which it is drawn.

    Attributes
    ----------
    make : function that makes the panel
    values : values of its controls, by name, in order; all options of a control without values.
        Controls that are not named stay as they are.
    figure : what the figure shows, in words
    with_atoms : whether the atoms are drawn beside it
    """

    make: Callable[[], Panel]
    values: Mapping[str, Sequence]
    figure: str
    with_atoms: bool = True


def _map_of_notebook_11():
    crystals = {"fcc": "Cu", "bcc": "Fe", "hcp": "Co", "diamond": "Si"}
    cells = [ct.build_prototype(name, element) for name, element in crystals.items()]
    sample = ct.build_polycrystal(cells, 45.0, seed=1)
    sample.remove_sites(vacancy_sites(sample, 0.2, seed=1))
    return ct.map_explorer(ct.map_structure(sample, stride=9.0))


EXPLORERS = {  # by notebook
    "03_invariances_and_robustness": StaticExplorer(
        lambda: ct.structure_explorer("hex/rh", "Mg"),
        {
            "label": ct.CLASSES,
            "vacancies": (0.0, 0.25, 0.5, 0.75),
            "displacement": (0.0, 0.1, 0.2),
        },
        "Fingerprint; its difference from that of the perfect crystal; bars of the probabilities",
    ),
    "06_bcc_to_sc": StaticExplorer(
        ct.bcc_to_sc_explorer,
        {"fraction": np.linspace(0, 1, 21).round(2).tolist()},
        "Fingerprint; bars of the probabilities; where the crystal is on the curves of bcc and sc",
    ),
    "07_rhombohedral_path": StaticExplorer(
        ct.rhombohedral_explorer,
        {"mu": ()},
        "Fingerprint; bars of the probabilities; where the crystal is on the curves of the classes",
    ),
    "11_polycrystal": StaticExplorer(
        _map_of_notebook_11,
        {
            "color": (),
            "axis": (),
            "position": (0.1, 0.3, 0.5, 0.7, 0.9),
        },
        "A slice through the sample, a dot for each atom",
        with_atoms=False,
    ),
}


def write_explorer(name: str, folder: Path) -> str:
    """Draw the pictures of an explorer into a folder.

    Parameters
    ----------
    name
        Notebook, a key of `EXPLORERS`.
    folder
        For the pictures; its name is that of the notebook.

    Returns
    -------
    str
        HTML for the notebook's page. The pictures lie in ``_static/explorers`` of the site.
    """
    explorer = EXPLORERS[name]
    panel = explorer.make()
    folder.mkdir(parents=True)
    controls = {key: _control(panel.controls[key], explorer.values[key]) for key in explorer.values}
    fixed = {key: w.value for key, w in panel.controls.items() if key not in controls}
    choices = list(product(*(control["options"] for control in controls.values())))
    frames = []
    for number, options in enumerate(tqdm(choices, desc=name)):
        values = dict(zip(controls, (value for _, value in options), strict=True))
        texts = zip(controls.values(), (text for text, _ in options), strict=True)
        chosen = ", ".join(f"{c['label'].partition(' [')[0]} {text}" for c, text in texts)
        with rc_context({"font.size": FONT_SIZE}):
            scene = panel.compose(**fixed, **values)
        frames.append(_draw_frame(scene, explorer, chosen, number, folder))
    return _page(folder.name, list(controls.values()), frames)


def _draw_frame(scene, explorer, chosen, number, folder):
    """Save the pictures of a scene; return its text, and names and texts of the pictures."""
    said = f"{chosen}. {scene.text} {scene.later() if scene.later else ''}".rstrip()
    pictures = {f"figure_{number}.webp": (scene.figure, f"{explorer.figure}. {said}")}
    if scene.atoms is not None and explorer.with_atoms:
        figure, text = draw_atoms(scene.atoms)
        pictures = {f"atoms_{number}.webp": (figure, f"{chosen}. {text}")} | pictures
    for file, (figure, _) in pictures.items():
        figure.savefig(folder / file, dpi=DPI, pil_kwargs=WEBP)
    return {"text": said, "pictures": [[file, text] for file, (_, text) in pictures.items()]}


def _control(widget, values):
    """Label, texts and values of the options, index of the first one shown, kind."""
    if isinstance(widget, ipywidgets.SelectionSlider):
        options = list(widget.options)
    elif isinstance(widget, ipywidgets.Dropdown):
        options = [(str(value), value) for value in values or widget.options]
    else:
        options = [(f"{value:{widget.readout_format}}", value) for value in values]
    return {
        "label": widget.description,
        "options": options,
        "start": [value for _, value in options].index(widget.value),
        "is_slider": not isinstance(widget, ipywidgets.Dropdown),
    }


def draw_atoms(shown: Shown) -> tuple[Figure, str]:
    """Draw the atoms of a view, those that were removed small and grey; say how many there are."""
    atoms, *removed = [_atoms_of(source) for source, _ in shown.parts]
    ghosts = sum(removed, Atoms())
    sizes = np.repeat([ATOM, GHOST], [len(atoms), len(ghosts)])
    colors = [*jmol_colors[atoms.numbers], *[GHOST_COLOR] * len(ghosts)]
    figure = Figure(figsize=(2.6, 2.6), layout="constrained")
    ax, everything = figure.subplots(), atoms + ghosts
    radii = sizes * covalent_radii[everything.numbers]
    plot_atoms(everything, ax, rotation=FROM_THE_SIDE, radii=radii, colors=colors)
    ax.set_axis_off()
    text = f"{len(atoms)} atoms, seen a little from the side"
    return figure, text + (
        f"; {len(ghosts)} that were removed are small and grey" if ghosts else ""
    )


def _atoms_of(source):
    return ase.io.read(io.StringIO(source.get_structure_string()), format="proteindatabank")


def _page(folder, controls, frames):
    """HTML of an explorer; docs/book/_static/book.js moves it."""
    strides = np.cumprod([1, *(len(c["options"]) for c in reversed(controls))])[-2::-1].tolist()
    starts = [control["start"] for control in controls]
    first = frames[int(np.dot(strides, starts))]
    where = f"../_static/explorers/{folder}/"
    data = {"strides": strides, "folder": where, "frames": frames}
    images = "".join(
        f'<img class="{file.partition("_")[0]}" src="{where}{file}" alt="{escape(text)}">'
        for file, text in first["pictures"]
    )
    return PAGE.format(
        controls="".join(_control_html(folder, *pair) for pair in enumerate(controls)),
        text=escape(first["text"]),
        images=images,
        data=json.dumps(data, ensure_ascii=False).replace("</", "<\\/"),
    )


def _control_html(folder, number, control):
    name, texts = f"{folder}_{number}", [text for text, _ in control["options"]]
    start, label = control["start"], f'<label for="{name}">{escape(control["label"])}</label>'
    if control["is_slider"]:
        return (
            f'{label}<input type="range" id="{name}" min="0" max="{len(texts) - 1}" '
            f"value=\"{start}\" data-texts='{escape(json.dumps(texts))}' "
            f'aria-valuetext="{escape(texts[start])}">'
            f'<output for="{name}">{escape(texts[start])}</output>'
        )
    options = "".join(
        f'<option value="{i}"{" selected" * (i == start)}>{escape(text)}</option>'
        for i, text in enumerate(texts)
    )
    return f'{label}<select id="{name}">{options}</select><span></span>'
