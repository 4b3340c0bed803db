"""Build the site of the series from the executed notebooks; no network is needed.

    python tools/make_book.py build/book

The pages appear in build/book/html. Explorers are drawn beforehand, see static_explorers.py.
"""

import shutil
import sys
from pathlib import Path

import nbformat
from set_repository import repository
from sphinx.cmd.build import build_main
from static_explorers import EXPLORERS, write_explorer
from tqdm import tqdm

from crystutor.commands.student_copies import add_student_copies

ROOT = Path(__file__).resolve().parents[1]
BOOK, NOTEBOOKS = ROOT / "docs/book", ROOT / "notebooks"
OPTIONS = ("-W", "--keep-going", "-q", "-c", str(BOOK))  # a warning is an error
NEEDS_A_KERNEL = {  # beginning of a call: what the page says in its place
    "view_structure(": "the atoms can be turned",
    "view_map(": "the atoms can be turned",
    "LiveCurve(": "a curve is drawn while the network learns",
    "upload_explorer(": "you can upload a file of your own",
    "_explorer(": "an explorer computes each picture",
}
NOTE = (
    '<p class="launch">In the notebook {what} here. To see it, launch the notebook with the rocket '
    "at the top of the page.</p>"
)
GUESS = "*Predict, then look"


def main(folder: str) -> int:
    """Make the folder anew; return the exit code of Sphinx."""
    out = Path(folder).resolve()
    shutil.rmtree(out, ignore_errors=True)
    source, static, html = out / "source", out / "static", out / "html"
    shutil.copytree(ROOT / "docs/figures", source / "figures")
    for page in (*BOOK.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = page.read_text("utf-8").replace("REPOSITORY", repository())
        (source / page.name).write_text(text, "utf-8")
    (source / "notebooks").mkdir()
    for path in tqdm(sorted(NOTEBOOKS.glob("*.ipynb")), desc="notebooks"):
        notebook = nbformat.read(path, as_version=4)
        explorer = ""
        if path.stem in EXPLORERS:
            explorer = write_explorer(path.stem, static / "explorers" / path.stem)
        prepare(notebook, explorer)
        nbformat.write(notebook, source / "notebooks" / path.name)
    both = f"html_static_path={BOOK / '_static'},{static}"
    code = build_main([*OPTIONS, "-D", both, "-d", str(out / "doctrees"), str(source), str(html)])
    downloads = html / "_sources/notebooks"
    shutil.rmtree(downloads)
    add_student_copies(NOTEBOOKS, downloads)
    return code


def prepare(notebook: nbformat.NotebookNode, explorer: str = "") -> None:
    """Make a notebook ready for its page.

    Solutions are folded, and so is the output of what is to be predicted first. Figures get their
    alternative texts. What needs a kernel gives way to an explorer without one, or to a note.
    """
    to_be_guessed = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            to_be_guessed = GUESS in cell.source.rpartition("</details>")[2]
            continue
        shown = _instead_of_a_widget(cell.source, explorer)
        if shown:
            cell.outputs.append(nbformat.v4.new_output("display_data", {"text/html": shown}))
        if "solution" in cell.metadata.get("tags", []):
            _fold(cell, "hide-cell", "Show the code of the solution")
        elif to_be_guessed:
            _fold(cell, "hide-output", "Show what comes out")
        if "alt" in cell.metadata:
            cell.metadata.setdefault("mystnb", {})["image"] = {"alt": cell.metadata.alt}


def _instead_of_a_widget(code, explorer):
    for call, what in NEEDS_A_KERNEL.items():
        if call in code:
            return explorer if call == "_explorer(" and explorer else NOTE.format(what=what)
    return ""


def _fold(cell, tag, prompt):
    cell.metadata.tags = [*cell.metadata.get("tags", []), tag]
    cell.metadata.mystnb = {"code_prompt_show": prompt, "code_prompt_hide": "Hide it"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
