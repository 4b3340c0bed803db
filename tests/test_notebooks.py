"""The committed notebooks are executed top to bottom, clean and free of errors."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from pymatgen.core import Molecule, Structure

import crystutor as ct

ROOT = Path(__file__).parents[1]
MELTING = re.compile("Langevin|motion.run")  # takes long, and depends on no variable
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
        assert set(cell.metadata) - {"tags", "alt"} == ({"jupyter"} if folded else set())
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert not any("widget" in mime for mime in output.get("data", {}))
            assert "<Axes" not in output.get("data", {}).get("text/plain", "")


def test_figures_are_described(notebook):
    texts = []
    for cell in code_cells(notebook):
        n_figures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        assert n_figures <= 1  # one text tells of one figure
        assert bool(n_figures) == ("alt" in cell.metadata)
        texts += [cell.metadata.alt] if n_figures else []
    assert len(set(texts)) == len(texts)
    assert all(60 <= len(text) <= 400 and text.endswith(".") for text in texts)


def test_frame(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in ("# ", "You will learn", "minutes", "What we have seen", "Exercises"):
        assert part in prose
    code = "\n".join(cell.source for cell in code_cells(notebook))
    for banned in ("sys.path", "import *", "!pip", "%pip"):
        assert banned not in code
    assert all(cell.source.count("\n") < 20 for cell in code_cells(notebook))


def test_the_series_is_whole_and_in_the_readme():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(13)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"notebooks/{path.name}" in readme
        assert f"docs/figures/{path.stem}.png" in readme
        assert (ROOT / f"docs/figures/{path.stem}.png").exists()


def test_what_teachers_may_edit_is_there():
    teaching = (ROOT / "docs/TEACHING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) .*\|(.*)\|$", teaching, re.MULTILINE)
    assert len(rows) == len(NOTEBOOKS)
    for number, last in rows:
        notebook = nbformat.read(NOTEBOOKS[int(number)], as_version=4)
        code = "\n".join(cell.source for cell in code_cells(notebook))
        for name in re.findall("`([A-Z_]+)`", last):
            assert re.search(rf"^(?:[A-Z_]+, )*{name}(?:, [A-Z_]+)* = ", code, re.MULTILINE)


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


def run_edited(number, setting):
    """Run the code of a notebook with a variable set anew; return the titles of its figures."""
    cells = code_cells(nbformat.read(NOTEBOOKS[number], as_version=4))
    code = "\n\n".join(cell.source for cell in cells if not MELTING.search(cell.source))
    edited = re.sub(rf"^{setting.split()[0]} = .*$", setting, code, flags=re.MULTILINE)
    assert edited != code
    plt.close("all")
    exec(edited, {})
    return [ax.get_title() for figure in plt.get_fignums() for ax in plt.figure(figure).axes]


@pytest.mark.parametrize("vacancies", [0.0, 0.55, 0.95])
def test_titles_follow_the_variables(vacancies, capsys):
    titles = run_edited(0, f"VACANCIES = {vacancies}")
    assert f"Cu, {vacancies:.0%} of the atoms removed" in titles
    assert not any("25%" in title for title in titles)
    assert f"{256 - int(256 * vacancies)} of 256 atoms are left" in capsys.readouterr().out


SLAB = Structure(
    [[7.2, 0, 0], [0, 7.2, 0], [0, 0, 30.0]], ["Cu"] * 4, [[0, 0, z / 30] for z in (0, 2, 4, 6)]
)
WATER = Molecule(["O", "H", "H"], [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    "sample", [SLAB, WATER, ct.build_prototype("fcc")], ids=["slab", "molecule", "cell"]
)
def test_notebook_09_runs_with_any_file(sample, tmp_path, capsys):
    path = tmp_path / "mine.xyz"
    sample.to_ase_atoms().write(path)
    assert "fingerprint" in run_edited(9, f"PATH = {str(path)!r}")
    assert capsys.readouterr().out.startswith("mine.xyz")


def test_a_trained_network_stays_out_of_the_repository():
    source = "".join(cell.source for cell in code_cells(nbformat.read(NOTEBOOKS[4], 4)))
    folder = re.search(r'^FOLDER = f"(\w+)', source, re.MULTILINE)[1]
    assert f"notebooks/{folder}*/" in (ROOT / ".gitignore").read_text().splitlines()
    assert f"prune notebooks/{folder}*" in (ROOT / "MANIFEST.in").read_text().splitlines()
