from datetime import UTC, datetime

import ase.io
import ipywidgets
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    CLASSES,
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
from crystutor.explore.panel import FONT_SIZE, Panel, Scene
from crystutor.explore.scenes import fingerprint_scene
from crystutor.explore.views import HALF_ANGLE, AtomsView, show_crystal
from crystutor.plotting.axes import CLASS_COLORS
from crystutor.transition_paths import CUBIC_POINTS

SVG = b"<?xml"
SMALLEST_LABEL = 9.5  # [point]; the browser's tests know how many pixels that is


def test_view_structure():
    view = view_structure(build_prototype("fcc"))
    assert len(view._ngl_component_ids) == 1


def messages(view):
    """What a view that is not on a page yet will tell NGL."""
    return [callback._ngl_msg for callback in view._ngl_displayed_callbacks_before_loaded]


def camera(view):
    """All that was said about the camera so far, method and value."""
    told = [message for message in messages(view) if message["target"] == "viewerControls"]
    return [(message["methodName"], message["args"][0]) for message in told]


def atoms_told_to_ngl(view):
    """Positions [Å] of the atoms of the structure that was sent last."""
    sent = [message for message in messages(view) if message["methodName"] == "loadFile"]
    lines = sent[-1]["args"][0]["data"].splitlines()
    atoms = [line for line in lines if line.startswith(("ATOM", "HETATM"))]
    return np.array([[float(line[i : i + 8]) for i in (30, 38, 46)] for line in atoms])


def test_one_view_holds_one_structure_however_often_it_is_swapped():
    view = AtomsView(show_crystal(build_prototype("fcc")))
    perfect = build_cluster(build_prototype("bcc"))
    for fraction in (0.1, 0.2, 0.3):
        view.swap(show_crystal(remove_atoms(perfect, fraction, seed=1), perfect))
        assert len(view._ngl_component_ids) == 2  # atoms and ghosts
    view.swap(show_crystal(perfect))
    assert len(view._ngl_component_ids) == 1


def test_the_camera_moves_only_if_the_crystal_changes_its_size_and_never_turns():
    perfect = build_cluster(build_prototype("fcc", "Cu"))
    view = AtomsView(show_crystal(perfect))
    at_first = camera(view)
    assert [method for method, _ in at_first] == ["center", "distance"]
    for fraction in (0.05, 0.5, 0.9):
        view.swap(show_crystal(remove_atoms(perfect, fraction, seed=1), perfect))
    assert camera(view) == at_first
    view.swap(show_crystal(build_cluster(build_prototype("fcc", "Pb"))))
    (*_, (_, near)), (*_, (_, far)) = at_first, camera(view)
    assert [method for method, _ in camera(view)] == 2 * ["center", "distance"]
    assert far > 1.1 * near


FCC, BCC = build_prototype("fcc", "Cu"), build_prototype("bcc", "Fe")


def in_box(crystal, *vacuum):
    """The same atoms in a longer box."""
    lattice = Lattice(crystal.lattice.matrix + np.diag(vacuum))
    return Structure(lattice, crystal.species, crystal.cart_coords, coords_are_cartesian=True)


def one_atom(element, *cell):
    return Structure(Lattice.from_parameters(*cell), [element], [[0, 0, 0]])


def turned(crystal, mirror=1):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turn *= mirror * np.linalg.det(turn)
    return Structure(Lattice(crystal.lattice.matrix @ turn), crystal.species, crystal.frac_coords)


SHAPES = {
    "rock salt": Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    ),
    "caesium chloride": Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    "large atoms": one_atom("Cs", 6.1, 6.1, 6.1, 109.47, 109.47, 109.47),
    "one atom": FCC.get_primitive_structure(),
    "thin slab": in_box(FCC * (5, 5, 2), 0, 0, 15),
    "thick slab": in_box(FCC * (4, 4, 4), 0, 0, 40),
    "slab that stands": in_box(FCC * (2, 5, 5), 20, 0, 0),
    "wire": in_box(BCC * (3, 3, 12), 15, 15, 0),
    "particle in a big box": in_box(FCC * (4, 4, 4), 60, 60, 60),
    "particle without a box": Molecule(["Cu"] * 256, (FCC * (4, 4, 4)).cart_coords + 100),
    "long cell": BCC * (1, 1, 30),
    "flat cell": FCC * (8, 8, 1),
    "column": FCC * (2, 2, 16),
    "triclinic": one_atom("Si", 4, 5, 7, 80, 95, 70),
    "acute": one_atom("Po", 4, 4, 4, 25, 25, 25),
    "obtuse": one_atom("Po", 4, 4, 4, 118, 118, 118),
    "hexagonal": build_prototype("hcp", "Mg"),
    "turned": turned(build_prototype("diamond", "Si")),
    "left-handed": turned(build_prototype("diamond", "Si"), mirror=-1),
    "many atoms": FCC * (7, 7, 7),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_all_atoms_are_inside_the_view_however_it_is_turned(shape):
    for structure in (build_cluster(SHAPES[shape]), SHAPES[shape]):
        if isinstance(structure, Structure):
            view = AtomsView(show_crystal(FCC))
            shown = show_crystal(structure)
            view.swap(shown)
            (_, middle), (_, distance) = camera(view)[-2:]
            reach = np.linalg.norm(atoms_told_to_ngl(view) - middle, axis=1).max() + shown.radius
            assert len(atoms_told_to_ngl(view)) == len(structure)
            assert reach < distance * np.sin(HALF_ANGLE)


