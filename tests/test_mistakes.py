"""Natural mistakes: each is a ValueError of one line that names the argument and what is right."""

import ast
import pickle
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import crystutor as ct
from crystutor.arguments import InputError, described, require_number, require_whole
from crystutor.crystal.lattice.translations import NoAverageLatticeError

CELL = ct.build_prototype("fcc", "Cu")
COPPER = ct.example_cluster("fcc", n_atoms=32)
SAMPLE = CELL * 5
TUNGSTEN = ct.build_prototype("bcc", "W") * 3
IMAGE = np.zeros((64, 64, 3), np.float32)
FRACTION = "a number from 0 to 1 is accepted"
STRUCTURE = "a pymatgen Structure or Molecule is accepted"
FILE = f"is 'Cu.cif'; {STRUCTURE}; read_structure reads a file"
SEED = "a whole number of 0 or more is accepted"
NAMES = "accepted are bct139, bct141, hex/rh, sc, fcc, diam, bcc"

MISTAKES = {  # argument, what was found; what is accepted
    "per cent": (
        lambda: ct.remove_atoms(COPPER, 25),
        rf"fraction is 25; {FRACTION} \(25 % is 0.25\)",
    ),
    "more than all": (lambda: ct.remove_atoms(COPPER, 1.5), f"fraction is 1.5; {FRACTION}"),
    "less than none": (lambda: ct.remove_atoms(COPPER, -0.25), f"fraction is -0.25; {FRACTION}"),
    "a word": (lambda: ct.remove_atoms(COPPER, "half"), f"fraction is 'half'; {FRACTION}"),
    "several": (
        lambda: ct.remove_atoms(COPPER, [0.1, 0.2]),
        f"fraction is a list that begins with 0.1; {FRACTION}",
    ),
    "no number": (lambda: ct.remove_atoms(COPPER, np.nan), f"fraction is nan; {FRACTION}"),
    "swapped": (lambda: ct.remove_atoms(0.25, COPPER), f"structure is 0.25; {STRUCTURE}"),
    "a failed step": (lambda: ct.remove_atoms(None, 0.25), f"structure is None; {STRUCTURE}"),
    "a negative seed": (lambda: ct.remove_atoms(COPPER, 0.25, -1), f"seed is -1; {SEED}"),
    "half a seed": (lambda: ct.displace_atoms(COPPER, 0.1, 1.5), f"seed is 1.5; {SEED}"),
    "a negative length": (
        lambda: ct.displace_atoms(COPPER, -0.1),
        "sigma is -0.1 Å; a number of 0 Å or more is accepted",
    ),
    "elements for a number": (
        lambda: ct.substitute_atoms(COPPER, 0.5, "Ni"),
        "n_species is 'Ni'; a whole number from 1 to 95 is accepted",
    ),
    "centres in per cent": (
        lambda: ct.remove_body_centers(TUNGSTEN, 50),
        rf"fraction is 50; {FRACTION} \(50 % is 0.5\)",
    ),
    "nearly a prototype": (
        lambda: ct.build_prototype("hcp2"),
        r"prototype 'hcp2' is unknown \(close to 'hcp'\); a key of PROTOTYPES .* is accepted",
    ),
    "lower case": (
        lambda: ct.build_prototype("fcc", "cu"),
        r"element 'cu' is unknown \(close to 'Cu'\); a symbol such as 'Cu' is accepted",
    ),
    "metres for ångström": (
        lambda: ct.build_prototype("fcc", a=3.6e-10),
        "a is 3.6e-10 Å; a number from 0.5 to 1,000 Å is accepted",
    ),
    "a name for a ratio": (
        lambda: ct.build_rhombohedral("fcc"),
        "mu is 'fcc'; a number from 0.05 to 8 is accepted",
    ),
    "upper case": (
        lambda: ct.example_cluster("FCC"),
        rf"label is 'FCC' \(close to 'fcc'\); {NAMES}",
    ),
    "no atoms": (
        lambda: ct.example_cluster("fcc", n_atoms=0),
        "n_atoms is 0; a whole number from 1 to 1,000,000 is accepted",
    ),
    "a file for a cluster": (lambda: ct.build_cluster("Cu.cif"), f"structure {FILE}"),
    "a file for a fingerprint": (lambda: ct.fingerprint("Cu.cif"), f"structure {FILE}"),
    "a file for a class": (lambda: ct.classify("Cu.cif"), f"structure {FILE}"),
    "a file for a view": (lambda: ct.view_structure("Cu.cif"), f"structure {FILE}"),
    "a file for an average": (lambda: ct.average_structure("Cu.cif"), f"structure {FILE}"),
    "a file for a lattice": (lambda: ct.find_average_cell("Cu.cif"), f"structure {FILE}"),
    "a file for a length": (lambda: ct.bond_length("Cu.cif"), f"atoms {FILE}"),
    "one of many": (
        lambda: ct.classify([None]),
        rf"structures\[0\]: structure is None; {STRUCTURE}",
    ),
    "one for many": (
        lambda: ct.fingerprints(COPPER),
        "structures is a Structure; a list is accepted, each item a Structure or Molecule",
    ),
    "a number of workers": (
        lambda: ct.classify(COPPER, executor=4),
        "executor is 4; an executor of concurrent.futures is accepted",
    ),
    "one angle": (
        lambda: ct.fingerprint(COPPER, angles=45),
        "angles is 45; a list of one or more numbers is accepted",
    ),
    "a wavelength for a detector": (
        lambda: ct.fingerprint(COPPER, 5e-12),
        "detector is 5e-12; a Detector is accepted",
    ),
    "ångström for metres": (
        lambda: ct.Detector(wavelength=0.05),
        r"wavelength is 0.05 m; a number from 1e-14 to 1e-08 m .* \(.* 0.05 Å is 5e-12\)",
    ),
    "a wavelength of nothing": (
        lambda: ct.Detector(wavelength=5e-30),
        "wavelength is 5e-30 m; a number from 1e-14 to 1e-08 m is accepted",
    ),
    "millimetres for metres": (
        lambda: ct.Detector(pixel_size=0.4),
        "pixel_size is 0.4 m; a number from 1e-08 to 0.1 m is accepted",
    ),
    "half a pixel": (
        lambda: ct.Detector(n_pixels=64.5),
        "n_pixels is 64.5; a whole number from 1 to 8,192 is accepted",
    ),
    "a loose tolerance": (
        lambda: ct.space_group(COPPER, "loose"),
        "symprec is 'loose'; a number above 0 Å is accepted",
    ),
    "no tolerance": (
        lambda: ct.space_group(COPPER, 0),
        "symprec is 0 Å; a number above 0 Å is accepted",
    ),
    "a structure for a path": (
        lambda: ct.read_structure(COPPER),
        "path is a Structure; the name of a file is accepted",
    ),
    "no such file": (lambda: ct.read_structure("nowhere.cif"), "nowhere.cif: no such file"),
    "a word for a vector": (
        lambda: ct.overlap(COPPER, "up"),
        r"vectors is 'up'; numbers of shape \(3,\) are accepted",
    ),
    "no prototype's class": (lambda: ct.structure_explorer("hcp"), f"label is 'hcp'; {NAMES}"),
    "an element in full": (
        lambda: ct.structure_explorer("fcc", "copper"),
        "element is 'copper'; accepted are H, He, Li",
    ),
    "an image to explore": (
        lambda: ct.fingerprint_explorer(IMAGE),
        rf"label is an array of shape \(64, 64, 3\); {NAMES}",
    ),
    "a structure to map": (
        lambda: ct.map_explorer(COPPER),
        "structure_map is a Structure; a StructureMap, which map_structure returns, is accepted",
    ),
    "no steps": (
        lambda: ct.map_structure(SAMPLE, stride=0),
        r"stride is 0 Å; a number from 1 to [\d.]+ Å is accepted \(the sample's longest edge\)",
    ),
    "windows of few atoms": (
        lambda: ct.map_structure(SAMPLE, n_atoms="few"),
        "n_atoms is 'few'; a whole number from 40 to 2,000 is accepted",
    ),
    "a file to map": (
        lambda: ct.map_structure("Cu.cif"),
        "structure is 'Cu.cif'; a pymatgen Structure or Molecule or ASE's Atoms are accepted",
    ),
    "a negative edge": (
        lambda: ct.build_polycrystal(CELL, edge=-1),
        r"edge is -1 Å; a number from [\d.]+ to [\d.]+ Å is accepted",
    ),
    "no crystals": (
        lambda: ct.build_polycrystal([], 30),
        "structures is an empty list; one or more are accepted",
    ),
    "efficiency in per cent": (
        lambda: ct.simulate_atom_probe(COPPER, 60),
        r"efficiency is 60; a number above 0 and up to 1 is accepted \(60 % is 0.6\)",
    ),
    "one image": (
        lambda: ct.predict_probabilities(ct.build_linear_softmax(), IMAGE),
        r"images have shape \(64, 64, 3\); \(n, 64, 64, 3\) is accepted",
    ),
    "images first": (
        lambda: ct.predict_probabilities(IMAGE[None], ct.build_linear_softmax()),
        r"convnet is an array of shape \(1, 64, 64, 3\); a Keras network is accepted",
    ),
    "a layer too many": (
        lambda: ct.response_maps(ct.build_convnet(), IMAGE, layer="conv9"),
        "layer is 'conv9'.*; accepted are conv1, conv2, conv3, conv4, conv5, conv6",
    ),
    "a prototype for a class": (
        lambda: ct.gradient_saliency(ct.build_linear_softmax(), IMAGE, "hcp"),
        f"label is 'hcp'; {NAMES}",
    ),
    "a learning rate of nothing": (
        lambda: ct.build_convnet(learning_rate=0),
        "learning_rate is 0; a number above 0 is accepted",
    ),
    "dropout in per cent": (
        lambda: ct.build_convnet(dropout=25),
        rf"dropout is 25; {FRACTION} \(25 % is 0.25\)",
    ),
    "one filter": (
        lambda: ct.build_convnet(filters=32),
        "filters is 32; a list of six numbers, such as .*, is accepted",
    ),
    "no epochs": (
        lambda: ct.train_convnet(IMAGE[None], [4], epochs=0),
        "epochs is 0; a whole number of 1 or more is accepted",
    ),
    "words for labels": (
        lambda: ct.train_convnet(IMAGE[None], ["fcc"]),
        "labels hold 'fcc'; whole numbers from 0 to 6, indices into CLASSES, are accepted",
    ),
    "one callback": (
        lambda: ct.train_convnet(IMAGE[None], [4], callbacks=ct.LiveCurve()),
        "callbacks is a LiveCurve; a list is accepted, each item a Keras callback",
    ),
    "a title that is none": (lambda: ct.LiveCurve(5), "title is 5; a text is accepted"),
    "a file for weights": (
        lambda: ct.load_convnet("mine.keras"),
        "training is 'mine.keras'; accepted are shipped, paper",
    ),
    "few crystals": (
        lambda: ct.pristine_dataset(3, 1),
        "size is 3; a whole number of 7 or more is accepted",
    ),
    "a fraction for a function": (
        lambda: ct.defective_dataset(7, 1, 0.25),
        "defect is 0.25; a function such as .* is accepted",
    ),
    "no data set": (
        lambda: ct.load_dataset("nowhere.npz"),
        "path is 'nowhere.npz'; a file that save_dataset has written is accepted",
    ),
    "centres on the way in per cent": (
        lambda: ct.bcc_to_sc([0, 50], ["W"]),
        rf"fractions\[1\] is 50; {FRACTION} \(50 % is 0.5\)",
    ),
    "no ratios": (
        lambda: ct.rhombohedral_path([]),
        "ratios is an empty list; a list of one or more numbers is accepted",
    ),
    "layers on their own": (
        lambda: ct.rhombohedral_path([50.0]),
        r"ratios\[0\] is 50.0; a number from 0.05 to 8 is accepted",
    ),
    "elements in a word": (
        lambda: ct.fetch_structures(elements="Ti"),
        r"elements are 'Ti'; chemical symbols such as \['Cu'\] are accepted",
    ),
    "no images": (
        lambda: ct.plot_fingerprint(None),
        r"image is None; numbers of shape \(n, n, 3\) are accepted",
    ),
    "the whole answer": (
        lambda: ct.plot_probabilities(ct.Classification("fcc", 1.0, {})),
        "probabilities is a Classification; a dict with classes as keys is accepted",
    ),
    "all axes": (
        lambda: ct.plot_structure(CELL, "title", np.array(plt.subplots(1, 2)[1])),
        r"ax is an array of shape \(2,\); one of matplotlib's Axes, such as axes\[0\], is accepted",
    ),
    "axes for a title": (
        lambda: ct.plot_structure(CELL, plt.subplots()[1]),
        "title is an Axes; a text is accepted",
    ),
    "a file for translations": (lambda: ct.find_translations("Cu.cif"), f"atoms {FILE}"),
    "one image of a class": (
        lambda: ct.class_template(ct.build_convnet(), IMAGE),
        r"images have shape \(64, 64, 3\); \(n, 64, 64, 3\) is accepted",
    ),
    "no class to explain": (
        lambda: ct.response_map_explorer("diamond"),
        rf"label is 'diamond' \(close to 'diam'\); {NAMES}",
    ),
    "no answers for a class": (
        lambda: ct.plot_confusion(np.zeros((7, 7))),
        r"matrix has shape \(7, 7\); \(7, 8\) is accepted",
    ),
    "a list of accuracies": (
        lambda: ct.plot_levels([]),
        r"accuracies is an empty list; a dict keyed by \(level, method\) is accepted",
    ),
    "half an image": (
        lambda: ct.plot_difference(IMAGE, IMAGE[:32]),
        r"reference has shape \(32, 64, 3\); \(64, 64, 3\) is accepted",
    ),
    "all responses": (
        lambda: ct.plot_response(IMAGE[None], IMAGE),
        r"response has shape \(1, 64, 64, 3\); \(n, n, 3\) is accepted",
    ),
    "one frame": (
        lambda: ct.plot_trajectory(ct.Classification("fcc", 1.0, {})),
        "answers is a Classification; a list is accepted, each item an answer of `classify`",
    ),
    "no map": (
        lambda: ct.plot_map(SAMPLE),
        "structure_map is a Structure; a StructureMap, which map_structure returns, is accepted",
    ),
    "no map to view": (
        lambda: ct.view_map(SAMPLE),
        "structure_map is a Structure; a StructureMap, which map_structure returns, is accepted",
    ),
    "no map of poles": (
        lambda: ct.plot_pole_figure(SAMPLE),
        "structure_map is a Structure; a StructureMap, which map_structure returns, is accepted",
    ),
    "a path of one crystal": (
        lambda: ct.plot_path([0, 1], np.zeros((2, 7)), ("bcc",)),
        r"probabilities have shape \(2, 7\); \(n, 2, 7\) is accepted",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_in_one_line(name):
    call, message = MISTAKES[name]
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        call()
    plt.close("all")
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value._render_traceback_() == [f"InputError: {line}"]


def test_no_network_is_said_in_one_line(tmp_path):
    """Nothing listens at port 9 of this machine."""
    with pytest.raises(ConnectionError, match="^provider http://127.0.0.1:9/: it cannot be") as e:
        ct.fetch_structures("Cu", provider="http://127.0.0.1:9/", cache=tmp_path)
    assert isinstance(e.value, InputError) and "\n" not in str(e.value)
    assert e.value._render_traceback_() == [f"NoAnswerError: {e.value}"]


def test_a_notebook_shows_one_line_and_no_traceback():
    cells = ["import crystutor as ct", "ct.example_cluster('hcp')", "1 / 0"]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    _, (folded,), (whole,) = (cell.outputs for cell in notebook.cells)
    assert folded.traceback == [f"InputError: label is 'hcp'; {NAMES}"]
    assert len(whole.traceback) > 1


@pytest.mark.parametrize(
    "value", [0, 1, 0.5, np.float32(0.5), np.float64(0.5), np.int64(1), np.uint8(0)]
)
def test_numbers_of_numpy_are_numbers(value):
    require_number("fraction", value, 0, 1)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, np.array([1])])
