"""`crystutor lab`, up to the moment when JupyterLab takes over; the copies for students."""

import ast
import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from crystutor.__main__ import main
from crystutor.commands.student_copies import add_student_copies, fold_solutions
from tests.browser.test_notebooks_in_browser import names

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
NEWS = "@jupyterlab/apputils-extension:announcements"


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """An empty current folder, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def started(monkeypatch):
    """Command and environment of the JupyterLab that the command becomes."""
    calls = []
    monkeypatch.setattr("os.execve", lambda _, *call: calls.append(call))
    return calls


def served(started):
    [(command, _)] = started
    [folder] = [word for word in command if word.startswith("--ServerApp.root_dir=")]
    return Path(folder.partition("=")[2])


def test_lab_opens_the_first_notebook(started):
    main(["lab", "--no-browser"])
    assert served(started) == NOTEBOOKS
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in started[0][0]
    assert "--no-browser" in started[0][0]


def test_lab_serves_the_notebooks_of_the_current_folder(started, here):
    (here / NAMES[0]).touch()
    main(["lab"])
    assert served(started) == here


def test_lab_keeps_its_layout_in_the_cache(started, monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "elsewhere")
    main(["lab"])
    [(_, environment)] = started
    own, other = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert other == "elsewhere"
    assert Path(own).is_relative_to(tmp_path / "cache")
    page = json.loads((Path(own) / "labconfig/page_config.json").read_text("utf-8"))
    assert page["disabledExtensions"][NEWS]
    [workspace] = Path(environment["JUPYTERLAB_WORKSPACES_DIR"]).iterdir()
    layout = json.loads(workspace.read_text("utf-8"))["data"]["layout-restorer:data"]
    assert layout["left"]["collapsed"]


def test_student_mode_makes_copies_and_serves_them(started, here, capsys):
    main(["lab", "--student"])
    assert served(started) == here / "crystutor-student"
    assert sorted(os.listdir(here / "crystutor-student")) == NAMES
    assert capsys.readouterr().out == f"{served(started)}: added 13 of 13 notebooks\n"


def test_student_mode_in_a_folder_of_copies_stays_there(started, here):
    (here / NAMES[0]).touch()
    main(["lab", "--student"])
    assert served(started) == here


def test_a_students_work_is_never_overwritten(here, capsys):
    (here / NAMES[3]).write_text("my work", encoding="utf-8")
    assert main(["lab", "--student", ".", "--copy-only"]) == 0
    assert "added 12 of 13 notebooks; the others were there and" in capsys.readouterr().out
    assert (here / NAMES[3]).read_text("utf-8") == "my work"
    dates = {name: (here / name).stat().st_mtime_ns for name in NAMES}
    assert main(["lab", "--student", ".", "--copy-only"]) == 0
    assert dates == {name: (here / name).stat().st_mtime_ns for name in NAMES}


def test_copies_that_fail_leave_nothing_behind(here, monkeypatch):
    def write_half(_, path):
        path.write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nbformat.write", write_half)
    with pytest.raises(OSError, match="No space"):
        add_student_copies(NOTEBOOKS, here)
    assert os.listdir(here) == []


def test_lab_where_there_are_no_notebooks(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("crystutor.commands.lab.__file__", str(tmp_path / "a" / "b" / "c" / "m.py"))
    for command in (["lab"], ["lab", "--student"]):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "no folder 'notebooks' with" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--student", "file"], "this is a file; name a folder"),
        (["--student", "file/folder"], "name a folder that you may write to"),
        (["--student", str(NOTEBOOKS)], "the originals are here; name another folder"),
        (["--copy-only"], "--copy-only makes the copies of --student"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, here, started, capsys):
    (here / "file").touch()
    assert main(["lab", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert started == []


def test_a_cache_that_cannot_be_written_is_told_in_a_line(monkeypatch, here, started, capsys):
    (here / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "file"))
    assert main(["lab"]) == 2
    error = capsys.readouterr().err
    assert str(here / "file") in error and error.count("\n") == 1
    assert started == []


@pytest.fixture(params=NAMES)
def original(request):
    return nbformat.read(NOTEBOOKS / request.param, as_version=4)


@pytest.fixture
def copy(original):
    notebook = nbformat.from_dict(original)
    fold_solutions(notebook)
    return notebook


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_solution(cell):
    return "solution" in cell.metadata.get("tags", [])


def test_copies_have_no_outputs_and_are_valid(copy):
    nbformat.validate(copy)
    assert all(not cell.outputs and cell.execution_count is None for cell in code_of(copy))


def test_copies_keep_all_but_the_solutions(original, copy):
    kept = [(cell.id, cell.cell_type) for cell in original.cells if not is_solution(cell)]
    assert [(cell.id, cell.cell_type) for cell in copy.cells] == kept
    code = [cell.source for cell in code_of(original) if not is_solution(cell)]
    assert [cell.source for cell in code_of(copy)] == code


def test_solutions_are_folded_text(original, copy):
    texts = {cell.id: cell.source for cell in copy.cells if cell.cell_type == "markdown"}
    for above, cell in zip(original.cells, original.cells[1:], strict=False):
        if is_solution(cell):
            assert above.source.startswith("<details>") and above.source.endswith("</details>")
            code = f"\n\n```python\n{cell.source}\n```\n\n</details>"
            assert texts[above.id].startswith("<details><summary>Solution ")
            assert texts[above.id].endswith(code)
            assert "next cell" not in texts[above.id]


def test_later_cells_need_no_name_that_only_solutions_set(original):
    of_solutions, of_others = set(), set()
    for cell in code_of(original):
        set_here = of_solutions if is_solution(cell) else of_others
        set_here |= set(names(cell.source, ast.Store))
        if not is_solution(cell):
            assert not set(names(cell.source, ast.Load)) & of_solutions - of_others


def test_a_copy_runs_though_its_exercises_are_open(here):
    """Notebook 02 goes on with the function that the student has yet to write."""
    notebook = nbformat.read(NOTEBOOKS / "02_diffraction_fingerprint.ipynb", as_version=4)
    fold_solutions(notebook)
    NotebookClient(notebook, resources={"metadata": {"path": str(here)}}).execute()
    assert "not yet" in str([cell.outputs for cell in code_of(notebook)])
