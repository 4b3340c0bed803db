"""Which frames of a file: ASE's notation, "file@0", "file@-1", "file@::10"."""

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from crystutor.arguments import InputError, require
from crystutor.crystal.reading.parsers import Load

Frame = tuple[int, bool, Load]  # its number, whether the file has several, what reads it


def split_index(path: str | Path, index: str | int | slice = ":") -> tuple[str, int | slice]:
    """Take "file@::10" apart, unless a file has that name."""
    require("path", path, isinstance(path, str | Path), "the name of a file")
    require("index", index, isinstance(index, str | int | slice), "0, -1, ':' or '::10'")
    text = str(path)
    found = re.fullmatch(r"(.+)@([-\d:]+)", text)
    if found and not Path(text).exists():
        text, index = found[1], found[2]
    return text, _index(index) if isinstance(index, str) else index


def _index(text):
    try:
        if ":" not in text:
            return int(text)
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) <= 3 and 0 not in parts[2:]:
            return slice(*parts)
    except ValueError:
        pass
    raise InputError(f"index '{text}': 0, -1, ':' or '::10' are accepted")


def select_frames(frames: Iterator[Load], index: int | slice) -> Iterator[Frame]:
    """Choose frames; only what negative indices need is kept in memory."""
    numbered = _numbered(frames)
    if isinstance(index, int):
        return iter([_one(numbered, index)])
    start, stop, step = index.start or 0, index.stop, index.step or 1
    if start >= 0 and step > 0 and (stop is None or stop >= 0):
        return islice(numbered, start, stop, step)
    if start < 0 and step > 0 and stop is None:
        return islice(deque(numbered, maxlen=-start), 0, None, step)
    return iter(list(numbered)[index])


def _numbered(frames: Iterator[Load], several: bool = False) -> Iterator[Frame]:
    """Number frames, and look one ahead to know whether there are several."""
    number, load = 0, next(frames, None)
    while load is not None:
        try:
            following, problem = next(frames, None), None
        except ValueError as error:
            following, problem = None, error
        several |= following is not None or problem is not None
        yield number, several, load
        number, load = number + 1, following
        if problem:
            raise problem


def _one(numbered, index):
    """The one frame of an index, which may count from the end."""
    if index >= 0:
        found = next(islice(numbered, index, None), None)
    else:
        last = deque(numbered, maxlen=-index)
        found = last[0] if len(last) == -index else None
    if found is None:
        raise InputError(f"it has no frame {index}; fewer frames are found")
    return found