@pytest.mark.parametrize("shape", ["thin slab", "wire", "particle in a big box"])
def test_vacuum_does_not_make_the_atoms_small(shape):
    cluster = build_cluster(SHAPES[shape])
    view = AtomsView(show_crystal(cluster))
    atoms = atoms_told_to_ngl(view)
    reach = np.linalg.norm(atoms - atoms.mean(axis=0), axis=1).max()
    assert camera(view)[-1][1] * np.sin(HALF_ANGLE) < 1.3 * reach


@pytest.mark.parametrize(
    "explorer",
    [
        structure_explorer,
        fingerprint_explorer,
        bcc_to_sc_explorer,
        response_map_explorer,
        upload_explorer,
    ],
)
def test_no_label_in_a_picture_is_small(explorer):
    panel = explorer()
    with rc_context({"font.size": FONT_SIZE}):
        scene = panel.compose(**{name: control.value for name, control in panel.controls.items()})
    labels = [label for label in scene.figure.findobj(Text) if label.get_text()]
    assert min(label.get_fontsize() for label in labels) > SMALLEST_LABEL


def test_legends_leave_the_curve_free():
    figure = bcc_to_sc_explorer().compose(0.5).figure
    figure.canvas.draw()
    ax = figure.axes[-1]
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 and legend.y1 <= figure.bbox.y1
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.x1


def test_structure_explorer():
    panel = structure_explorer("fcc", "Cu")
    assert "192 of 256 atoms. ConvNet: fcc" in panel.text.value
    before = panel.picture.value
    panel.controls["vacancies"].value = 0.0
    assert "256 of 256 atoms. ConvNet: fcc" in panel.text.value
    assert "Spglib at 0.1 Å: space group 225" in panel.text.value
    assert panel.picture.value[:5] == SVG and panel.picture.value != before
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


@pytest.fixture(scope="module")
def rhombohedral():
    """The explorer, which takes seconds to build."""
    return rhombohedral_explorer()


