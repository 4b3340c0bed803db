"""VASP: POSCAR, CONTCAR, SPOSCAR, the head of CHGCAR, one frame of XDATCAR."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from pymatgen.core import Element, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import crystal, with_warnings
from crystutor.crystal.structures import ZERO_VOLUME, check_number

INVENTED = ("H", "Li", "Be", "B", "C", "N", "O", "F", "Na", "Mg")


def poscar_lines(lines: Iterator[str]) -> Iterator[str]:
    """Lines up to the blank one after the coordinates; a charge density may fill gigabytes."""
    for number, line in enumerate(lines):
        yield line
        if number > 8 and not line.strip():
            return


def read_poscar(text: str, elements: Sequence[str] | None = None) -> Structure:
    """Read a POSCAR.

    Parameters
    ----------
    text
        The file; whatever follows the coordinates (velocities, a charge density) is not read.
    elements
        Elements of the groups of atoms, in order, for a file that does not name them.

    Returns
    -------
    Structure
        With a warning if elements had to be invented.

    Raises
    ------
    ValueError
        If lines are missing, or there are more coordinates than the counts say.

    Notes
    -----
    A negative scale is the volume of the cell [Å^3]; then Cartesian coordinates are multiplied
    by the same positive factor as the edges. pymatgen multiplies them by the negative number.
    """
    lines = text.split("\n")
    scale, edges = _cell(lines)
    symbols, counts, start = _groups(lines)
    start += lines[start].strip()[:1].lower() == "s"  # selective dynamics
    mode = lines[start].strip()[:1].lower()
    n_atoms = sum(counts)
    check_number(n_atoms)
    rows = [line.split() for line in lines[start + 1 : start + 1 + n_atoms]]
    coordinates = _coordinates(rows, n_atoms, lines[start + 1 + n_atoms :])
    if mode in "ck" and mode:
        coordinates = coordinates * scale @ np.linalg.inv(edges)
    names, warning = _names(symbols, counts, lines[0].split(), rows, elements)
    numbers = np.repeat([Element(name).Z for name in names], counts)
    structure = crystal(edges, numbers, coordinates)
    with_warnings(structure, warning)
    return structure


def _cell(lines):
    """Scale, shape (1,) or (3,), and scaled edges of the cell, shape (3, 3) [Å]."""
    if len(lines) < 7:
        raise InputError(f"a POSCAR has at least 7 lines, {len(lines)} are found")
    scale = np.array([_number(word, 2) for word in _leading_numbers(lines[1])])
    edges = np.array([[_number(w, 3 + i) for w in lines[2 + i].split()[:3]] for i in range(3)])
    if edges.shape != (3, 3) or len(scale) not in (1, 3):
        raise InputError("lines 2 to 5 of a POSCAR hold a scale and three lattice vectors")
    volume = abs(np.linalg.det(edges))
    if not volume > 0 or not scale.all():
        raise InputError(ZERO_VOLUME)
    if len(scale) == 1 and scale[0] < 0:
        scale = np.cbrt(-scale / volume)
    if (scale < 0).any():
        raise InputError("of three scales in line 2 of a POSCAR none may be negative")
    return scale, edges * scale


def _leading_numbers(line):
    """Words of a line up to the first that is no number, at most three."""
    words: list[str] = []
    for word in line.split()[:3]:
        if words and not re.match(r"[-+.\d]", word):
            break
        words.append(word)
    return words if len(words) != 2 else words[:1]


def _number(word, line):
    try:
        return float(word.lower().replace("d", "e"))
    except ValueError:
        raise InputError(f"line {line} holds '{word[:20]}' where a number is needed") from None


def _groups(lines):
    """Symbols (None in files of VASP 4), numbers of atoms, and the index of the next line."""
    symbols, where = None, 5
    words = lines[5].split()
    if words and not words[0].isdigit():
        symbols = [re.split(r"[_/.\d]", word)[0].capitalize() for word in words]
        where = 6
    counts = []
    for word in lines[where].split():
        if not word.isdecimal():
            break
        counts.append(int(word))
    if not sum(counts):
        raise InputError(f"line {where + 1} of a POSCAR holds the numbers of atoms; none is found")
    if symbols is not None and len(symbols) != len(counts):
        symbols = symbols[: len(counts)] if "!" in "".join(words) else symbols
        if len(symbols) != len(counts):
            raise InputError(f"{len(symbols)} names of elements, {len(counts)} numbers of atoms")
    if len(lines) < where + 3:
        raise InputError("the file ends before the coordinates")
    return symbols, counts, where + 1


def _coordinates(rows, n_atoms, rest):
    """Coordinates, shape (n, 3); as many as the counts say, and no more."""
    good = [row for row in rows if len(row) >= 3]
    if len(good) < n_atoms:
        raise InputError(f"{n_atoms} atoms are announced, coordinates of {len(good)} are found")
    if rest and _looks_like_an_atom(rest[0].split()):
        raise InputError(f"{n_atoms} atoms are announced, more lines of coordinates are found")
    return np.array([[_number(word, "of an atom") for word in row[:3]] for row in rows])


def _looks_like_an_atom(words):
    return len(words) >= 3 and all(re.fullmatch(r"[-+]?\d*\.\d+\S*", word) for word in words[:3])


def _names(symbols, counts, comment, rows, elements):
    """Name the element of each group, and say if the names were invented."""
    if elements is not None:
        return elements_for(elements, len(counts)), None
    if symbols is not None:
        return symbols, None
    if len(comment) == len(counts) and all(map(Element.is_valid_symbol, comment)):
        return comment, f"elements taken from the comment: {' '.join(comment)}"
    firsts = np.cumsum([0, *counts[:-1]])
    labels = [row[-1] if len(row) > 3 else "" for row in (rows[first] for first in firsts)]
    if all(map(Element.is_valid_symbol, labels)) and "F" not in labels:  # "F" may be "false"
        return labels, None
    if len(counts) > len(INVENTED):
        raise InputError("the file names no elements; give them by the option elements")
    names = INVENTED[: len(counts)]
    return names, f"the file names no elements: {' '.join(names)} invented"


def elements_for(elements: Sequence[str], n_types: int) -> list[str]:
    """Check the elements that the user names for the types of atoms of a file."""
    names = [str(name) for name in elements]
    for name in names:
        if not Element.is_valid_symbol(name):
            raise InputError(f"elements: '{name}' is not a chemical element")
    if len(names) < n_types:
        raise InputError(f"elements: {len(names)} given, the file has {n_types} types of atoms")
    return names[:n_types]
