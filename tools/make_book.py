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

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_EXPLORER = "view_structure(", "view_map(", "_explorer(", "LiveCurve("
LAUNCH = (
    '<p class="launch">Here the notebook shows something to move or turn. '
    "It needs a kernel: launch the notebook with the button at the top of the page.</p>"
)


def main(folder: str) -> int:
    """Make the folder anew; return the exit code of Sphinx, which takes warnings as errors."""
    out = Path(folder)
    shutil.rmtree(out, ignore_errors=True)
    source, book = out / "source", ROOT / "docs/book"
    (source / "notebooks").mkdir(parents=True)
    shutil.copytree(ROOT / "docs/figures", source / "figures")
    for page in (*book.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = page.read_text("utf-8").replace("REPOSITORY", repository())
        (source / page.name).write_text(text, "utf-8")
    for path in tqdm(sorted((ROOT / "notebooks").glob("*.ipynb")), desc="notebooks"):
        notebook = nbformat.read(path, as_version=4)
        prepare(notebook, _explorer(path.stem, out / "static/explorers"))
        nbformat.write(notebook, source / "notebooks" / path.name)
    static = f"html_static_path={book / '_static'},{(out / 'static').resolve()}"
    options = [
        "-W",
        "--keep-going",
        "-q",
        "-c",
        str(book),
        "-D",
        static,
        "-d",
        str(out / "doctrees"),
    ]
    return build_main([*options, str(source), str(out / "html")])


def prepare(notebook: nbformat.NotebookNode, explorer: str = "") -> None:
    """Make a notebook ready for its page.

    Solutions are folded, figures get their alternative texts, and what needs a kernel gives way to
    an explorer without one, or to a note.
    """
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            cell.metadata.tags = [*tags, "hide-cell"]
        if cell.cell_type == "code":
            if "alt" in cell.metadata:
                cell.metadata.mystnb = {"image": {"alt": cell.metadata.alt}}
            if any(name in cell.source for name in WITHOUT_EXPLORER):
                shown = explorer if "_explorer(" in cell.source and explorer else LAUNCH
                cell.outputs.append(nbformat.v4.new_output("display_data", {"text/html": shown}))


def _explorer(name, folder):
    return write_explorer(name, folder / name) if name in EXPLORERS else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
