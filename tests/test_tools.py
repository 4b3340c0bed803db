"""The commands that make the shipped files, on small inputs."""

import importlib.util
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest

from crystutor import EXAMPLES, build_convnet, read_structure
from crystutor.convnet import WEIGHTS
from crystutor.crystal.prototypes import load_prototypes
from crystutor.table1.recipes import FINE_TUNING_EPOCHS, RECIPES, SHIPPED
from crystutor.table1.report import RESULTS
from crystutor.training.calibration import apply_temperature

TOOLS = Path(__file__).parents[1] / "tools"
DATA = RESULTS.parent


@pytest.fixture
def tool(request):
    """The tool that the test is named after in its parametrisation."""
    spec = importlib.util.spec_from_file_location(request.param, TOOLS / f"{request.param}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def using(name):
    return pytest.mark.parametrize("tool", [name], indirect=True)


@using("make_examples")
def test_examples_are_those_that_come_with_the_package(tool, tmp_path):
    tool.main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in EXAMPLES.iterdir()}
    for path in tmp_path.iterdir():
        made, shipped = read_structure(path), read_structure(EXAMPLES / path.name)
        np.testing.assert_allclose(made.lattice.matrix, shipped.lattice.matrix)
        np.testing.assert_allclose(made.frac_coords, shipped.frac_coords)
        assert made.species == shipped.species


@pytest.fixture
def run_folder(tmp_path):
    """A finished run: networks that learnt nothing, and the shipped tables."""
    folder, record = tmp_path / "run", json.loads((DATA / "convnet.json").read_text("utf-8"))
    shutil.copytree(RESULTS, folder)
    (folder / "seconds.json").write_text(json.dumps(record["seconds"]))
    options = re.findall(r"--([a-z-]+) (\d+)", record["command"])
    parameters = {name.replace("-", "_"): int(value) for name, value in options}
    (folder / "parameters.json").write_text(json.dumps(parameters))
    for seed, recipe in enumerate(recipe for recipe in RECIPES if recipe.weights):
        name, epoch = recipe.folder, recipe.epochs
        if recipe.fine_tuned:
            name, epoch = recipe.fine_tuned_folder, FINE_TUNING_EPOCHS
        path = folder / "networks" / name / f"epoch_{epoch}.keras"
        path.parent.mkdir(parents=True)
        build_convnet(seed=seed).save(path)
        if recipe.calibrated:
            temperature = record["calibration"]["temperature"]
            (path.parent / "temperature.json").write_text(json.dumps(temperature))
    return folder


def without_versions(card):
    return [line for line in card.splitlines() if not line.startswith("with Python ")]


@using("ship_results")
def test_shipped_record_and_card_follow_from_the_run(tool, run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "DATA", tmp_path / "data")
    (tmp_path / "data").mkdir()
    tool.main(run_folder)
    found, shipped = (
        json.loads((folder / "convnet.json").read_text("utf-8")) for folder in (tool.DATA, DATA)
    )
    for record in (found, shipped):
        del record["packages"], record["python"]
    assert found == shipped
    shipped_temperature = shipped["calibration"]["temperature"]
    found, shipped = (
        without_versions((folder / "MODEL_CARD.md").read_text("utf-8"))
        for folder in (tool.DATA, DATA)
    )
    assert found == shipped
    for name in tool.RESULTS:
        assert (tool.DATA / "results" / name).read_bytes() == (RESULTS / name).read_bytes()
    network, expected = build_convnet(), build_convnet(seed=0)
    network.load_weights(tool.DATA / WEIGHTS[SHIPPED.weights])
    apply_temperature(expected, shipped_temperature)
    for first, second in zip(network.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(first, second)


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
CELLS = {  # source: tags
    "import ipywidgets\nfrom IPython.display import display\nipywidgets.IntSlider()": [],
    f"display({{'image/png': '{PNG}'}}, raw=True)": ["readme"],
    "print('six'); print('times'); 6 * 7": ["solution"],
}


@using("execute_notebooks")
def test_executed_notebooks_keep_what_reads_on_paper(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "FIGURES", tmp_path / "figures")
    cells = [
        nbformat.v4.new_code_cell(source, metadata={"tags": tags, "collapsed": True})
        for source, tags in CELLS.items()
    ]
    path = tmp_path / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"author": "me"}), path)
    tool.main([path])
    notebook = nbformat.read(path, as_version=4)
    widget, figure, solution = notebook.cells
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.metadata == tool.METADATA and widget.metadata == {}
    assert not widget.outputs and list(figure.outputs[0].data) == ["image/png"]
    assert [output.get("text") for output in solution.outputs] == ["six\ntimes\n", None]
    assert solution.metadata == {"tags": ["solution"], **tool.FOLDED}
    assert (tmp_path / "figures" / "small.png").read_bytes()[:4] == b"\x89PNG"


