"""From the arguments of a command line to structures: files, frames, folders, globs."""

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crystutor.arguments import InputError
from crystutor.crystal.reading.formats import UnknownFormatError
from crystutor.crystal.reading.frames import read_structures
from crystutor.crystal.samples import Atoms

FRAMES = re.compile(r"(.+)@(-?\d+|-?\d*:-?\d*(?::-?\d*)?)")  # ASE's notation: file@-1, file@::10
STANDARD_INPUT = "-"


@dataclass(frozen=True, eq=False)
class Entry:
    """A structure to classify, or the reason why there is none.

    Attributes
    ----------
    name : of the file, and the frame if it has several
    found : the structure, or the error
    is_skipped : whether it is a file of a folder, in no format that is known
    """

    name: str
    found: Atoms | ValueError
    is_skipped: bool = False


def read_entries(
    arguments: Sequence[str],
    index: str = ":",
    format: str | None = None,
    elements: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """Read what the arguments name, one structure after the other, in order.

    Parameters
    ----------
    arguments
        Files, with frames in ASE's notation behind an @, folders, globs, or "-" for standard input.
    index, format, elements
        As in `crystutor.read_structures`.
    """
    for argument in arguments:
        path, own_index = _without_frames(argument)
        paths = _expanded(path)
        if not paths:
            yield Entry(argument, InputError(f"{argument}: no file is found there"))
        for file in paths:
            frames = own_index or index
            yield from _entries_of(file, Path(path).is_dir(), frames, format, elements)


def _entries_of(file, in_folder, index, format, elements):
    try:
        for name, structure in read_structures(file, index, format, elements):
            yield Entry(name, structure)
    except UnknownFormatError as error:
        yield Entry(file, error, is_skipped=in_folder)
    except ValueError as error:
        yield Entry(file, error)


def _without_frames(argument):
    """Part "file@::10" into the file and "::10"; None if no frames are named."""
    parts = FRAMES.fullmatch(argument)
    if parts is None or Path(argument).exists():
        return argument, None
    return parts[1], parts[2]


def _expanded(path):
    """The files of a folder or a glob, sorted; anything else as it is."""
    if Path(path).is_dir():
        inside = sorted(Path(path).iterdir())
        return [str(f) for f in inside if f.is_file() and not f.name.startswith(".")]
    if path == STANDARD_INPUT or Path(path).exists() or not glob.has_magic(path):
        return [path]
    return [file for file in sorted(glob.glob(path, recursive=True)) if Path(file).is_file()]
