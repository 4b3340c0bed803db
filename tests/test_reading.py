import bz2
import gzip
import io
import lzma
import sys
import warnings

import ase.build
import ase.io
import numpy as np
import pytest
from pymatgen.core import Molecule, Structure

from crystutor import build_prototype, read_structure, read_structures, space_group
from crystutor.crystal.reading import unpacking

SILVER_XYZ = """1
Lattice="4.0 0 0 0 4.0 0 0 0 4.0" Properties=species:S:1:pos:R:3 pbc="T T T"
Ag 0.0 0.0 0.0
"""
POSCAR = "Na Cl\n1.0\n4 0 0\n0 4 0\n0 0 4\n Na Cl\n 1 1\nDirect\n0.0 0.0 0.0\n0.5 0.5 0.5\n"


def frames(*lengths):
    """An extended XYZ file; frame n holds a row of `lengths[n]` cells of copper."""
    file = io.StringIO()
    for length in lengths:
        ase.io.write(file, ase.build.bulk("Cu", cubic=True) * (length, 1, 1), format="extxyz")
    return file.getvalue()


def write(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    return path


def read_all(path, **options):
    return [(name.removeprefix(str(path)), len(s)) for name, s in read_structures(path, **options)]


def warnings_of(structure):
    return "; ".join(structure.properties.get("warnings", ()))


@pytest.mark.parametrize(
    "name", ["Cu.cif", "POSCAR", "CONTCAR_relaxed", "Cu.vasp", "Cu.json", "Cu.xsf", "Cu.yaml"]
)
def test_reads_what_pymatgen_writes(tmp_path, name):
    path = tmp_path / name
    suffix = name.split(".")[-1]
    fmt = suffix if suffix in ("json", "cif", "xsf", "yaml") else "poscar"
    copper = build_prototype("fcc", "Cu")
    path.write_text(copper.to(fmt=fmt))
    read = read_structure(path)
    assert read.composition == copper.composition
    assert read.volume == pytest.approx(copper.volume, rel=1e-4)
    assert list(tmp_path.iterdir()) == [path]


WRITTEN_BY_ASE = {
    "a.traj": "traj",
    "a.db": "db",
    "a.json": "json",
    "a.gen": "gen",
    "a.pdb": "proteindatabank",
    "a.xsf": "xsf",
    "a.cif": "cif",
    "a.lmp": "lammps-data",
    "a.cell": "castep-cell",
    "geometry.in": "aims",
    "XDATCAR": "vasp-xdatcar",
    "SPOSCAR": "vasp",
    "scf.pwi": "espresso-in",
    "no_suffix.of.salt": "vasp",
    "run_1": "vasp-xdatcar",
    "salt": "extxyz",
    "salt.in": "aims",
    "pw.in": "espresso-in",
    "salt.dat": "lammps-data",
}


@pytest.mark.parametrize("name", WRITTEN_BY_ASE)
def test_reads_what_ase_writes_by_name_and_by_content(tmp_path, name):
    salt = ase.build.bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    fmt = WRITTEN_BY_ASE[name]
    options = {
        "lammps-data": {"masses": True},
        "espresso-in": {"pseudopotentials": {"Na": "Na.upf", "Cl": "Cl.upf"}},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ase.io.write(tmp_path / name, salt, format=fmt, **options.get(fmt, {}))
    [(said, structure)] = read_structures(tmp_path / name)
    assert said == str(tmp_path / name)
    assert structure.composition.formula == "Na4 Cl4"
    assert structure.lattice.abc == pytest.approx([5.64] * 3, abs=1e-3)
    assert ("masses" in warnings_of(structure)) == (fmt == "lammps-data")


def test_a_file_without_a_lattice_is_a_molecule(tmp_path):
    path = tmp_path / "water.xyz"
    path.write_text("3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    water = read_structure(path)
    assert isinstance(water, Molecule)
    assert water.composition.formula == "H2 O1"
    assert water.cart_coords[1].tolist() == [0.96, 0, 0]


@pytest.mark.parametrize("height", ["4.0", "0"])
def test_a_box_may_repeat_along_some_axes_only(tmp_path, height):
    path = tmp_path / "slab.xyz"
    path.write_text(SILVER_XYZ.replace("T T T", "T T F").replace('4.0" P', f'{height}" P'))
    slab = read_structure(path)
    assert slab.lattice.pbc == (True, True, False)
    assert slab.cart_coords.tolist() == [[0, 0, 0]]


def test_oxidation_states_are_dropped(tmp_path):
    path = tmp_path / "Cu.json"
    path.write_text(
        build_prototype("fcc", "Cu").add_oxidation_state_by_element({"Cu": 0}).to(fmt="json")
    )
    assert {str(species) for species in read_structure(path).species} == {"Cu"}


@pytest.mark.parametrize(
    ("index", "found"),
    [
        (":", [0, 1, 2, 3]),
        ("1", [1]),
        ("-1", [3]),
        ("::2", [0, 2]),
        ("-2:", [2, 3]),
        (":-3", [0]),
        ("::-2", [3, 1]),
    ],
)
def test_frames_are_chosen_as_in_ase(tmp_path, index, found):
    path = write(tmp_path / "rows.xyz", frames(1, 2, 3, 4))
    wanted = [(f"@{n}", 4 * (n + 1)) for n in found]
    assert read_all(path, index=index) == wanted
    assert [(n, len(s)) for n, s in read_structures(f"{path}@{index}")] == [
        (f"{path}{n}", length) for n, length in wanted
    ]


def test_a_file_may_have_the_name_of_a_choice(tmp_path):
    path = write(tmp_path / "a.xyz@0", SILVER_XYZ)
    assert read_all(path) == [("", 1)]


@pytest.mark.parametrize("index", ["7", "-7", "9:"])
def test_a_frame_that_is_not_there(tmp_path, index):
    path = write(tmp_path / "rows.xyz", frames(1, 2))
    with pytest.raises(ValueError, match=r"rows\.xyz: .*(no frame|none with that index)"):
        read_all(path, index=index)


def test_one_structure_of_several_frames_is_the_last_with_a_warning(tmp_path):
    path = write(tmp_path / "rows.xyz", frames(1, 3))
    with pytest.warns(UserWarning, match=r"rows\.xyz@1: the last frame, 1, of several"):
        assert len(read_structure(path)) == 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_structure(f"{path}@0")) == 4


def test_frames_before_a_bad_one_are_read(tmp_path):
    path = write(tmp_path / "rows.xyz", frames(1, 2) + frames(1).replace("Cu ", "Zz ", 1))
    read = read_structures(path)
    assert [len(next(read)[1]) for _ in range(2)] == [4, 8]
    with pytest.raises(ValueError, match=r"rows\.xyz@2: not readable as extxyz"):
        next(read)


@pytest.mark.parametrize("name", ["t.traj", "t.db", "t.json"])
def test_every_frame_of_ases_files(tmp_path, name):
    rows = [ase.build.bulk("Cu", cubic=True) * (n, 1, 1) for n in (1, 2, 3)]
    ase.io.write(tmp_path / name, rows)
    assert read_all(tmp_path / name) == [("@0", 4), ("@1", 8), ("@2", 12)]


def test_xdatcar_with_one_head_and_with_many(tmp_path):
    head, coordinates = POSCAR.split("Direct\n")
    frame = "Direct configuration=     {}\n" + coordinates
    once = head + frame.format(1) + frame.format(2)
    wider = head.replace("4 0 0", "5 0 0")
    assert read_all(write(tmp_path / "XDATCAR", once)) == [("@0", 2), ("@1", 2)]
    both = write(tmp_path / "npt.xdatcar", once + wider + frame.format(3))
    assert [s.lattice.a for _, s in read_structures(both)] == [4, 4, 5]


PACKED = {
    "a.xyz.gz": gzip.compress,
    "a.xyz.bz2": bz2.compress,
    "a.xyz.xz": lzma.compress,
    "gzip_by_magic.xyz": gzip.compress,
    "utf16.xyz": lambda b: b.decode().encode("utf-16"),
    "utf16_without_mark.xyz": lambda b: b.decode().encode("utf-16-be"),
    "mark.xyz": lambda b: b"\xef\xbb\xbf" + b,
    "mac.xyz": lambda b: b.replace(b"\n", b"\r"),
    "windows.xyz": lambda b: b.replace(b"\n", b"\r\n"),
    "latin1.xyz": lambda b: b.replace(b'pbc="', b'note="\xc5" pbc="'),
    "blank_lines_at_the_end.xyz": lambda b: b + b"\n \n\n",
}


@pytest.mark.parametrize("name", PACKED)
def test_compression_and_encoding(tmp_path, name):
    path = write(tmp_path / name, PACKED[name](frames(1, 2).encode()))
    assert read_all(path) == [("@0", 4), ("@1", 8)]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(POSCAR.encode()))))
    [(name, structure)] = read_structures("-")
    assert name == "-"
    assert structure.composition.formula == "Na1 Cl1"


