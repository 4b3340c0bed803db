"""Read crystal structures from files: all frames, or one."""

import tempfile
import warnings as python_warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from importlib.resources import files
from pathlib import Path

from pymatgen.core import Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import checked, of_ase, said_of, with_warnings
from crystutor.crystal.reading.chunks import (
    dump_chunks,
    extxyz_chunks,
    plain_symbols,
    xdatcar_chunks,
)
from crystutor.crystal.reading.cif import frames_of_cif
from crystutor.crystal.reading.documents import frames_of_document
from crystutor.crystal.reading.formats import BINARY, UnknownFormatError, format_of
from crystutor.crystal.reading.lammps import read_data, read_dump
from crystutor.crystal.reading.parsers import (
    Load,
    frame_by_ase,
    frames_by_ase,
    frames_by_pymatgen,
    frames_of_database,
    frames_of_trajectory,
)
from crystutor.crystal.reading.point_clouds import read_point_cloud
from crystutor.crystal.reading.selection import select_frames, split_index
from crystutor.crystal.reading.unpacking import (
    is_plain,
    open_unpacked,
    peek,
    text_lines,
    whole_bytes,
    whole_text,
)
from crystutor.crystal.reading.vasp import poscar_lines, read_poscar

EXAMPLES = Path(str(files("crystutor") / "data" / "examples"))
CHUNKS: dict[str, Callable[[Iterator[str]], Iterator[str]]] = {
    "extxyz": extxyz_chunks,
    "lammps-dump-text": dump_chunks,
    "vasp-xdatcar": xdatcar_chunks,
}
BINARY_FRAMES = {"traj": frames_of_trajectory, "db": frames_of_database}


def read_structures(
    path: str | Path,
    index: str | int | slice = ":",
    format: str | None = None,
    elements: Sequence[str] | None = None,
) -> Iterator[tuple[str, Structure | Molecule]]:
    """Read every structure of a file, one at a time: frames, data blocks, entries.

    Parameters
    ----------
    path
        File in a format that pymatgen or ASE reads, or "-" for standard input. It may be
        compressed. "file@0", "file@-1", "file@::10" choose frames as ASE does.
    index
        Which frames; what `path` says goes before.
    format
        ASE's name of the format; if not given, name and content of the file tell.
    elements
        Elements of the types of atoms, for files that do not name them (LAMMPS, old POSCARs).

    Yields
    ------
    name : str
        The file's name, with "@n" if it holds several frames.
    structure : Structure or Molecule
        As `read_structure` gives it. `structure.properties["warnings"]`, if there, says in short
        clauses what was guessed.

    Raises
    ------
    ValueError
        If the file is missing or unreadable, or a frame is. The frames before it have been given.

    Examples
    --------
    >>> [(name, atoms)] = read_structures(EXAMPLES / "Cu.cif")
    >>> atoms.formula
    'Cu4'
    """
    file, wanted = split_index(path, index)
    structure = None
    try:
        frames = _frames(file, format, elements)
        with closing(frames):
            for number, several, load in select_frames(frames, wanted):
                name = f"{file}@{number}" if several else file
                try:
                    structure = checked(load())
                except ValueError as error:
                    raise _FrameError(f"{name}: {error}") from error
                yield name, structure
        if structure is None:
            raise InputError("no structure, or none with that index, is found in it")
    except _FrameError:
        raise
    except UnknownFormatError as error:
        raise UnknownFormatError(f"{file}: {error}") from error
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error


class _FrameError(InputError):
    """An error whose message begins with the name of file and frame."""


def read_structure(
    path: str | Path, format: str | None = None, elements: Sequence[str] | None = None
) -> Structure | Molecule:
    """Read a crystal structure from a file; of several frames the last.

    Parameters
    ----------
    path
        File, as in `read_structures`; "file@n" chooses a frame.
    format
        ASE's name of the format; if not given, name and content of the file tell.
    elements
        Elements of the types of atoms, for files that do not name them.

    Returns
    -------
    Structure or Molecule
        As in the file, without oxidation states and site properties. A file without lattice, or
        whose box repeats along no axis, gives a molecule. A box that repeats along some axes
        gives a structure whose `lattice.pbc` says along which. It has passed
        `crystutor.crystal.structures.check_structure`. What was guessed is in
        `properties["warnings"]`, and each clause is emitted as a warning.

    Raises
    ------
    ValueError
        If the file is missing, unreadable or holds what is no structure. The message names the
        file, what was found and what is accepted.

    Examples
    --------
    >>> read_structure(EXAMPLES / "Cu.cif").composition.formula
    'Cu4'
    """
    file, wanted = split_index(path, -1)
    *_, (name, structure) = read_structures(file, wanted, format, elements)
    if name != file and (file == str(path) or isinstance(wanted, slice)):
        with_warnings(structure, f"the last frame, {name.rpartition('@')[2]}, of several")
    for warning in said_of(structure):
        python_warnings.warn(f"{name}: {warning}", stacklevel=2)
    return structure


def _frames(
    path: str, file_format: str | None, elements: Sequence[str] | None
) -> Generator[Load, None, None]:
    """Give for every frame of a file a function that reads it."""
    with open_unpacked(path) as file:
        head = peek(file)
        file_format = format_of(path, head, file_format)
        if file_format in BINARY:
            yield from _binary_frames(file, file_format, path, elements)
            return
        with closing(text_lines(file, head)) as lines:
            if file_format in CHUNKS:
                parse = partial(_parse_chunk, file_format=file_format, elements=elements)
                for chunk in CHUNKS[file_format](lines):
                    yield partial(parse, chunk)
            else:
                needed = poscar_lines(lines) if file_format == "vasp" else lines
                yield from _whole_frames(whole_text(needed), file_format, elements)


def _binary_frames(file, file_format, path, elements):
    """Frames of a file whose parser opens it: standard input and archives are copied first."""
    if file_format not in BINARY_FRAMES:
        yield partial(read_point_cloud, whole_bytes(file), file_format, elements)
    elif is_plain(path):
        yield from BINARY_FRAMES[file_format](Path(path))
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, f"frames.{file_format}")
            copy.write_bytes(whole_bytes(file))
            yield from BINARY_FRAMES[file_format](copy)


def _parse_chunk(text, file_format, elements):
    if file_format == "extxyz":
        return of_ase(frame_by_ase(plain_symbols(text), "extxyz"))
    if file_format == "lammps-dump-text":
        return read_dump(text, elements)
    return read_poscar(text, elements)


def _whole_frames(text: str, file_format: str, elements: Sequence[str] | None) -> list[Load]:
    """Frames of a file that is read at once."""
    if file_format == "cif":
        return frames_of_cif(text)
    if file_format in ("json", "yaml"):
        return frames_of_document(text, file_format)
    if file_format == "vasp":
        return [partial(read_poscar, text, elements)]
    if file_format == "lammps-data":
        return [partial(read_data, text, elements)]
    if file_format in ("cssr", "res"):
        return frames_by_pymatgen(text, file_format)
    return frames_by_ase(text, file_format)
