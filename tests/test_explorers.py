from datetime import UTC, datetime

import ase.io
import ipywidgets
import numpy as np
import pytest
from matplotlib.figure import Figure

from crystutor import (
    EXAMPLES,
    bcc_to_sc_explorer,
    build_cluster,
    build_prototype,
    fingerprint_explorer,
    map_explorer,
    remove_atoms,
    response_map_explorer,
    rhombohedral_explorer,
    structure_explorer,
    upload_explorer,
    view_map,
    view_structure,
)
from crystutor.explore.panel import Panel, Scene, swap_structure
from crystutor.explore.scenes import fingerprint_scene
from crystutor.plotting import CLASS_COLORS
from crystutor.transition_paths import CUBIC_POINTS

PNG = b"\x89PNG"


def test_view_structure():
    view = view_structure(build_prototype("fcc"))
    assert len(view._ngl_component_ids) == 1


def test_one_view_holds_one_structure_however_often_it_is_swapped():
    view, perfect = view_structure(build_prototype("fcc")), build_cluster(build_prototype("bcc"))
    for fraction in (0.1, 0.2, 0.3):
        swap_structure(view, remove_atoms(perfect, fraction, seed=1), perfect)
        assert len(view._ngl_component_ids) == 2  # atoms and ghosts
    swap_structure(view, perfect)
    assert len(view._ngl_component_ids) == 1


def test_structure_explorer():
    panel = structure_explorer("fcc", "Cu")
    assert "192 of 256 atoms. ConvNet: fcc" in panel.text.value
    before = panel.picture.value
    panel.controls["vacancies"].value = 0.0
    assert "256 of 256 atoms. ConvNet: fcc" in panel.text.value
    assert "Spglib at 0.1 Å: space group 225" in panel.text.value
    assert panel.picture.value[:4] == PNG and panel.picture.value != before
    panel.controls["label"].value = "bcc"
    assert "ConvNet: bcc" in panel.text.value


def test_fingerprint_explorer():
    panel = fingerprint_explorer()
    assert panel.error.value == ""
    panel.controls["angle"].value = 30
    assert "±30° about each axis" in panel.text.value
    before = panel.picture.value
    panel.controls["channel"].value = "y"
    assert "±30° about y" in panel.text.value and panel.picture.value != before


@pytest.mark.parametrize(("channel", "shown"), [("all", "xyz"), ("x", "x"), ("y", "y"), ("z", "z")])
def test_the_channel_control_leaves_one_colour(channel, shown):
    scene = fingerprint_scene("hex/rh", 45.0, 0.05, 50, channel)
    colours = scene.figure.axes[0].images[0].get_array().max(axis=(0, 1))
    assert [axis for axis, brightest in zip("xyz", colours, strict=True) if brightest] == [*shown]


def test_bcc_to_sc_explorer():
    panel = bcc_to_sc_explorer()
    assert "ConvNet: bcc" in panel.text.value
    panel.controls["fraction"].value = 1.0
    assert "125 atoms" in panel.text.value and "ConvNet: sc" in panel.text.value
    assert "bond length 1.155 of that of bcc" in panel.text.value


def test_the_point_lies_on_the_drawn_curve():
    for panel, values in (
        (bcc_to_sc_explorer(), np.arange(0, 1.01, 0.05)),
        (rhombohedral_explorer(), (1.2247448713915890, 1.837117307087384)),
    ):
        positions, _ = panel.compose.keywords["curve"]
        for value in values:
            axes = panel.compose(value).figure.axes[-1]
            points = [line for line in axes.lines if line.get_marker() == "o"]
            lines = [line for line in axes.lines if len(line.get_xdata()) == len(positions)]
            assert len(points) == len(lines) > 1
            for point, line in zip(points, lines, strict=True):
                drawn = np.interp(value, *line.get_data())
                assert point.get_ydata()[0] == pytest.approx(drawn, abs=1e-4)


def test_rhombohedral_explorer():
    panel = rhombohedral_explorer()
    for label, mu in CUBIC_POINTS.items():
        panel.controls["mu"].value = float(mu)
        assert f"ConvNet: {label}" in panel.text.value
    panel.controls["mu"].value = panel.controls["mu"].options[30][1]
    assert "Average cell: hR. ConvNet: hex/rh" in panel.text.value


def test_response_map_explorer():
    panel = response_map_explorer()
    before = panel.picture.value
    panel.controls["layer"].value = "conv1"
    assert "this filter of conv1" in panel.text.value and panel.picture.value != before


def upload(name, content):
    file = {"name": name, "content": memoryview(content), "type": "", "size": len(content)}
    return (file | {"last_modified": datetime.now(UTC)},)


