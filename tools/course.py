"""Grade the written exercises with nbgrader.

    python tools/course.py make build/course       # the course: sources and settings of nbgrader
    cd build/course
    nbgrader generate_assignment crystutor         # once
    ...                                            # submitted/STUDENT/crystutor/NN_....ipynb
    python .../tools/course.py collect .           # repair checks that students copied or deleted
    nbgrader autograde crystutor
    nbgrader generate_feedback crystutor
    python .../tools/course.py points .            # points of each exercise, as CSV

Students work in the copies of `make student`. They read what the check prints; only the teacher's
source also fails where the check does not say "right".
"""

import argparse
import copy
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

from crystutor.commands.student_copies import fold_solutions, mark_checks

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
ASSIGNMENT = "crystutor"
SETTINGS = """c = get_config()
c.CourseDirectory.course_id = "crystutor"
c.Execute.timeout = 1200  # seconds a cell; training takes minutes
c.IgnorePattern.enabled = True  # a warning beside a right answer costs no point
c.IgnorePattern.pattern = "."
"""
HIDDEN = """
### BEGIN HIDDEN TESTS
assert {check} == "right", {check}
### END HIDDEN TESTS"""


def make(course: Path) -> None:
    """Write sources and settings into a new folder."""
    source = course / "source" / ASSIGNMENT
    if source.exists():
        sys.exit(f"{course} holds a course already: go on with it, or name a new folder")
    source.mkdir(parents=True)
    (course / "nbgrader_config.py").write_text(SETTINGS, encoding="utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        mark_checks(notebook)
        fold_solutions(notebook)
        for cell in checks_of(notebook).values():
            last_line = cell.source.splitlines()[-1]
            call = last_line.removeprefix("print(").removesuffix(")")
            cell.source += HIDDEN.format(check=call)
        nbformat.write(notebook, source / path.name)


def collect(course: Path) -> None:
    """Give each submission every check once: nbgrader stops where one is there twice.

    What is changed is printed.
    """
    for path in sorted(course.glob(f"submitted/*/{ASSIGNMENT}/*.ipynb")):
        submission, source = (
            nbformat.read(notebook, as_version=4)
            for notebook in (path, course / "source" / ASSIGNMENT / path.name)
        )
        for repair in restore_checks(submission, source):
            print(f"{path}: {repair}")
        nbformat.write(submission, path)


def restore_checks(
    submission: nbformat.NotebookNode, source: nbformat.NotebookNode
) -> Iterator[str]:
    """Keep the last copy of each check, put one that is missing behind its answer; say which."""
    for grade_id, check in checks_of(source).items():
        copies = [cell for cell in submission.cells if _grade_id(cell) == grade_id]
        copies = copies or [cell for cell in submission.cells if cell.get("id") == check.id]
        for cell in copies[:-1]:
            cell.metadata.pop("nbgrader", None)
            yield f"{grade_id} was there more than once, the last one counts"
        if not copies:
            yield f"{grade_id} was missing and is put back"
            answer = source.cells[source.cells.index(check) - 1].id
            ids = [cell.get("id") for cell in submission.cells]
            place = ids.index(answer) + 1 if answer in ids else len(ids)
            submission.cells.insert(place, copy.deepcopy(check))
        else:
            copies[-1].metadata.nbgrader = check.metadata.nbgrader


def points(course: Path) -> None:
    """Print the points of each student for each exercise."""
    from nbgrader.api import Gradebook, SubmittedAssignment

    table = csv.writer(sys.stdout)
    table.writerow(("student", "exercise", "points", "of"))
    with Gradebook(f"sqlite:///{(course / 'gradebook.db').resolve()}") as book:
        for submission in book.db.query(SubmittedAssignment):
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    row = submission.student.id, grade.name, grade.score, grade.max_score
                    table.writerow(row)


def checks_of(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """Return the checks of a notebook by their name in nbgrader."""
    return {_grade_id(cell): cell for cell in notebook.cells if _grade_id(cell)}


def _grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("make", "collect", "points"))
    parser.add_argument("course", type=Path)
    arguments = parser.parse_args()
    {"make": make, "collect": collect, "points": points}[arguments.what](arguments.course)
