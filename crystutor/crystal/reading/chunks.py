"""The text of each frame, and whether it has as many atoms as it announces."""

import itertools
import re
from collections.abc import Iterator

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import element_of
from crystutor.crystal.structures import check_number

REAL = r"[-+]?\d*\.?\d+\S*"
COUNTS = {  # format: where atoms are announced, where they begin and end, and what one looks like
    "cssr": (
        r"\A.*\n.*\n\s*(\d+)",
        r"\A(?:.*\n){4}",
        r"\Z",
        rf"^\s*\d+\s+\w+(?:\s+{REAL}){{3}}",
    ),
    "gen": (r"\A\s*(\d+)", r"\A.*\n.*\n", r"\Z", rf"^\s*\d+\s+\d+(?:\s+{REAL}){{3}}\s*$"),
    "xsf": (
        r"^\s*PRIMCOORD\b.*\n\s*(\d+)",
        r"^\s*PRIMCOORD\b.*\n.*\n",
        r"^\s*BEGIN|\Z",
        rf"^\s*\w+(?:\s+{REAL}){{3,6}}\s*$",
    ),
    "espresso-in": (
        r"^[^!\n]*\bnat\s*=\s*(\d+)",
        r"^\s*ATOMIC_POSITIONS.*\n",
        r"^\s*(?:[A-Z]+_[A-Z]+|OCCUPATIONS)\b|\Z",
        r"^\s*[A-Za-z]\S*(?:[ \t]+[^\s!]+){3}",
    ),
}
LINES = {  # of formats without a number
    "aims": r"^\s*atom(?:_frac)?\s",
    "castep-cell": rf"^\s*[A-Z][a-z]?\S*(?:[ \t]+{REAL}){{3}}",
}
AIMS = {"atom", "atom_frac", "lattice_vector", "constrain_relaxation", "velocity", "empty"}
AIMS |= {"initial_moment", "initial_charge", "symmetry_n_params", "symmetry_params"}
AIMS |= {"symmetry_lv", "symmetry_frac", "hessian_block", "trust_radius", "magnetic_response"}
AIMS |= {"pseudocore", "multipole", "homogeneous_field", "set_vacuum_level", "empty_frac"}


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
            raise InputError(
                f"not readable as extxyz, the number of atoms is needed, '{_short(line)}' is found"
            )
        check_number(n_atoms)
        frame = [line, *itertools.islice(lines, n_atoms + 1)]
        n_found = sum(bool(row.strip()) for row in frame[2:])
        if n_found < n_atoms:
            raise InputError(f"{n_atoms} atoms are announced, {n_found} lines of atoms are found")
        line = _next_with_text(lines)
        while line.startswith("VEC"):
            frame.append(line)
            line = _next_with_text(lines)
        if line and _number_of_atoms(line) is None:
            raise InputError(
                f"{n_atoms} atoms are announced, another line follows them: '{_short(line)}'"
            )
        yield "".join(frame)


def plain_symbols(frame: str) -> str:
    """Write the elements of a plain XYZ as ASE takes them: "Cu1" and "29" become "Cu"."""
    head, comment, rows = frame.split("\n", 2)
    if "Properties=" in comment:
        return frame
    rows = re.sub(r"^(\s*[A-Za-z]{1,2})\d+(?=\s)", r"\1", rows, flags=re.MULTILINE)
    rows = re.sub(r"^\s*(\d{1,3})(?=\s)", _symbol, rows, flags=re.MULTILINE)
    return "\n".join((head, comment, rows))


def _symbol(found):
    return element_of(int(found[1])).symbol


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
            raise InputError("not readable as lammps-dump-text, 'ITEM: TIMESTEP' is needed")
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
                raise InputError("not readable as vasp-xdatcar, 'Direct configuration=' is needed")
            continue
        fresh = False
        words = header[-1].split() if len(header) > 5 else []
        if not words or not all(word.isdecimal() for word in words):
            raise InputError("not readable as vasp-xdatcar, a head with numbers of atoms is needed")
        n_atoms = sum(map(int, words))
        check_number(n_atoms)
        rows = list(itertools.islice(lines, n_atoms))
        if sum(len(row.split()) >= 3 for row in rows) < n_atoms:
            raise InputError(f"{n_atoms} atoms are announced, {len(rows)} or fewer lines are found")
        yield "".join([*header, "Direct\n", *rows])
    if fresh and any(line.strip() for line in header):
        raise InputError("the file ends, or is no XDATCAR, after a head without coordinates")


def announced_atoms(text: str, file_format: str) -> int | None:
    """Number of atoms that each frame of a text must have, or None if it does not tell.

    Raises
    ------
    ValueError
        If the lines of atoms are more or fewer than announced, or a line of an FHI-aims file
        begins with an unknown word.
    """
    if file_format == "aims":
        _check_keywords(text)
    if file_format in LINES:
        return len(re.findall(LINES[file_format], text, re.MULTILINE))
    if file_format not in COUNTS or "ANIMSTEPS" in text:
        return None
    announced, start, end, atom = (re.compile(part, re.MULTILINE) for part in COUNTS[file_format])
    told, begin = announced.search(text), start.search(text)
    if told is None or begin is None:
        return None  # the parser will say what is missing
    block = text[begin.end() :]
    stop = end.search(block)
    found = len(atom.findall(block[: stop.start() if stop else None]))
    if found != int(told[1]):
        raise InputError(f"{int(told[1])} atoms are announced, {found} lines of atoms are found")
    return found


def _check_keywords(text):
    first = {line.split()[0] for line in text.split("\n") if line.split("#")[0].strip()}
    if first - AIMS:
        raise InputError(f"not readable as aims, '{min(first - AIMS)[:20]}' is no keyword")


def gaps_in_pdb(text: str) -> str:
    """Say so if a PDB's atoms are not numbered in sequence, or its end is missing."""
    numbers = re.findall(r"^(?:ATOM  |HETATM|TER   )([ \d]{5})", text, re.MULTILINE)
    serials = [int(number) for number in numbers if number.strip()]
    steps = {after - before for before, after in itertools.pairwise(serials)}
    models = text.count("\nENDMDL")
    if -1 < text.find("\nATOM") < text.find("\nCRYST1"):
        return "CRYST1 comes after atoms and is not used"
    if steps - {1} and models < 2:
        return "atoms are not numbered in sequence: some may be missing"
    return "" if re.search(r"^END", text, re.MULTILINE) else "no END: atoms may be missing"