def test_an_expanding_archive_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST_WHOLE", 10_000)
    path = write(tmp_path / "bomb.cif.gz", gzip.compress(b"data_x\n" + b"# blank\n" * 10_000))
    with pytest.raises(ValueError, match="unpacked it is larger than"):
        read_structure(path)
    monkeypatch.setattr(unpacking, "LONGEST_LINE", 10_000)
    path = write(tmp_path / "bomb.xyz.gz", gzip.compress(b"1" * 100_000))
    with pytest.raises(ValueError, match="a line has a million characters"):
        read_structure(path)


CELL_VOLUME = POSCAR.replace("1.0\n", "-80.0\n", 1)
CARTESIAN = CELL_VOLUME.replace("Direct", "Cartesian").replace("0.5 0.5 0.5", "2 2 2")


@pytest.mark.parametrize("text", [CELL_VOLUME, CARTESIAN])
def test_a_negative_scale_is_the_volume_of_the_cell(tmp_path, text):
    structure = read_structure(write(tmp_path / "POSCAR", text))
    assert structure.volume == pytest.approx(80)
    assert np.sort(structure.frac_coords[1]) == pytest.approx([0.5] * 3)


def test_poscars_of_all_kinds(tmp_path):
    old = POSCAR.replace(" Na Cl\n", "", 1).replace("Na Cl\n", "salt\n", 1)
    [(_, invented)] = read_structures(write(tmp_path / "POSCAR", old))
    assert "names no elements: H Li invented" in warnings_of(invented)
    [(_, named)] = read_structures(tmp_path / "POSCAR", elements=["Mg", "O"])
    assert named.composition.formula == "Mg1 O1"
    assert not warnings_of(named)
    [(_, told)] = read_structures(write(tmp_path / "POSCAR", old.replace("salt", "K Br")))
    assert told.composition.formula == "K1 Br1"
    assert "comment" in warnings_of(told)
    scales = POSCAR.replace("1.0\n", "1.0 1.0 2.0\n", 1)
    assert read_structure(write(tmp_path / "POSCAR", scales)).lattice.abc == (4, 4, 8)
    charge = POSCAR + "\n 2 2 2\n 0.1 0.2 0.3 0.4 0.5\n 0.1 0.2 0.3\n"
    assert len(read_structure(write(tmp_path / "CHGCAR", charge))) == 2
    fixed = POSCAR.replace("Direct", "Selective\nDirect").replace("0.5\n", "0.5 T T F\n")
    assert len(read_structure(write(tmp_path / "POSCAR", fixed))) == 2


DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp ff
1 5
0 4
0 4
ITEM: ATOMS id type x y z
2 2 3 2 2
1 1 1 0 0
"""


def test_lammps_dumps_need_elements(tmp_path):
    path = write(tmp_path / "md.dump", DUMP + DUMP.replace("0\nITEM: N", "9\nITEM: N"))
    with pytest.raises(ValueError, match=r"md\.dump@0: .*types 1 to 2.* option elements"):
        read_all(path)
    [_, (name, structure)] = read_structures(path, elements=["Al", "Ni"])
    assert name.endswith("md.dump@1")
    assert [site.specie.symbol for site in structure] == ["Al", "Ni"]
    assert structure.lattice.pbc == (True, True, False)
    with pytest.raises(ValueError, match="1 given, the file has 2 types"):
        read_all(path, elements=["Al"])


def test_elements_of_a_dump_by_name_or_mass(tmp_path):
    named = DUMP.replace("type", "element").replace("2 2 3", "2 Ni 3").replace("1 1 1", "1 Al 1")
    [(_, structure)] = read_structures(write(tmp_path / "a.lammpstrj", named))
    assert structure.composition.formula == "Al1 Ni1"
    assert not warnings_of(structure)
    weighed = DUMP.replace("type", "mass").replace("2 2 3", "2 58.69 3").replace("1 1 1", "1 27 1")
    [(_, structure)] = read_structures(write(tmp_path / "a.lammpstrj", weighed))
    assert structure.composition.formula == "Al1 Ni1"
    assert "elements taken from masses" in warnings_of(structure)


def test_atom_probe_positions_are_a_finite_sample(tmp_path):
    positions = np.random.default_rng(0).uniform(-2, 2, (30, 3))
    records = np.column_stack([positions, np.full(30, 27.0)]).astype(">f4")
    path = write(tmp_path / "tip.pos", records.tobytes())
    with pytest.warns(UserWarning, match="all atoms taken as Fe"):
        tip = read_structure(path)
    assert isinstance(tip, Molecule)
    assert tip.cart_coords == pytest.approx(10 * positions, abs=1e-4)
    epos = np.column_stack([records, np.zeros((30, 7))]).astype(">f4").tobytes()
    [(_, tip)] = read_structures(write(tmp_path / "tip.epos", epos), elements=["Al"])
    assert tip.composition.formula == "Al30"


def test_documents_of_the_materials_project(tmp_path):
    copper = build_prototype("fcc", "Cu").to(fmt="json")
    path = write(tmp_path / "mp.json", f'[{{"structure": {copper}}}, {{"structure": {copper}}}]')
    assert read_all(path) == [("@0", 4), ("@1", 4)]
    module = copper.replace("pymatgen.core.structure", "os").replace('"Structure"', '"system"')
    assert len(read_structure(write(tmp_path / "safe.json", module))) == 4


QE = """&control
/
&system
 ibrav={}, celldm(1)=7.0, celldm(3)=1.5, nat=1, ntyp=1 ! ibrav=9
