"""Copies of the notebooks for students: no outputs, folded solutions, checks for nbgrader."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat

from crystutor.files import finished_file


def add_student_copies(originals: Path, folder: Path) -> tuple[int, int]:
    """Copy the notebooks that a folder lacks; what is there is left as it is.

    Parameters
    ----------
    originals
        Folder of the notebooks with solutions and outputs.
    folder
        Folder of the student; it is made if there is none.

    Returns
    -------
    added, present
        Numbers of notebooks: of those copied, and of those that were there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(originals.glob("*.ipynb"))
    missing = [path for path in paths if not (folder / path.name).exists()]
    for path in missing:
        _write_copy(path, folder / path.name)
    return len(missing), len(paths) - len(missing)


def _write_copy(path, copy):
    notebook = nbformat.read(path, as_version=4)
    mark_checks(notebook)
    fold_solutions(notebook)
    with finished_file(copy) as unfinished:
        nbformat.write(notebook, unfinished)


def mark_checks(notebook: nbformat.NotebookNode) -> None:
    """Mark the checks of the exercises as nbgrader does; who does not use it sees no difference.

    A check has the tag "check", and the solution's text follows it. Each gives one point.
    """
    for cell, following in pairwise(notebook.cells):
        if "check" in cell.metadata.get("tags", []):
            name = re.search(r"Solution (\d\d)\.([a-z])", following.source)
            assert name, cell.source
            cell.metadata.nbgrader = {
                "schema_version": 3,
                "grade_id": f"exercise-{name[1]}-{name[2]}",
                "cell_type": "code",
                "grade": True,
                "points": 1,
                "solution": False,
                "locked": True,
                "task": False,
            }


def fold_solutions(notebook: nbformat.NotebookNode) -> None:
    """Drop all outputs, and move the code of each solution into the folded text above it.

    JupyterLab unfolds the output of a folded cell that is executed. Text is not executed, and it
    stays folded. Cells with the tag "solution" follow a ``<details>`` each.
    """
    kept: list[nbformat.NotebookNode] = []
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            kept[-1].source = _with_code(kept[-1].source, cell.source)
            continue
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        kept.append(cell)
    notebook.cells = kept


def _with_code(folded, code):
    """Folded text with code at its end; blank lines make both Markdown again."""
    text = re.sub(r"</summary>\s*", "</summary>\n\n", folded)
    text, _, rest = text.replace("The next cell", "The code below").rpartition("</details>")
    return f"{text.rstrip()}\n\n```python\n{code}\n```\n\n</details>{rest}"
