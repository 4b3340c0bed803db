"""Explorers for notebooks; each is a panel around a scene."""

from functools import cache, partial

import ipywidgets
import numpy as np

from crystutor.arguments import require_one_of
from crystutor.crystal.prototypes import SPECIES
from crystutor.crystal.space_groups import CLASSES
from crystutor.explore import scenes
from crystutor.explore.map_scenes import map_scene, show_map
from crystutor.explore.panel import Panel
from crystutor.explore.uploads import LARGEST_UPLOAD, count_frames
from crystutor.maps.figures import COLORED_BY
from crystutor.maps.slices import require_map
from crystutor.maps.structure_map import StructureMap
from crystutor.transition_paths import (
    CUBIC_POINTS,
    HIGHEST_MU,
    LOWEST_MU,
    bcc_to_sc,
    rhombohedral_path,
)

CONVOLUTIONS = tuple(f"conv{number}" for number in range(1, 7))
NEAR = (-0.01, -0.005, 0, 0.005, 0.01)  # a cubic crystal; there the answer changes
LABEL = {"style": {"description_width": "11em"}, "layout": {"width": "auto"}}


def structure_explorer(label: str = "fcc", element: str = "Cu") -> Panel:
    """Damage a crystal of any class and element, and compare network and Spglib.

    Parameters
    ----------
    label, element
        Class and element shown first.
    """
    require_one_of("label", label, CLASSES)
    require_one_of("element", element, SPECIES)
    controls = {
        "label": _choice("class", CLASSES, label),
        "element": _choice("element", SPECIES, element),
        "vacancies": _slider("vacancies [fraction]", 0, 0.9, 0.05, 0.25),
        "displacement": _slider("displacement [Å]", 0, 0.3, 0.01, 0.0),
        "substitution": _slider("substituted [fraction]", 0, 0.5, 0.05, 0.0),
        "seed": _integer("seed", 0, 20, 1),
    }
    return Panel(controls, scenes.structure_scene)


def fingerprint_explorer(label: str = "fcc") -> Panel:
    """Change the experiment behind the fingerprint: angle, wavelength, number of atoms, channel.

    Parameters
    ----------
    label
        Class shown first.
    """
    require_one_of("label", label, CLASSES)
    controls = {
        "label": _choice("class", CLASSES, label),
        "angle": _slider("rotation [degree]", 0, 90, 1, 45),
        "wavelength": _slider("wavelength [Å]", 0.02, 0.1, 0.005, 0.05),
        "n_atoms": _integer("number of atoms", 30, 1000, 250),
        "channel": _choice("rotation about", ("all", "x", "y", "z"), "all"),
    }
    return Panel(controls, scenes.fingerprint_scene)


def bcc_to_sc_explorer() -> Panel:
    """Remove the centre atoms of bcc tungsten one by one, Fig. 4a and 4b of the paper."""
    fractions = np.linspace(0, 1, 21)  # those of the slider: its point lies on the curve
    curve = fractions, bcc_to_sc(fractions, elements=["W"])[0]
    slider = _slider("removed [fraction]", 0, 1, 0.05, 0.0)
    return Panel({"fraction": slider}, partial(scenes.bcc_to_sc_scene, curve=curve))


def rhombohedral_explorer() -> Panel:
    """Stretch a rhombohedral crystal through three cubic ones, Fig. 4c and 4d of the paper."""
    near = np.outer(list(CUBIC_POINTS.values()), 1 + np.array(NEAR)).ravel()
    ratios = np.unique([*np.linspace(LOWEST_MU, HIGHEST_MU, 41), *near[near >= LOWEST_MU]])
    names = {mu: name for name, mu in CUBIC_POINTS.items()}
    options = [(f"{mu:.3f} {names.get(mu, '')}".strip(), float(mu)) for mu in ratios]
    slider = ipywidgets.SelectionSlider(
        options=options, description="c/a", continuous_update=False, **LABEL
    )
    curve = ratios, rhombohedral_path(ratios, progress=True)
    return Panel({"mu": slider}, partial(scenes.rhombohedral_scene, curve=curve))


def response_map_explorer(label: str = "fcc") -> Panel:
    """Choose a layer and a filter, and see to which spots it responds, Fig. 5 of the paper.

    Parameters
    ----------
    label
        Class shown first.
    """
    require_one_of("label", label, CLASSES)
    controls = {
        "label": _choice("class", CLASSES, label),
        "layer": _choice("layer", CONVOLUTIONS, "conv6"),
        "rank": _integer("filter, by strength", 1, 8, 1),
    }
    return Panel(controls, scenes.response_scene)


def upload_explorer() -> Panel:
    """Upload a structure file, choose a frame, damage it, and compare network and Spglib."""
    upload = ipywidgets.FileUpload(
        description=f"CIF, POSCAR, ... of up to {LARGEST_UPLOAD // 1_000_000} MB",
        multiple=False,
        layout={"width": "auto"},
    )
    frame = _integer("frame", 0, 0, 0)
    upload.observe(lambda change: _offer_frames(frame, change["new"]), "value")
    _offer_frames(frame, ())
    damage = {
        "vacancies": _slider("vacancies [fraction]", 0, 0.9, 0.05, 0.0),
        "displacement": _slider("displacement [Å]", 0, 0.3, 0.01, 0.0),
        "seed": _integer("seed", 0, 20, 1),
    }
    panel = Panel({"upload": upload, "frame": frame, **damage}, scenes.upload_scene)
    panel.error.observe(lambda change: _rest(damage.values(), bool(change["new"])), "value")
    return panel


def map_explorer(structure_map: StructureMap) -> Panel:
    """Move a slice through a map, coloured by class, orientation, overlap or grain.

    Parameters
    ----------
    structure_map
        What `map_structure` returned.
    """
    require_map(structure_map)
    controls = {
        "color": _choice("colours", COLORED_BY, "class"),
        "axis": _choice("slice normal to", ("x", "y", "z"), "z"),
        "position": _slider("position [fraction]", 0, 1, 0.02, 0.5),
    }
    show = cache(partial(show_map, structure_map))
    return Panel(controls, partial(map_scene, structure_map, show))


def _offer_frames(slider, upload):
    """Let a slider choose among the frames of a file, the last one first; hide it if it is one."""
    last = max(0, count_frames(upload) - 1)
    slider.layout.display = None if last else "none"
    slider.max = last
    slider.value = last


def _rest(controls, there_is_an_error):
    """Let the controls rest while there is nothing to damage."""
    for control in controls:
        control.disabled = there_is_an_error


def _choice(name, options, value):
    return ipywidgets.Dropdown(options=options, value=value, description=name, **LABEL)


def _slider(name, lowest, highest, step, value):
    return ipywidgets.FloatSlider(
        min=lowest,
        max=highest,
        step=step,
        value=value,
        description=name,
        continuous_update=False,
        readout_format=".3f" if step < 0.01 else ".2f",
        **LABEL,
    )


def _integer(name, lowest, highest, value):
    return ipywidgets.IntSlider(
        min=lowest, max=highest, value=value, description=name, continuous_update=False, **LABEL
    )
