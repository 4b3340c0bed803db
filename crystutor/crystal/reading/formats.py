"""Which format a file has: by its name, else by its content. The names are ASE's."""

import fnmatch
import re
from pathlib import PurePath

from crystutor.arguments import InputError
from crystutor.crystal.reading.unpacking import COMPRESSED_SUFFIXES, decoded

SUFFIXES = {
    ".cif": "cif",
    ".mcif": "cif",
    ".vasp": "vasp",
    ".poscar": "vasp",
    ".contcar": "vasp",
    ".xsf": "xsf",
    ".cssr": "cssr",
    ".res": "res",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".gen": "gen",
    ".pdb": "proteindatabank",
    ".traj": "traj",
    ".db": "db",
    ".dump": "lammps-dump-text",
    ".lammpstrj": "lammps-dump-text",
    ".lammps": "lammps-data",
    ".lmp": "lammps-data",
    ".pwi": "espresso-in",
    ".pwo": "espresso-out",
    ".cell": "castep-cell",
    ".cube": "cube",
    ".cfg": "cfg",
    ".con": "eon",
    ".gro": "gromacs",
    ".xtl": "mustem",
    ".pos": "pos",
    ".epos": "epos",
}
NAMES = {  # upper case, in this order
    "*XDATCAR*": "vasp-xdatcar",
    "*POSCAR*": "vasp",
    "*CONTCAR*": "vasp",
    "CHGCAR*": "vasp",
    "AECCAR*": "vasp",
    "LOCPOT*": "vasp",
    "GEOMETRY.IN*": "aims",
    "*OUTCAR*": "vasp-out",
    "*VASP*.XML": "vasp-xml",
    "*.XV": "siesta-xv",
}
MAGIC = {b"- of UlmASE-Trajectory": "traj", b"SQLite format 3\x00": "db"}
NUMBER = r"[-+.\deE]+"
CONTENT = {  # the first that is found in the first 64 kB of a text, with ^ for the start of a line
    "lammps-dump-text": r"\A\s*ITEM: ",
    "cif": r"^data_\S*\s[\s\S]*^\s*_(cell_length|atom_site|symmetry|space_group)",
    "vasp-xdatcar": r"^\s*Direct configuration=",
    "extxyz": r"\A\s*\d+[ \t]*\n[^\n]*\n\s*[A-Z][a-z]?[\w:]*([ \t]+[-+.\deE]+){3}",
    "espresso-in": r"^\s*&(system|control)\b",
    "lammps-data": r"^\s*\d+\s+atoms\b[\s\S]*^[^\n]*\bxlo\s+xhi\b",
    "aims": r"^\s*(lattice_vector|atom|atom_frac)([ \t]+[-+.\deE]+){3}",
    "json": r"\A\s*[\[{]\s*[\"{\[]",
    "xsf": r"^\s*(CRYSTAL|SLAB|ANIMSTEPS)\b[\s\S]*PRIMVEC",
    "yaml": r"^lattice:\s*$",
    "proteindatabank": r"^CRYST1\s",
    "espresso-out": r"^\s*Program PWSCF ",
    "aims-output": r"^\s*Invoking FHI-aims ",
    "vasp": rf"\A[^\n]*\n\s*{NUMBER}([ \t]+{NUMBER}){{0,2}}[^\n]*"  # comment, scale, edges, counts
    rf"(\n\s*{NUMBER}([ \t]+{NUMBER}){{2}}[^\n]*){{3}}\n([^\n]*\n)?[^\n]*\d",
}
BINARY = {"traj", "db", "pos", "epos"}
WHOLE_BY_ASE = {  # safe readers of ASE; of others the user names the format
    "castep-cell",
    "cfg",
    "cube",
    "eon",
    "gen",
    "gromacs",
    "mustem",
    "aims",
    "espresso-in",
    "proteindatabank",
    "xsf",
    "abinit-in",
    "castep-castep",
    "castep-geom",
    "castep-md",
    "crystal",
    "dftb",
    "dlp4",
    "dlp-history",
    "elk",
    "espresso-out",
    "aims-output",
    "gpumd",
    "jsv",
    "magres",
    "prismatic",
    "rmc6f",
    "sdf",
    "siesta-xv",
    "struct",
    "struct_out",
    "turbomole",
    "v-sim",
    "vasp-out",
    "vasp-xml",
    "xsd",
    "xtd",
    "xyz",
}
OWN = {*SUFFIXES.values(), *NAMES.values(), *CONTENT}
ALL_FORMATS = sorted(OWN | WHOLE_BY_ASE)
ALIASES = {
    "mcif": "cif",
    "poscar": "vasp",
    "xdatcar": "vasp-xdatcar",
    "lammps-dump": "lammps-dump-text",
    "pdb": "proteindatabank",
    "lammps": "lammps-data",
}
ACCEPTED_FORMATS = (
    "CIF (.cif, .mcif), VASP (POSCAR, CONTCAR, XDATCAR, CHGCAR, .vasp), extended XYZ (.xyz, "
    ".extxyz), LAMMPS data and dump, Quantum ESPRESSO and FHI-aims input, ASE (.traj, .db, .json), "
    "pymatgen (.json, .yaml), XSF, SHELX (.res), CSSR, DFTB+ (.gen), PDB, atom probe (.pos, .epos)"
)


class UnknownFormatError(InputError):
    """Neither the name nor the content of a file tells its format."""


def format_of(path: str, head: bytes, wanted: str | None = None) -> str:
    """Name the format of a file.

    Parameters
    ----------
    path
        Its name; a suffix of compression does not count. "-" tells nothing.
    head
        Its first bytes, unpacked.
    wanted
        The format as the user names it; then nothing is guessed.

    Raises
    ------
    UnknownFormatError
        If nothing tells the format. The message lists what is accepted.
    ValueError
        If `wanted` is no format, or the content contradicts the name.
    """
    if wanted is not None:
        name = ALIASES.get(wanted.lower(), wanted.lower())
        if name not in ALL_FORMATS:
            raise InputError(f"format '{wanted}' is unknown; accepted are {', '.join(ALL_FORMATS)}")
        return name
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    named = _by_name(path)
    if named in {"pos", "epos"} and _is_text(head):
        named = None  # a CONTCAR.pos, say
    if named in BINARY - {"pos", "epos"}:
        raise InputError(f"its content is not that of a .{named} file of ASE")
    if named not in BINARY and not _is_text(head):
        raise UnknownFormatError(f"this is a binary file; accepted are {ACCEPTED_FORMATS}")
    return named or _by_content(path, head)


def _by_name(path):
    name = PurePath(path).name
    while name.lower().endswith(COMPRESSED_SUFFIXES):
        name = name.rsplit(".", 1)[0]
    suffix = PurePath(name).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    return next((f for glob, f in NAMES.items() if fnmatch.fnmatchcase(name.upper(), glob)), None)


def _by_content(path, head):
    text = decoded(head).replace("\r\n", "\n").replace("\r", "\n")
    for name, pattern in CONTENT.items():
        if re.search(pattern, text, re.MULTILINE | re.IGNORECASE * (name == "espresso-in")):
            return name
    raise UnknownFormatError(
        f"unknown format '{PurePath(path).suffix}', and its content is none of the known; "
        f"accepted are {ACCEPTED_FORMATS}"
    )


def _is_text(head):
    return "\0" not in decoded(head)
