"""Good structure files in many formats, and what happens to files. For measure_files.py."""

import bz2
import gzip
import json
import lzma
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import ase.build
import ase.io
import numpy as np
from ase.io.jsonio import encode
from pymatgen.core import Molecule, Structure

from crystutor import build_prototype

Mutation = Callable[[bytes, np.random.Generator], bytes]
BINARY = (".traj", ".db", ".pos", ".epos")
NUMBER = re.compile(rb"(?<![\w.])[-+]?\d+\.?\d*(?![\w.])")
SPECIAL = (b"nan", b"inf", b"-inf", b"1e308", b"-1", b"0", b"99999999999", b"1e-300", b"***")
HALL = """data_{name}
_chemical_formula_sum '{formula}'
_cell_formula_units_Z {Z}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
{group}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{sites}
"""


def good_files(seed: int) -> dict[str, bytes]:
    """Write about 40 good files in more than 12 formats; the seed draws the noise on the atoms."""
    random = np.random.default_rng(seed)
    salt = ase.build.bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    copper = ase.build.bulk("Cu", cubic=True) * (2, 1, 1)
    copper.rattle(0.05, rng=random)
    slab = ase.build.fcc111("Al", (2, 2, 3), vacuum=6.0)
    water = ase.build.molecule("H2O")
    files = {**_of_ase(salt, "salt"), **_of_ase(copper, "copper")}
    files |= {
        "slab.xyz": _written(slab, "extxyz"),
        "water.xyz": _written(water, "xyz"),
        "water.in": _written(water, "aims"),
        "md.xyz": _written([copper, copper, copper], "extxyz"),
        "md.XDATCAR": _written([copper, copper], "vasp-xdatcar"),
        "md.traj": _written([copper, copper], "traj"),
        "md.db": _written([copper, salt], "db"),
        "two.json": _written([copper, salt], "json"),
        "one.json": encode(salt).encode(),
    }
    return files | _of_pymatgen(salt) | _own_texts(copper)


def _of_ase(atoms, name):
    symbols = sorted(set(atoms.symbols))
    return {
        f"{name}.xyz": _written(atoms, "extxyz"),
        f"{name}.cif": _written(atoms, "cif"),
        f"{name}.vasp": _written(atoms, "vasp", direct=True),
        f"{name}.lmp": _written(atoms, "lammps-data", masses=True),
        f"{name}.pwi": _written(atoms, "espresso-in", pseudopotentials=dict.fromkeys(symbols, "x")),
        f"geometry.in.{name}": _written(atoms, "aims"),
        f"{name}.xsf": _written(atoms, "xsf"),
        f"{name}.gen": _written(atoms, "gen"),
        f"{name}.pdb": _written(atoms, "proteindatabank"),
        f"{name}.cell": _written(atoms, "castep-cell"),
    }


def _written(atoms, fmt, **options):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, f"file.{fmt}")
        ase.io.write(path, atoms, format=fmt, **options)
        return path.read_bytes()


def _of_pymatgen(salt):
    crystal = Structure(salt.cell[:], list(salt.symbols), salt.get_scaled_positions())
    tin = build_prototype("beta-Sn")
    molecule = Molecule(["O", "C", "O"], np.array([[0, 0, -1.16], [0, 0, 0], [0, 0, 1.16]]))
    written = {
        "p1.cif": crystal.to(fmt="cif"),
        "tin.cif": tin.to(fmt="cif", symprec=1e-3),
        "crystal.json": crystal.to(fmt="json"),
        "molecule.json": molecule.to(fmt="json"),
        "crystal.yaml": crystal.to(fmt="yaml"),
        "crystal.cssr": crystal.to(fmt="cssr"),
        "crystal.res": crystal.to(fmt="res"),
        "POSCAR_tin": tin.to(fmt="poscar"),
        "mp.json": json.dumps([{"material_id": "x", "structure": crystal.as_dict()}], default=str),
    }
    return {name: str(text).encode() for name, text in written.items()}


def _own_texts(copper):
    rows = "\n".join(
        f"{n + 1} {1 + n % 2} {{}} {x:.6f} {y:.6f} {z:.6f}"
        for n, (x, y, z) in enumerate(copper.positions)
    )
    bounds = "".join(f"0.0 {edge:.4f}\n" for edge in copper.cell.lengths())
    dump = (
        f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(copper)}\nITEM: BOX BOUNDS pp pp pp\n"
        f"{bounds}ITEM: ATOMS id type element x y z\n{rows.format(*['Al', 'Ni'] * 4)}\n"
    )
    hall = "_space_group_name_Hall '-F 4 2 3'"
    name = "_space_group_name_H-M_alt 'F d -3 m :2'"
    records = np.column_stack([copper.positions / 10, np.full(len(copper), 63.0)]).astype(">f4")
    epos = np.column_stack([records, np.zeros((len(copper), 7))]).astype(">f4")
    return {
        "al_ni.dump": dump.encode(),
        "md.lammpstrj": 2 * dump.encode(),
        "hall.cif": HALL.format(
            name="Ag", formula="Ag", Z=4, a=4.08, group=hall, sites="Ag1 Ag 0 0 0"
        ).encode(),
        "spinel.cif": HALL.format(
            name="spinel",
            formula="Al2 Mg O4",
            Z=8,
            a=8.08,
            group=name,
            sites="Mg1 Mg 0.125 0.125 0.125\nAl1 Al 0.5 0.5 0.5\nO1 O 0.2624 0.2624 0.2624",
        ).encode(),
        "tip.pos": records.tobytes(),
        "tip.epos": epos.tobytes(),
    }


