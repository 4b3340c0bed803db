"""The committed notebooks are executed top to bottom, clean and free of errors."""

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_executed_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_errors_and_no_widget_state(notebook):
    assert "widgets" not in notebook.metadata
    for cell in code_cells(notebook):
        folded = "solution" in cell.metadata.get("tags", [])
        assert set(cell.metadata) - {"tags"} == ({"jupyter"} if folded else set())
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert not any("widget" in mime for mime in output.get("data", {}))


def test_frame(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in ("# ", "You will learn", "minutes", "What we have seen", "Exercises"):
        assert part in prose
    code = "\n".join(cell.source for cell in code_cells(notebook))
    for banned in ("sys.path", "import *", "!pip", "%pip"):
        assert banned not in code
    assert all(cell.source.count("\n") < 20 for cell in code_cells(notebook))


def test_there_are_notebooks():
    assert NOTEBOOKS[0].name == "00_start_here.ipynb"
