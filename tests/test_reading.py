import pytest
from pymatgen.core import Molecule

from crystutor import build_prototype, read_structure, space_group

SILVER_XYZ = """1
Lattice="4.0 0 0 0 4.0 0 0 0 4.0" Properties=species:S:1:pos:R:3 pbc="T T T"
Ag 0.0 0.0 0.0
"""


def cif(site, cell="_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n"):
    angles = "".join(f"_cell_angle_{name} 90\n" for name in ("alpha", "beta", "gamma"))
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    loop = "loop_\n" + "".join(f"_atom_site_{column}\n" for column in columns)
    return f"data_x\n{cell}{angles}_symmetry_space_group_name_H-M 'P 1'\n{loop}{site}\n"


@pytest.mark.parametrize(
    "name", ["Cu.cif", "POSCAR", "CONTCAR_relaxed", "Cu.vasp", "Cu.json", "Cu.xsf"]
)
def test_reads_what_pymatgen_writes(tmp_path, name):
    path = tmp_path / name
    fmt = {"json": "json", "cif": "cif", "xsf": "xsf"}.get(name.split(".")[-1], "poscar")
    copper = build_prototype("fcc", "Cu")
    path.write_text(copper.to(fmt=fmt))
    read = read_structure(path)
    assert read.composition == copper.composition
    assert read.volume == pytest.approx(copper.volume, rel=1e-4)
    assert list(tmp_path.iterdir()) == [path]


def test_reads_extended_xyz(tmp_path):
    path = tmp_path / "Ag.xyz"
    path.write_text(SILVER_XYZ)
    assert read_structure(path).composition.formula == "Ag1"


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


def test_a_large_cif_is_read_as_a_small_one(tmp_path, monkeypatch):
    path = tmp_path / "Sn.cif"
    path.write_text(build_prototype("beta-Sn").to(fmt="cif", symprec=1e-3))
    small = read_structure(path)
    monkeypatch.setattr("crystutor.crystal.reading.LARGE_CIF", 0)
    large = read_structure(path)
    assert len(large) == len(small) == 4
    assert large.volume == pytest.approx(small.volume)
    assert space_group(large, 1e-3) == 141


def test_oxidation_states_are_dropped(tmp_path):
    path = tmp_path / "Cu.json"
    path.write_text(
        build_prototype("fcc", "Cu").add_oxidation_state_by_element({"Cu": 0}).to(fmt="json")
    )
    assert {str(species) for species in read_structure(path).species} == {"Cu"}


BAD_FILES = {
    "empty.cif": ("", "the file is empty"),
    "binary.cif": ("data_\0\1\2", "binary file"),
    "notes.docx": ("hello", "unknown format '.docx'; accepted are CIF"),
    "noext": ("hello", "unknown format ''"),
    "words.cif": ("hello", "not readable as cif"),
    "POSCAR_words": ("hello\nworld", "not readable as poscar"),
    "no_atoms.cif": (cif(""), "not readable as cif|no atoms"),
    "partial.cif": (cif("Cu1 Cu 0 0 0 0.5"), "partially occupied"),
    "nan.xyz": (SILVER_XYZ.replace("Ag 0.0", "Ag nan"), "NaN"),
    "nan_cell.xyz": (SILVER_XYZ.replace("4.0", "nan"), "NaN"),
    "flat.xyz": (SILVER_XYZ.replace("0 0 4.0", "0 4.0 0"), "zero volume"),
    "flat_slab.xyz": (SILVER_XYZ.replace("0 4.0 0", "4.0 0 0").replace("T T T", "T T F"), "volume"),
    "nan_molecule.xyz": ("1\nwater\nO 0 0 nan\n", "NaN"),
    "heavy.cif": (cif("Fm1 Fm 0 0 0 1"), "Fm has Z = 100; up to Z = 96"),
    "dummy.cif": (cif("X1 X 0 0 0 1"), "species X.* is not a chemical element"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named_in_one_line(tmp_path, name):
    content, message = BAD_FILES[name]
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_structure(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_structure(tmp_path / "none.cif")
    with pytest.raises(ValueError, match="this is a folder"):
        read_structure(tmp_path)