def _lines(content, random):
    lines = content.split(b"\n")
    return lines, int(random.integers(len(lines)))


def delete_line(content: bytes, random: np.random.Generator) -> bytes:
    """Lose one line."""
    lines, where = _lines(content, random)
    return b"\n".join(lines[:where] + lines[where + 1 :])


def duplicate_line(content: bytes, random: np.random.Generator) -> bytes:
    """Write one line twice."""
    lines, where = _lines(content, random)
    return b"\n".join(lines[: where + 1] + lines[where:])


def insert_line(content: bytes, random: np.random.Generator) -> bytes:
    """Copy a line to another place."""
    lines, where = _lines(content, random)
    lines.insert(int(random.integers(len(lines) + 1)), lines[where])
    return b"\n".join(lines)


def swap_lines(content: bytes, random: np.random.Generator) -> bytes:
    """Exchange two lines."""
    lines, where = _lines(content, random)
    other = int(random.integers(len(lines)))
    lines[where], lines[other] = lines[other], lines[where]
    return b"\n".join(lines)


def truncate(content: bytes, random: np.random.Generator) -> bytes:
    """Lose the end."""
    return content[: int(random.integers(len(content)))]


def flip_characters(content: bytes, random: np.random.Generator) -> bytes:
    """Change up to five characters into others, printable or not."""
    changed = bytearray(content)
    for where in random.integers(len(changed), size=random.integers(1, 6)):
        changed[where] = random.choice([random.integers(32, 127), random.integers(256)])
    return bytes(changed)


def special_number(content: bytes, random: np.random.Generator) -> bytes:
    """Put NaN, infinity or something huge in place of a number."""
    return _replace_number(content, random, lambda _: SPECIAL[random.integers(len(SPECIAL))])


def change_count(content: bytes, random: np.random.Generator) -> bytes:
    """Make a whole number one larger or smaller."""
    step = int(random.choice([-1, 1]))
    whole = re.compile(rb"(?<![\w.])\d+(?![\w.])")
    return _replace_number(content, random, lambda m: str(int(m) + step).encode(), whole)


def _replace_number(content, random, new, pattern=NUMBER):
    found = list(pattern.finditer(content))
    if not found:
        return content
    one = found[int(random.integers(len(found)))]
    return content[: one.start()] + new(one[0]) + content[one.end() :]


def wrong_encoding(content: bytes, random: np.random.Generator) -> bytes:
    """Encode in EBCDIC, or in half of UTF-16."""
    if random.random() < 0.5:
        return content.decode("latin-1").encode("cp037")
    return content.decode("latin-1").encode("utf-16")[: -1 - int(random.integers(9))]


def insert_zeros(content: bytes, random: np.random.Generator) -> bytes:
    """Put NUL bytes somewhere."""
    where = int(random.integers(len(content)))
    return content[:where] + b"\0" * int(random.integers(1, 50)) + content[where:]


def empty(content: bytes, random: np.random.Generator) -> bytes:
    """Leave nothing, or blanks."""
    return b" \n" * int(random.integers(3))


def break_archive(content: bytes, random: np.random.Generator) -> bytes:
    """Compress, then lose the end."""
    return truncate(gzip.compress(content), random)


def reorder_atoms(content: bytes, random: np.random.Generator) -> bytes:
    """Shuffle the last lines of a CIF that begin alike: its atoms."""
    head, tag, rest = content.rpartition(b"_atom_site_")
    lines = rest.split(b"\n")
    rows = [n for n, line in enumerate(lines) if n and len(line.split()) > 4]
    shuffled = random.permutation(rows)
    for row, line in zip(rows, [lines[n] for n in shuffled], strict=True):
        lines[row] = line
    return head + tag + b"\n".join(lines)


def comment(content: bytes, random: np.random.Generator) -> bytes:
    """Put a comment before the first line."""
    return b"# written by a program\n" + content


BREAKING: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        delete_line,
        duplicate_line,
        insert_line,
        swap_lines,
        truncate,
        flip_characters,
        special_number,
        change_count,
        wrong_encoding,
        insert_zeros,
        empty,
        break_archive,
    )
}
HARMLESS: dict[str, Mutation] = {
    "gzip": lambda content, _: gzip.compress(content),
    "bz2": lambda content, _: bz2.compress(content),
    "xz": lambda content, _: lzma.compress(content),
    "windows": lambda content, _: content.replace(b"\n", b"\r\n"),
    "mac": lambda content, _: content.replace(b"\n", b"\r"),
    "mark": lambda content, _: b"\xef\xbb\xbf" + content,
    "utf16": lambda content, _: content.decode().encode("utf-16"),
    "blank_end": lambda content, _: content + b"\n\n  \n",
    "no_end": lambda content, _: content.rstrip(b"\n"),
    "trailing_blanks": lambda content, _: content.replace(b"\n", b"  \n"),
    "reorder_atoms": reorder_atoms,
    "comment": comment,
}
ONLY = {"reorder_atoms": (".cif",), "comment": (".cif", ".lmp", ".cell", "water.in", ".yaml")}


def suits(name: str, mutation: str) -> bool:
    """Whether a harmless mutation leaves a file of that name valid."""
    if name.endswith(BINARY):
        return mutation in ("gzip", "bz2", "xz") or mutation in BREAKING
    return mutation not in ONLY or name.endswith(ONLY[mutation])
