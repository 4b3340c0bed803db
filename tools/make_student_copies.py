"""Copy notebooks for students: without solutions and without outputs.

python tools/make_student_copies.py --out build/student notebooks/*.ipynb

Exercises stay, and so do their checks.
"""

import argparse
import re
from pathlib import Path

import nbformat

FOLDED_TEXT = re.compile(r"<details>.*?</details>\s*", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.notebooks:
        notebook = nbformat.read(path, as_version=4)
        remove_solutions(notebook)
        nbformat.write(notebook, options.out / path.name)
        print(options.out / path.name)


def remove_solutions(notebook):
    """Drop folded text, cells tagged "solution" and all outputs, in place."""
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = FOLDED_TEXT.sub("", cell.source).strip()
        else:
            cell.outputs, cell.execution_count = [], None
        if cell.source and "solution" not in cell.metadata.get("tags", []):
            kept.append(cell)
    notebook.cells = kept


if __name__ == "__main__":
    main()
