import ast
import subprocess
import sys
from pathlib import Path

import crystutor


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_is_cheap():
    for statement in ("import crystutor", "import crystutor.fingerprint"):
        assert not loaded_by(statement) & {"tensorflow", "keras", "ipywidgets", "nglview"}


def test_atoms_are_shown_without_tensorflow():
    assert "tensorflow" not in loaded_by("from crystutor import plot_structure, view_structure")


def test_every_public_name_exists():
    assert all(getattr(crystutor, name) is not None for name in crystutor.__all__)


def test_tensorflow_stays_quiet():
    code = "from crystutor import build_convnet; build_convnet()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""


LAYERS = [
    "quiet",
    "blockwork",
    "structures",
    "databases",
    "prototypes",
    "bragg",
    "average_lattice",
    "blocks",
    "cells",
    "defects",
    "symmetry",
    "detector",
    "random_crystals",
    "fingerprint",
    "dataset",
    "convnet",
    "training",
    "attention",
    "paths",
    "levels",
    "peers",
    "benchmark",
    "plotting",
    "report",
    "reproduce",
    "panel",
    "live",
    "scenes",
    "widgets",
]


def test_modules_import_only_from_layers_below():
    folder = Path(crystutor.__file__).parent
    assert {path.stem for path in folder.glob("[!_]*.py")} == set(LAYERS)
    for height, layer in enumerate(LAYERS):
        tree = ast.parse((folder / f"{layer}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("crystutor."):
                assert node.module.removeprefix("crystutor.") in LAYERS[:height], layer
