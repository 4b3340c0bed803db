"""The parsers of ASE and pymatgen, and what they raise on broken files."""

import io
import re
import sqlite3
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import crystal, of_ase, with_warnings
from crystutor.crystal.reading.chunks import announced_atoms, gaps_in_pdb
from crystutor.crystal.structures import ZERO_VOLUME, check_structure

PARSER_ERRORS = (
    ArithmeticError,  # overflow, division by zero
    AssertionError,  # ASE and pymatgen state formats by assert
    AttributeError,  # of a match that is None
    EOFError,
    LookupError,  # IndexError, KeyError: lines and tags that are missing
    MemoryError,  # a number of atoms like 99999999999
    OSError,  # ASE's XYZError and InvalidULMFileError
    RuntimeError,  # gemmi, ASE; RecursionError of deep JSON
    StopIteration,  # a file that ends early
    SyntaxError,  # ASE's ParseError
    TypeError,  # float(None)
    ValueError,  # also UnicodeError, LinAlgError
    Warning,  # pymatgen's parser of .res raises one
    sqlite3.Error,
    struct.error,
    zlib.error,
)
Load = Callable[[], Structure | Molecule]
ALWAYS_PERIODIC = {"eon"}  # ASE does not say so
BOHR = 0.529177210903  # [Å]
BRAVAIS = {  # ibrav of Quantum ESPRESSO: edges by b/a and c/a, in units of a
    1: lambda b, c: np.eye(3),
    2: lambda b, c: [[-0.5, 0, 0.5], [0, 0.5, 0.5], [-0.5, 0.5, 0]],
    3: lambda b, c: [[0.5, 0.5, 0.5], [-0.5, 0.5, 0.5], [-0.5, -0.5, 0.5]],
    -3: lambda b, c: [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]],
    4: lambda b, c: [[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, c]],
    6: lambda b, c: np.diag([1, 1, c]),
    7: lambda b, c: np.array([[1, -1, c], [1, 1, c], [-1, -1, c]]) / 2,
    8: lambda b, c: np.diag([1, b, c]),
}
REFUSED_SYMMETRY = (  # format, pattern of a symmetry that its parser does not expand
    ("proteindatabank", r"^CRYST1.{49}(?!\s*P ?1\s*(\d+\s*)?$)(.{1,11})"),
    ("res", r"^(SYMM .*|LATT +-?[2-7].*|LATT +1\b.*)$"),
    ("cssr", r"SPGR *= *(?!1\b)(\d+)"),
    ("espresso-in", r"^[^!\n]*\bspace_group *= *(?!1\b)(\d+)"),
)