def test_the_point_lies_on_the_drawn_curve(rhombohedral):
    for panel, values in (
        (bcc_to_sc_explorer(), np.arange(0, 1.01, 0.05)),
        (rhombohedral, (1.2247448713915890, 1.837117307087384)),
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


def test_rhombohedral_explorer(rhombohedral):
    panel = rhombohedral
    for label, mu in CUBIC_POINTS.items():
        panel.controls["mu"].value = float(mu)
        assert f"ConvNet: {label}" in panel.text.value
    panel.controls["mu"].value = panel.controls["mu"].options[30][1]
    assert "Average cell: hR. ConvNet: hex/rh" in panel.text.value


def test_the_curve_is_drawn_narrow_where_the_answer_changes(rhombohedral):
    ratios, probabilities = rhombohedral.compose.keywords["curve"]
    for mu in CUBIC_POINTS.values():
        near = np.abs(ratios / mu - 1) < 0.0101
        assert probabilities[near, CLASSES.index("hex/rh")].max() > 0.95


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
    assert panel.text.value.startswith("Cu.cif: Cu, 4 atoms in the file. Cluster of 256 atoms: fcc")
    assert panel.text.value.endswith(
        "of the file, space group 225; of the cluster, space group 225."
    )
    panel.controls["upload"].value = upload("mine.cif", (EXAMPLES / "Cu.cif").read_bytes())
    assert panel.text.value.startswith("mine.cif: Cu") and panel.error.value == ""
    panel.controls["upload"].value = upload("bad.cif", b"nothing here")
    assert "bad.cif: not readable as cif" in panel.error.value
    assert "tmp" not in panel.error.value
    assert panel.text.value == "" and panel.pictures.layout.display == "none"
    damage = [panel.controls[name] for name in ("vacancies", "displacement", "seed")]
    assert all(control.disabled for control in damage)
    panel.controls["upload"].value = upload("mine.cif", (EXAMPLES / "Cu.cif").read_bytes())
    assert panel.error.value == "" and panel.pictures.layout.display == "flex"
    assert not any(control.disabled for control in damage)
    assert panel.controls["frame"].layout.display == "none"


def test_a_frame_of_an_uploaded_trajectory(tmp_path):
    crystals = build_prototype("fcc", "Cu"), build_prototype("bcc", "Fe")
    ase.io.write(tmp_path / "run.xyz", [crystal.to_ase_atoms() for crystal in crystals])
    panel = upload_explorer()
    frame = panel.controls["frame"]
    assert frame.layout.display == "none"
    panel.controls["upload"].value = upload("run.xyz", (tmp_path / "run.xyz").read_bytes())
    assert (frame.layout.display, frame.max, frame.value) == (None, 1, 1)
    assert panel.text.value.startswith("run.xyz, frame 1 of 0 to 1: Fe, 2 atoms in the file.")
    frame.value = 0
    assert panel.text.value.startswith("run.xyz, frame 0 of 0 to 1: Cu, 4 atoms in the file.")
    panel.controls["upload"].value = upload("bad.cif", b"nothing here")
    assert frame.layout.display == "none" and panel.text.value == ""


def test_a_compound_leads_with_its_space_group_however_it_is_damaged(tmp_path):
    SHAPES["rock salt"].to(str(tmp_path / "salt.cif"))
    panel = upload_explorer()
    panel.controls["upload"].value = upload("salt.cif", (tmp_path / "salt.cif").read_bytes())
    assert "NaCl, 8 atoms in the file. Cluster of 216 atoms: space group Fm-3m" in panel.text.value
    assert "sites with elements ignored: sc" in panel.text.value
    panel.controls["vacancies"].value = 0.25
    assert "Cluster of 162 atoms: space group Fm-3m (225), lattice cF 5.64" in panel.text.value


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
    assert len(atoms_told_to_ngl(panel.view)) == len(two_grains.atom_labels)
    for color in ("orientation", "overlap", "grain"):
        before = panel.picture.value
        panel.controls["color"].value = color
        assert panel.picture.value != before and panel.error.value == ""
    panel.controls["axis"].value = "x"
    told = len(messages(panel.view))
    panel.controls["position"].value = 0.1
    assert "fcc 100.0%. Grains: 0." in panel.text.value
    panel.controls["position"].value = 0.9
    assert "hex/rh 100.0%. Grains: 1." in panel.text.value
    later = [message["methodName"] for message in messages(panel.view)[told:]]
    assert set(later) == {"handleResize"}  # a slice that moves needs no new atoms


def test_a_view_of_a_map_has_its_colours(two_grains):
    view, text, _ = view_map(two_grains).children
    assert len(atoms_told_to_ngl(view)) == len(two_grains.atom_labels)
    told = [message for message in messages(view) if message["args"] == ["spacefill"]]
    shown = {message["kwargs"]["color"] for message in told}
    assert shown == {CLASS_COLORS["fcc"].lower(), CLASS_COLORS["hex/rh"].lower(), "#d9d9d9"}
    assert text.value == f"All {len(two_grains.atom_labels)} atoms. Colours: class."
    with pytest.raises(ValueError, match="axis is 'c'; accepted are"):
        view_map(two_grains, axis="c")


def test_a_view_of_many_atoms_is_a_slab(two_grains, monkeypatch):
    monkeypatch.setattr("crystutor.explore.map_scenes.MOST_ATOMS", 100)
    view, text, _ = view_map(two_grains, "orientation", "x").children
    x = atoms_told_to_ngl(view)[:, 0]
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
    """Meanwhile the answer is there, and an older error is gone."""
    shown = []

    def compose(number):
        if number == 0:
            raise ValueError("too small")
        return Scene("first", Figure(), later=later)

    def later():
        shown.append((panel.text.value, panel.error.value))
        return "and more"

    panel = Panel({"number": ipywidgets.IntSlider()}, compose)
    assert "too small" in panel.error.value and panel.text.value == ""
    panel.controls["number"].value = 1
    assert shown == [("first", "")] and panel.text.value == "first and more"


def test_controls_are_labelled_with_units():
    for panel in (structure_explorer(), fingerprint_explorer(), bcc_to_sc_explorer()):
        for control in panel.controls.values():
            assert control.description
            if isinstance(control, ipywidgets.FloatSlider):
                assert "[" in control.description and not control.continuous_update