@using("measure_supercells")
def test_measure_supercells(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "ProcessPoolExecutor", ThreadPoolExecutor)  # starts at once
    options = ["--out", str(tmp_path), "--size", "7", "--workers", "1", "--levels", "25 %"]
    monkeypatch.setattr("sys.argv", ["measure_supercells.py", *options])
    tool.main()
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split(" | ") for line in printed if line.startswith("| 25 %")]
    assert [row[1] for row in rows[:-1]] == ["random", "conventional", "b, c, a", "c, b, a"]
    for row in rows[:-1]:  # seven crystals, all right, with the right cell
        assert row[2:6] == ["7", "100.00", "0.00", "0.00"]
    assert rows[-1][1:] == ["7", "100.00 |"]
    assert (tmp_path / "supercells.csv").read_text().count("\n") == 1 + 7 * 4


@using("enumerate_prototypes")
def test_enumerated_prototypes_are_made_from_their_seed(tool):
    shipped = load_prototypes("hypothetical_prototypes.json")
    assert all(tuple(p.sites) in tool.orbit_sets(p.space_group) for p in shipped.values())
    for group, letters in ((229, "b"), (221, "g"), (221, "i")):
        orbits = next(o for o in tool.orbit_sets(group) if "".join(w for w, _ in o) == letters)
        entries = [e for e in tool.entries_of(group, orbits) if tool.has_its_own_cell(e)]
        expected = [p for p in shipped.values() if (p.space_group, p.sites) == (group, orbits)]
        assert [entry["name"] for entry in entries] == [prototype.name for prototype in expected]
        assert len(expected) > 0
        for entry, prototype in zip(entries, expected, strict=True):
            assert entry["parameters"] == pytest.approx(dict(prototype.parameters))
            assert {name: tuple(values) for name, values in entry["ranges"].items()} == dict(
                prototype.ranges
            )


@using("enumerate_prototypes")
def test_what_is_no_solid_of_its_own_is_left_out(tool):
    assert tool.entries_of(229, (("c", "1/4,1/4,1/4"),)) == []  # its true group is 221
    [bcc] = tool.entries_of(229, (("a", "0,0,0"),))
    assert bcc["ranges"] == {} and tool.has_its_own_cell(bcc)
    assert bcc["parameters"]["a"] == pytest.approx(2 * 2.35 / 3**0.5, abs=1e-4)


@using("set_repository")
def test_one_command_writes_the_address_of_the_repository(tool, tmp_path):
    for name in tool.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(TOOLS.parent / name, tmp_path / name)
    tool.main("https://github.com/someone/a-copy", tmp_path)
    assert tool.repository(tmp_path) == "https://github.com/someone/a-copy"
    text = "".join((tmp_path / name).read_text("utf-8") for name in tool.FILES)
    assert "OWNER/" not in text
    assert "mybinder.org/v2/gh/someone/a-copy/HEAD" in text
    assert "git clone https://github.com/someone/a-copy crystutor" in text
    with pytest.raises(SystemExit, match="OWNER/NAME"):
        tool.main("github.com/someone", tmp_path)


def test_no_other_file_names_the_repository():
    folders = ("docs", "notebooks", "crystutor", "binder", ".github", "tools")
    named = [
        path
        for folder in folders
        for path in (TOOLS.parent / folder).rglob("*")
        if path.suffix in (".md", ".py", ".ipynb", ".yml", ".json")
        and "github.com/OWNER/crystutor" in path.read_text(encoding="utf-8")
    ]
    assert not named