def test_upload_explorer():
    panel = upload_explorer()
    assert panel.text.value.startswith("Cu.cif: Cu, 4 atoms, shown as 256: fcc")
    panel.controls["upload"].value = upload("mine.cif", (EXAMPLES / "Cu.cif").read_bytes())
    assert panel.text.value.startswith("mine.cif: Cu") and panel.error.value == ""
    panel.controls["upload"].value = upload("bad.cif", b"nothing here")
    assert "bad.cif: not readable as cif" in panel.error.value
    assert "tmp" not in panel.error.value
    assert panel.text.value == "" and panel.picture.layout.display == "none"
    panel.controls["upload"].value = upload("mine.cif", (EXAMPLES / "Cu.cif").read_bytes())
    assert panel.error.value == "" and panel.picture.layout.display is None
    assert panel.controls["frame"].layout.display == "none"


def test_a_frame_of_an_uploaded_trajectory(tmp_path):
    crystals = build_prototype("fcc", "Cu"), build_prototype("bcc", "Fe")
    ase.io.write(tmp_path / "run.xyz", [crystal.to_ase_atoms() for crystal in crystals])
    panel = upload_explorer()
    frame = panel.controls["frame"]
    assert frame.layout.display == "none"
    panel.controls["upload"].value = upload("run.xyz", (tmp_path / "run.xyz").read_bytes())
    assert (frame.layout.display, frame.max, frame.value) == (None, 1, 1)
    assert panel.text.value.startswith("run.xyz, frame 1 of 0 to 1: Fe, 2 atoms, shown as 250: bcc")
    frame.value = 0
    assert panel.text.value.startswith("run.xyz, frame 0 of 0 to 1: Cu, 4 atoms, shown as 256: fcc")
    panel.controls["upload"].value = upload("bad.cif", b"nothing here")
    assert frame.layout.display == "none" and panel.text.value == ""


def test_warnings_of_the_reader_are_shown(monkeypatch):
    crystal = build_prototype("fcc", "Cu")
    crystal.properties["warnings"] = ("elements are guessed",)
    monkeypatch.setattr(
        "crystutor.explore.uploads.read_structures", lambda path: iter([("x", crystal)])
    )
    panel = upload_explorer()
    panel.controls["upload"].value = upload("guessed.vasp", b"content of no interest")
    assert "Warning: elements are guessed." in panel.text.value


def test_map_explorer(two_grains):
    panel = map_explorer(two_grains)
    assert panel.text.value.startswith("z = 8.") and panel.error.value == ""
    assert "hex/rh 4" in panel.text.value and "Grains: 0, 1." in panel.text.value
    assert panel.view.layout.display == "none"
    for color in ("orientation", "overlap", "grain"):
        before = panel.picture.value
        panel.controls["color"].value = color
        assert panel.picture.value != before and panel.error.value == ""
    panel.controls["axis"].value = "x"
    panel.controls["position"].value = 0.1
    assert "fcc 100.0%. Grains: 0." in panel.text.value
    panel.controls["position"].value = 0.9
    assert "hex/rh 100.0%. Grains: 1." in panel.text.value


def test_a_view_of_a_map_has_its_colours(two_grains):
    view, text = view_map(two_grains).children
    messages = [message for message in view._ngl_msg_archive if message["args"]]
    assert messages[0]["args"][0]["data"].count("HETATM") == len(two_grains.atom_labels)
    shown = {m["kwargs"]["color"] for m in messages if m["args"] == ["spacefill"]}
    assert shown == {CLASS_COLORS["fcc"].lower(), CLASS_COLORS["hex/rh"].lower(), "#d9d9d9"}
    assert text.value == f"All {len(two_grains.atom_labels)} atoms. Colours: class."
    with pytest.raises(ValueError, match="axis is 'c'; accepted are"):
        view_map(two_grains, axis="c")


def test_a_view_of_many_atoms_is_a_slab(two_grains, monkeypatch):
    monkeypatch.setattr("crystutor.explore.map_scenes.MOST_ATOMS", 100)
    view, text = view_map(two_grains, "orientation", "x").children
    data = next(m for m in view._ngl_msg_archive if m["args"])["args"][0]["data"]
    x = [float(line[30:38]) for line in data.splitlines() if line.startswith("HETATM")]
    assert len(x) == 100 and 11 < min(x) < max(x) < 17
    assert text.value.startswith("100 of 800 atoms: the slab x = ")


@pytest.mark.parametrize(
    ("failure", "message"),
    [(ValueError("too <hot>"), "too &lt;hot&gt;"), (KeyError("x"), "KeyError: ")],
)
def test_an_error_in_a_callback_is_shown(failure, message):
    def compose(number):
        raise failure

    panel = Panel({"number": ipywidgets.IntSlider()}, compose)
    assert message in panel.error.value


def test_what_takes_longer_is_said_later():
    shown = []

    def later():
        shown.append(panel.text.value)
        return "and more"

    panel = Panel({"number": ipywidgets.IntSlider()}, lambda number: Scene("first", Figure()))
    panel.compose = lambda number: Scene("first", Figure(), later=later)
    panel.controls["number"].value = 1
    assert shown == ["first"] and panel.text.value == "first and more"


def test_controls_are_labelled_with_units():
    for panel in (structure_explorer(), fingerprint_explorer(), bcc_to_sc_explorer()):
        for control in panel.controls.values():
            assert control.description
            if isinstance(control, ipywidgets.FloatSlider):
                assert "[" in control.description and not control.continuous_update