@contextmanager
def parsing(file_format: str) -> Iterator[None]:
    """Turn whatever a parser raises into a ValueError of one line; be deaf to its warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except np.linalg.LinAlgError:
        raise InputError(ZERO_VOLUME) from None
    except PARSER_ERRORS as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise InputError(
            f"not readable as {file_format}, a complete file of that format is needed ({reason})"
        ) from error


def refuse_unexpanded(text: str, file_format: str) -> None:
    """Refuse an asymmetric unit in a format whose parser takes it for the whole cell."""
    for name, pattern in REFUSED_SYMMETRY:
        found = re.search(pattern, text, re.MULTILINE) if name == file_format else None
        if found:
            raise InputError(
                f"it holds an asymmetric unit ('{' '.join(found[0].split())[:60]}'), which is not "
                "expanded in this format; save it as CIF"
            )


def with_cell(text: str) -> str:
    """Write the cell that an input of Quantum ESPRESSO gives by ibrav, for ASE, as a card.

    Raises
    ------
    ValueError
        If the lattice is monoclinic or another that is not known here.
    """
    bare = re.sub(r"!.*", "", text)
    found = re.search(r"\bibrav\s*=\s*([-+]?\d+)", bare)
    if found is None or int(found[1]) == 0:
        return text
    if int(found[1]) not in BRAVAIS:
        raise InputError(f"ibrav = {found[1]} is not read; give ibrav = 0 and CELL_PARAMETERS")
    number = r"\s*=\s*([-+]?[\d.]+(?:[dDeE][-+]?\d+)?)"
    told = {int(k): v for k, v in re.findall(r"\bcelldm\s*\(\s*(\d)\s*\)" + number, bare)}
    edges = dict(re.findall(r"(?<![\w(])([ABC])" + number, bare))
    values = {k: float(v.lower().replace("d", "e")) for k, v in {**told, **edges}.items()}
    a = values["A"] if "A" in values else values.get(1, 0.0) * BOHR
    if not a > 0:
        raise InputError("ibrav is given, but neither celldm(1) nor A")
    b, c = (values[k] / a if k in values else values.get(n, 1.0) for k, n in (("B", 2), ("C", 3)))
    cell = np.array(BRAVAIS[int(found[1])](b, c), float)
    rows = "\n".join(" ".join(f"{x:.12f}" for x in row) for row in cell)
    text = re.sub(r"\bibrav\s*=\s*[-+]?\d+", "ibrav = 0", text)
    return f"{text.rstrip()}\nCELL_PARAMETERS alat\n{rows}\n"


def frames_by_ase(text: str, file_format: str) -> list[Load]:
    """Every frame of a text in a format of ASE, read at once."""
    import ase.io  # slow to import

    refuse_unexpanded(text, file_format)
    announced = announced_atoms(text, file_format)
    text = with_cell(text) if file_format == "espresso-in" else text
    with parsing(file_format), tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "structure")
        path.write_text(text, encoding="utf-8")
        found = ase.io.read(path, index=":", format=file_format)
    _check_lengths(found, announced)
    if file_format in ALWAYS_PERIODIC:
        for atoms in found:
            atoms.pbc = True
    doubt = gaps_in_pdb(text) if file_format == "proteindatabank" else ""
    return [partial(_with_doubt, atoms, doubt) for atoms in found]


def _with_doubt(atoms, doubt):
    return with_warnings(of_ase(atoms), doubt)


def frame_by_ase(text: str, file_format: str, **options: Any) -> Any:
    """The one frame of a text, as ASE's atoms."""
    import ase.io

    with parsing(file_format):
        return ase.io.read(io.StringIO(text), format=file_format, index=0, **options)


def frames_by_pymatgen(text: str, file_format: str) -> list[Load]:
    """The one structure of a text in a format of pymatgen."""
    refuse_unexpanded(text, file_format)
    announced = announced_atoms(text, file_format)
    with parsing(file_format):
        text = "\n".join(line.rstrip() for line in text.split("\n"))
        found = Structure.from_str(text, fmt=file_format)  # type: ignore[arg-type]
    _check_lengths([found], announced)
    check_structure(found)
    return [partial(crystal, found.lattice, found.atomic_numbers, found.frac_coords)]


def _check_lengths(frames, announced):
    if announced is not None and any(len(frame) != announced for frame in frames):
        found = ", ".join(str(len(frame)) for frame in frames)
        raise InputError(f"{announced} atoms are announced, {found} can be read")


def frames_of_trajectory(path: Path) -> Iterator[Load]:
    """Every frame of an ASE trajectory, one at a time."""
    from ase.io.trajectory import TrajectoryReader

    with parsing("traj"):
        trajectory = TrajectoryReader(str(path))
    with trajectory:
        for number in range(len(trajectory)):
            with parsing("traj"):
                atoms = trajectory[number]
            yield partial(of_ase, atoms)


def frames_of_database(path: Path) -> Iterator[Load]:
    """Every row of an ASE database, one at a time."""
    import ase.db

    with parsing("db"):
        rows = iter(ase.db.connect(str(path), type="db", serial=True).select())
    while True:
        with parsing("db"):
            row = next(rows, None)
            atoms = row.toatoms() if row is not None else None
        if atoms is None:
            return
        yield partial(of_ase, atoms)