def test_what_is_no_whole_number(value):
    with pytest.raises(InputError, match="n is .*; a whole number of 0 or more is accepted"):
        require_whole("n", value)


@pytest.mark.parametrize("seed", [None, 7, np.int64(7), np.random.default_rng(7)])
def test_seeds(seed):
    assert len(ct.remove_atoms(COPPER, 0.5, seed)) == len(COPPER) // 2


def test_a_long_value_is_shortened():
    assert described("x\n" * 1000).count("\n") == 0
    assert len(described("x" * 1000)) < 70


def test_errors_come_back_from_workers():
    for error in (InputError("n is 0"), NoAverageLatticeError("no lattice", "none is found")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        assert getattr(again, "reason", None) == getattr(error, "reason", None)


@pytest.mark.parametrize("path", sorted(Path(ct.__file__).parent.rglob("*.py")), ids=str)
def test_the_package_refuses_by_input_errors(path):
    """So that a notebook shows one line, whichever function refuses."""
    names = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not names & {"ValueError", "TypeError", "KeyError", "IndexError"}


def test_the_table_covers_what_notebooks_call():
    """All public functions but the explorers without arguments."""
    notebooks = Path(__file__).parents[1].glob("notebooks/*.ipynb")
    called = {n for p in notebooks for n in re.findall(r"ct\.(\w+)\(", p.read_text("utf-8"))}
    source = Path(__file__).read_text(encoding="utf-8")
    tried = set(re.findall(r"ct\.(\w+)\(", source))
    without_arguments = {"bcc_to_sc_explorer", "rhombohedral_explorer", "upload_explorer"}
    assert called - tried <= without_arguments
