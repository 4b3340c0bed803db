"""The text of each frame of a file of many frames, one at a time."""

import itertools
import re
from collections.abc import Iterator

from crystutor.crystal.structures import check_number


def extxyz_chunks(lines: Iterator[str]) -> Iterator[str]:
    """Split extended XYZ: a number of atoms, a comment, one line an atom.

    Raises
    ------
    ValueError
        If the lines are more or fewer than the number says.
    """
    line = _next_with_text(lines)
    while line:
        n_atoms = _number_of_atoms(line)
        if n_atoms is None:
            raise ValueError(
                f"not readable as extxyz, the number of atoms is needed, '{_short(line)}' is found"
            )
        check_number(n_atoms)
        frame = [line, *itertools.islice(lines, n_atoms + 1)]
        n_found = sum(bool(row.strip()) for row in frame[2:])
        if n_found < n_atoms:
            raise ValueError(f"{n_atoms} atoms are announced, {n_found} lines of atoms are found")
        line = _next_with_text(lines)
        while line.startswith("VEC"):
            frame.append(line)
            line = _next_with_text(lines)
        if line and _number_of_atoms(line) is None:
            raise ValueError(
                f"{n_atoms} atoms are announced, another line follows them: '{_short(line)}'"
            )
        yield "".join(frame)


def _number_of_atoms(line):
    words = line.split()
    return int(words[0]) if len(words) == 1 and re.fullmatch(r"\d{1,12}", words[0]) else None


def _next_with_text(lines):
    """Next line that is not blank, or ""."""
    return next((line for line in lines if line.strip()), "")


def _short(line):
    return " ".join(line.split())[:40]


def dump_chunks(lines: Iterator[str]) -> Iterator[str]:
    """Split a LAMMPS text dump at "ITEM: TIMESTEP"."""
    frame: list[str] = []
    for line in lines:
        if line.startswith("ITEM: TIMESTEP"):
            if frame:
                yield "".join(frame)
            frame = []
        elif not frame and line.strip():
            if line.startswith(("ITEM: UNITS", "ITEM: TIME")):
                next(lines, "")
                continue
            raise ValueError("not readable as lammps-dump-text, 'ITEM: TIMESTEP' is needed")
        frame.append(line)
    if frame:
        yield "".join(frame)


def xdatcar_chunks(lines: Iterator[str]) -> Iterator[str]:
    """Split an XDATCAR into POSCARs; the header may be repeated, as cells change.

    Raises
    ------
    ValueError
        If a frame ends early.
    """
    header: list[str] = []
    fresh = True
    for line in lines:
        if not line.lower().lstrip().startswith("direct config"):
            if not fresh:
                header, fresh = [], True
            header.append(line)
            if len(header) > 10:
                raise ValueError("not readable as vasp-xdatcar, 'Direct configuration=' is needed")
            continue
        fresh = False
        words = header[-1].split() if len(header) > 5 else []
        if not words or not all(word.isdecimal() for word in words):
            raise ValueError("not readable as vasp-xdatcar, a head with numbers of atoms is needed")
        n_atoms = sum(map(int, words))
        check_number(n_atoms)
        rows = list(itertools.islice(lines, n_atoms))
        if sum(len(row.split()) >= 3 for row in rows) < n_atoms:
            raise ValueError(f"{n_atoms} atoms are announced, {len(rows)} or fewer lines are found")
        yield "".join([*header, "Direct\n", *rows])
    if fresh and any(line.strip() for line in header):
        raise ValueError("the file ends, or is no XDATCAR, after a head without coordinates")
