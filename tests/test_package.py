import ast
import inspect
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import crystutor


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_is_cheap():
    for statement in ("import crystutor", "import crystutor.diffraction"):
        assert not loaded_by(statement) & {"tensorflow", "keras", "ipywidgets", "nglview"}


def test_atoms_are_shown_without_tensorflow():
    assert "tensorflow" not in loaded_by("from crystutor import plot_structure, view_structure")


def test_every_public_name_exists():
    assert all(getattr(crystutor, name) is not None for name in crystutor.__all__)


FLOORS = [  # a module imports only from floors below, or from above itself in its own folder
    {"arguments"},
    {"_keras", "detector", "executors", "files"},
    {"crystal"},
    {"diffraction"},
    {"attention", "convnet"},
    {"verdict"},
    {"plotting"},
    {"training", "transition_paths"},
    {"maps"},
    {"explore", "table1"},
    {"commands"},
    {"__main__"},
]
ORDER = {  # inside the folders, lowest first
    "crystal": (
        "samples",
        "structures",
        "symmetry",
        "reading",
        "databases",
        "prototypes",
        "defects",
        "space_groups",
        "lattice",
        "supercells",
        "average",
        "cells",
    ),
    "crystal/average": ("cell", "folding", "ordering", "symmetry", "structure"),
    "crystal/symmetry": ("operators", "tables", "blocks", "orbits", "occupancies"),
    "crystal/reading": (
        "unpacking",
        "formats",
        "arrays",
        "chunks",
        "parsers",
        "vasp",
        "lammps",
        "documents",
        "point_clouds",
        "cif",
        "selection",
        "frames",
    ),
    "crystal/lattice": (
        "atom_map",
        "moved_atoms",
        "candidates",
        "sublattices",
        "evidence",
        "search",
        "translations",
        "bravais",
        "turns",
    ),
    "plotting": ("axes", "images", "answers", "atoms"),
    "verdict": ("evidence", "classification", "witnesses", "classifier"),
    "training": ("random_crystals", "beam", "dataset", "fit", "calibration"),
    "maps": (
        "orientations",
        "polycrystals",
        "boxes",
        "windows",
        "survey",
        "grains",
        "atoms",
        "structure_map",
        "mapping",
        "colors",
        "slices",
        "figures",
    ),
    "table1": (
        "damage_levels",
        "baselines",
        "recipes",
        "run_folder",
        "outsiders",
        "damaged_crystals",
        "reliability",
        "benchmark",
        "figures",
        "report",
        "reproduce",
    ),
    "commands": (
        "console",
        "inputs",
        "records",
        "classify",
        "map",
        "reproduce",
        "student_copies",
        "lab",
    ),
    "explore": ("views", "panel", "live_curve", "uploads", "scenes", "map_scenes", "explorers"),
}
PACKAGE = Path(crystutor.__file__).parent
PLACES = {name: height for height, names in enumerate(FLOORS) for name in names}
LIGHT = ("detector", "diffraction")
HEAVY = {"_keras", "ipywidgets", "keras", "matplotlib", "nglview", "tensorflow"}


def imports(path):
    """Names of the modules that a file imports anywhere, as tuples of their parts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield (*node.module.split("."), alias.name)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)


def own_imports(path):
    return [parts[1:] for parts in imports(path) if parts[0] == "crystutor" and parts[1:]]


def test_every_module_has_its_floor():
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {name for name in ORDER if "/" not in name}
    assert files | folders == set(PLACES)
    assert len(files) + 1 <= 13  # at the top, with __init__
    for folder, modules in ORDER.items():
        found = {path.stem for path in (PACKAGE / folder).glob("[!_]*")}
        assert found == set(modules) and len(modules) <= 12


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_imports_go_down(path):
    place, *inner = path.relative_to(PACKAGE).with_suffix("").parts
    if "__init__" in (place, *inner):
        assert place == "__init__" or not list(imports(path))  # folders' inits import nothing
        return
    for target, *names in own_imports(path):
        if target not in PLACES:  # a public name, from the package itself
            assert place == "__main__"
        elif target == place:
            folder, name, user = place, names[0], inner[0]
            if name == user:  # a folder inside the folder
                folder, name, user = f"{place}/{name}", names[1], inner[1]
            order = ORDER[folder]
            assert order.index(name) < order.index(user)
        else:
            assert PLACES[target] < PLACES[place]


@pytest.mark.parametrize(
    "path", [*PACKAGE.glob("crystal/**/*.py"), *(PACKAGE / f"{name}.py" for name in LIGHT)], ids=str
)
def test_crystals_and_diffraction_need_no_network_and_no_screen(path):
    named = {part for parts in imports(path) for part in parts}
    assert not named & HEAVY


def test_the_folders_are_strangers():
    for folder, other in (("explore", "table1"), ("table1", "explore")):
        for path in (PACKAGE / folder).glob("*.py"):
            assert other not in {target for target, *_ in own_imports(path)}


def test_no_module_hides_behind_a_function():
    modules = {
        ".".join(p.relative_to(PACKAGE).with_suffix("").parts) for p in PACKAGE.rglob("*.py")
    }
    assert not modules & set(crystutor.__all__)


def test_function_bodies_are_short():
    """At most 30 lines below the docstring; `make lint` watches the complexity."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[ast.get_docstring(node) is not None :] or node.body
                length = body[-1].end_lineno - body[0].lineno + 1
                assert length <= 30, f"{path}: {node.name} has {length} lines"


def described(docstring, section):
    """Names that a section of a numpydoc docstring describes: "a, b" or "a : what it is"."""
    found = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n?\S+\n-+\n|\Z)", docstring, re.M | re.S)
    lines = re.findall(r"^\S.*", found[1], re.M) if found else []
    return {name.strip("* ") for line in lines for name in line.split(" : ")[0].split(",")}


PUBLIC = [n for n in crystutor.__all__ if callable(getattr(crystutor, n))]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_and_all_they_take_are_documented(name):
    value = getattr(crystutor, name)
    docstring = inspect.getdoc(value)
    assert docstring
    if is_dataclass(value):
        assert {field.name for field in fields(value)} <= described(docstring, "Attributes")
    else:
        assert set(inspect.signature(value).parameters) == described(docstring, "Parameters")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_parameters_are_described_all_or_none(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            found = described(ast.get_docstring(node) or "", "Parameters")
            arguments = {name.arg for name in ast.walk(node.args) if isinstance(name, ast.arg)}
            assert not found or found == arguments - {"self"}, f"{path}: {node.name}"
