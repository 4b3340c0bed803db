"""The committed notebooks are executed top to bottom, clean and free of errors."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


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


def test_the_series_is_whole_and_in_the_readme():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(12)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"notebooks/{path.name}" in readme
        assert f"docs/figures/{path.stem}.png" in readme
        assert (ROOT / f"docs/figures/{path.stem}.png").exists()


def test_links_lead_to_notebooks(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((\w+\.ipynb)\)", prose):
        assert (ROOT / "notebooks" / target).exists()


def test_exercises(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    number = re.search(r"# (\d\d) ·", prose)[1]
    letters = set(re.findall(rf"{number}\.([a-z])[*:]", prose))
    assert len(letters) >= (2 if number in ("00", "09") else 4)
    assert "*Write.*" in prose
    assert prose.count("Solution ") == len(letters)
