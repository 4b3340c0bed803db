"""Copies of `make student` are graded by nbgrader, from the course that tools/course.py makes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crystutor.commands.student_copies import add_student_copies

ROOT = Path(__file__).parents[1]
TOOL = ROOT / "tools/course.py"
NAME = "03_invariances_and_robustness.ipynb"
TODO = "return None  # TODO: solve exp(-(q * sigma)**2) = 1/2 for sigma"
ANSWERS = {
    "right": "return np.sqrt(np.log(2)) / q",
    "wrong": "return np.log(2) / q",
    "untouched": TODO,
    "copied_the_check": "return np.sqrt(np.log(2)) / q",
    "deleted_the_check": "return np.log(2) / q",
}


def hand_in(student, copy, folder):
    """Answer in a copy, and put it where nbgrader looks for it."""
    notebook = nbformat.read(copy, as_version=4)
    [answer] = [n for n, cell in enumerate(notebook.cells) if TODO in cell.source]
    notebook.cells[answer].source = notebook.cells[answer].source.replace(TODO, ANSWERS[student])
    if student.startswith("copied"):
        copied = notebook.cells[answer + 1] | {"id": "copied"}
        notebook.cells.append(nbformat.from_dict(copied))
    if student.startswith("deleted"):
        del notebook.cells[answer + 1]
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / copy.name)


@pytest.mark.slow
def test_a_course_is_graded(tmp_path):
    course = tmp_path / "course"
    own = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter")}
    own["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # nbgrader runs alembic

    def run(*command):
        arguments = [sys.executable, *map(str, command)]
        done = subprocess.run(
            arguments, cwd=course, env=os.environ | own, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    course.mkdir()
    run(TOOL, "make", ".")
    for path in (course / "source/crystutor").glob("*.ipynb"):
        if path.name != NAME:
            path.unlink()  # one notebook is enough here
    add_student_copies(ROOT / "notebooks", tmp_path / "copies")
    for student in ANSWERS:
        hand_in(student, tmp_path / "copies" / NAME, course / f"submitted/{student}/crystutor")
    run("-m", "nbgrader", "generate_assignment", "crystutor")
    run(TOOL, "collect", ".")
    run("-m", "nbgrader", "autograde", "crystutor")
    run("-m", "nbgrader", "generate_feedback", "crystutor")
    rows = list(csv.DictReader(run(TOOL, "points", ".").splitlines()))
    assert {row["exercise"] for row in rows} == {"exercise-03-b"}
    points = {row["student"]: float(row["points"]) for row in rows}
    assert points == {student: float("sqrt" in answer) for student, answer in ANSWERS.items()}
    feedback = course / f"feedback/wrong/crystutor/{Path(NAME).stem}.html"
    assert "take a square root" in feedback.read_text(encoding="utf-8")


def test_marks_are_metadata_only(tmp_path):
    add_student_copies(ROOT / "notebooks", tmp_path)
    names = []
    for path in sorted(tmp_path.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            assert "nbgrader" not in cell.source
            if "nbgrader" in cell.metadata:
                assert cell.source.splitlines()[-1].startswith("print(check(")
                names.append(cell.metadata.nbgrader.grade_id)
    assert len(set(names)) == len(names) == 16