/
ATOMIC_SPECIES
Cu 63.5 Cu.upf
ATOMIC_POSITIONS alat
Cu 0.0 0.0 0.0
K_POINTS gamma
"""


@pytest.mark.parametrize(("ibrav", "share"), [(1, 1), (2, 1 / 4), (3, 1 / 2), (6, 1.5), (7, 0.75)])
def test_lattices_of_quantum_espresso(tmp_path, ibrav, share):
    copper = read_structure(write(tmp_path / "scf.pwi", QE.format(ibrav)))
    assert copper.volume == pytest.approx(share * (7 * 0.529177) ** 3, rel=1e-5)
    groups = {1: 221, 2: 225, 3: 229, 6: 123, 7: 139}
    assert space_group(copper, 1e-4) == groups[ibrav]


@pytest.mark.parametrize("symbol", ["Cu", "Cu1", "29", "CU"])
def test_symbols_of_plain_xyz_files(tmp_path, symbol):
    path = write(tmp_path / "two.xyz", f"2\n\n{symbol} 0 0 0\n{symbol} 0 0 2.5\n")
    assert read_structure(path).composition.formula == "Cu2"


BAD_FILES = {
    "empty.cif": ("", "the file is empty"),
    "binary.cif": ("data_\0\1\2", "binary file"),
    "notes.docx": ("hello", "unknown format '.docx'.*accepted are CIF"),
    "noext": ("hello", "unknown format ''"),
    "words.cif": ("hello", "not readable as cif"),
    "POSCAR_words": ("hello\nworld", "a POSCAR has at least 7 lines, 2 are found"),
    "nan.xyz": (SILVER_XYZ.replace("Ag 0.0", "Ag nan"), "NaN"),
    "nan_cell.xyz": (SILVER_XYZ.replace("4.0", "nan"), "NaN"),
    "flat.xyz": (SILVER_XYZ.replace("0 0 4.0", "0 4.0 0"), "zero volume"),
    "flat_slab.xyz": (SILVER_XYZ.replace("0 4.0 0", "4.0 0 0").replace("T T T", "T T F"), "volume"),
    "nan_molecule.xyz": ("1\nwater\nO 0 0 nan\n", "NaN"),
    "heavy.xyz": (SILVER_XYZ.replace("Ag", "Fm"), "Fm has Z = 100; up to Z = 96"),
    "few.xyz": (frames(1).rsplit("Cu", 1)[0], "4 atoms are announced, 3 lines of atoms"),
    "many.xyz": (frames(1) + "Cu 0 0 1\n", "4 atoms are announced, another line follows"),
    "huge.xyz": ("99999999999\n\nCu 0 0 0\n", "up to 1,000,000 are accepted"),
    "few.vasp": (POSCAR.replace("0.5 0.5 0.5", ""), "2 atoms are announced, coordinates of 1"),
    "many.vasp": (POSCAR + "0.25 0.25 0.75\n", "2 atoms are announced, more lines"),
    "few.dump": (DUMP.replace("1 1 1 0 0\n", ""), "2 atoms are announced, 1 lines"),
    "asymmetric.pdb": (
        "CRYST1    4.000    4.000    4.000  90.00  90.00  90.00 F m -3 m\n",
        "asymmetric unit",
    ),
    "end.gz": (gzip.compress(POSCAR.encode())[:-12], "compressed data end early"),
    "odd.pos": (b"\0" * 17, "16 bytes for each atom"),
    "not.traj": ("hello", "not that of a .traj file"),
    "monoclinic.pwi": (QE.format(12), "ibrav = 12 is not read"),
    "nothing.json": ("{}", "it holds no structure"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named_in_one_line(tmp_path, name):
    content, message = BAD_FILES[name]
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_structure(path)
    assert str(caught.value).startswith(f"{path}")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file_and_folder_and_unknown_format(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_structure(tmp_path / "none.cif")
    with pytest.raises(ValueError, match="this is a folder"):
        read_structure(tmp_path)
    with pytest.raises(ValueError, match="format 'word' is unknown; accepted are"):
        read_all(write(tmp_path / "a.xyz", SILVER_XYZ), format="word")


def test_the_format_may_be_named(tmp_path):
    path = write(tmp_path / "frames.txt", frames(1, 2))
    assert read_all(path, format="extxyz") == [("@0", 4), ("@1", 8)]
    [(_, structure)] = read_structures(write(tmp_path / "salt.xyz", POSCAR), format="vasp")
    assert isinstance(structure, Structure)
