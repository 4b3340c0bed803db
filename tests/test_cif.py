import re
import warnings

import numpy as np
import pytest
from pymatgen.io.cif import CifWriter

from crystutor import build_prototype, read_structure, read_structures, space_group

CUBIC = "".join(f"_cell_length_{edge} 4.0\n" for edge in "abc")
ANGLES = "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
HEXAGONAL = CUBIC.replace("c 4.0", "c 6.532"), ANGLES.replace("gamma 90", "gamma 120")
P1 = "_symmetry_space_group_name_H-M 'P 1'\n"
FCC = "_space_group_name_H-M_alt 'F m -3 m'\n"
DIAMOND = CUBIC.replace("4.0", "5.43")
COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")


def cif(sites, symmetry=FCC, cell=CUBIC, angles=ANGLES, name="x"):
    loop = "loop_\n" + "".join(f"_atom_site_{column}\n" for column in COLUMNS)
    return f"data_{name}\n{cell}{angles}{symmetry}{loop}{sites}\n"


def read(tmp_path, text):
    (tmp_path / "a.cif").write_text(text)
    [(_, structure)] = read_structures(tmp_path / "a.cif")
    return structure, "; ".join(structure.properties.get("warnings", ()))


def operators(*texts):
    return "loop_\n_space_group_symop_operation_xyz\n" + "".join(f"'{text}'\n" for text in texts)


SILVER = "Ag1 Ag 0 0 0 1"


@pytest.mark.parametrize(
    ("symmetry", "told"),
    [
        (FCC, ""),
        ("_symmetry_space_group_name_H-M Fm-3m\n", ""),
        ("_space_group_name_Hall '-F 4 2 3'\n", "from the Hall symbol"),
        ("_space_group_IT_number 225\n", "from the number"),
        ("_space_group.IT_number 225\n", "from the number"),
        (operators("x,y,z") + FCC, "1 operators are listed, 'F m -3 m' has 192: its name"),
        (operators("x,y,z", "-x,-y,-z", "x,-y") + FCC, "operators? .*(incomplete|not readable)"),
        (operators("x,y,z", "X, 1/2+Y, z+.5", "x+0.5,y,1/2+z", "x+1/2,y+1/2,z"), ""),
    ],
)
def test_symmetry_however_it_is_told(tmp_path, symmetry, told):
    silver, said = read(tmp_path, cif(SILVER, symmetry))
    assert silver.composition.formula == "Ag4"
    assert space_group(silver, 1e-3) == 225
    assert re.search(told, said) and bool(said) == bool(told)


@pytest.mark.parametrize(
    ("symmetry", "message"),
    [
        ("_space_group_name_H-M_alt 'F q -9 m'\n", "'F q -9 m' is unknown"),
        ("_space_group_IT_number 231\n", "number 231 is unknown"),
        (operators("x,y,z", "-y,x,z"), "operators of symmetry are incomplete or wrong"),
        (operators("x,y,z", "spam"), "an operator of symmetry is not readable"),
    ],
)
def test_what_cannot_be_expanded_is_an_error(tmp_path, symmetry, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, cif(SILVER, symmetry))


def test_no_symmetry_at_all_is_said(tmp_path):
    silver, said = read(tmp_path, cif(SILVER, ""))
    assert len(silver) == 1
    assert said == "no symmetry in the file: taken as P 1"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("F d -3 m :1", "0 0 0"),
        ("F d -3 m:2", "0.125 0.125 0.125"),
        ("F d -3 m S", "0 0 0"),
        ("F d -3 m Z", "0.125 0.125 0.125"),
        ("F d -3 m", "0 0 0"),
        ("F d -3 m", "0.125 0.125 0.125"),
    ],
)
def test_the_choice_of_the_origin(tmp_path, name, place):
    group = f"_space_group_name_H-M_alt '{name}'\n"
    silicon, said = read(tmp_path, cif(f"Si1 Si {place} 1", group, DIAMOND))
    assert len(silicon) == 8
    assert space_group(silicon, 1e-3) == 227
    assert ("origin not told" in said) == (name == "F d -3 m")


def test_formula_and_z_decide_and_are_checked(tmp_path):
    group = "_space_group_name_H-M_alt 'F d -3 m'\n"
    sites = "Mg1 Mg 0.375 0.375 0.375 1\nCu1 Cu 0 0 0 1"
    formula = "_chemical_formula_sum '{}'\n_cell_formula_units_Z 8\n"
    laves, said = read(tmp_path, cif(sites, group + formula.format("Cu2 Mg"), DIAMOND))
    assert laves.composition.formula == "Mg8 Cu16"
    assert "formula" not in said
    _, said = read(tmp_path, cif(SILVER, FCC + formula.format("Ag")))
    assert said == "the cell holds Ag4, the file's formula is Ag1, Z = 8"


def test_rhombohedral_axes_are_told_by_the_cell(tmp_path):
    group = "_space_group_name_H-M_alt 'R -3 m'\n"
    assert len(read(tmp_path, cif(SILVER, group, *HEXAGONAL))[0]) == 3
    assert len(read(tmp_path, cif(SILVER, group, CUBIC, ANGLES.replace("90", "70")))[0]) == 1


def test_a_cell_that_contradicts_its_symmetry_is_said(tmp_path):
    _, said = read(tmp_path, cif(SILVER, FCC, CUBIC.replace("c 4.0", "c 4.4")))
    assert "the cell's edges or angles do not fit its symmetry" in said


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_rounded_coordinates_stay_on_special_positions(tmp_path, digits):
    third, two_thirds = f"{1 / 3:.{digits}f}", f"{2 / 3:.{digits}f}"
    group = "_space_group_name_H-M_alt 'P 63/m m c'\n"
    magnesium, said = read(tmp_path, cif(f"Mg1 Mg {third} {two_thirds} 0.25 1", group, *HEXAGONAL))
    assert len(magnesium) == 2
    assert space_group(magnesium, 1e-5) == 194
    assert not said


@pytest.mark.parametrize("prototype", ["beta-Sn", "alpha-As", "diamond", "hcp"])
@pytest.mark.parametrize("operators_only", [True, False])
def test_prototypes_survive_with_operators_or_name_only(tmp_path, prototype, operators_only):
    crystal = build_prototype(prototype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = str(CifWriter(crystal, symprec=1e-3))
    text = re.sub(r"_chemical_formula_sum.*|_cell_formula_units_Z.*", "", text)
    named = re.sub(r"loop_\n _symmetry_equiv_pos_site_id\n.*?(?=loop_)", "", text, flags=re.S)
    bare = re.sub(r"_symmetry_space_group.*|_symmetry_Int.*", "", text)
    read_back, _ = read(tmp_path, bare if operators_only else named)
    assert space_group(read_back, 1e-3) == space_group(crystal, 1e-3)
    assert read_back.density == pytest.approx(crystal.density, rel=1e-3)


def test_shared_sites_give_the_majority(tmp_path):
    alloy, said = read(tmp_path, cif("Ni1 Ni 0 0 0 0.3\nPd1 Pd 0 0 0.001 0.7"))
    assert alloy.composition.formula == "Pd4"
    assert said == "partial occupancies on 4 of 4 sites: majority taken"


def test_partly_empty_sites(tmp_path):
    kept, said = read(tmp_path, cif("Cu1 Cu 0 0 0 0.5"))
    assert len(kept) == 4 and "partial occupancies" in said
    sites = f"{SILVER}\nI1 I 0.5 0.5 0.5 0.1"
    assert "4 sites less than half occupied left empty" in read(tmp_path, cif(sites))[1]
    with pytest.raises(ValueError, match="no atoms are left"):
        read(tmp_path, cif("Cu1 Cu 0 0 0 0.1"))


def test_occupancies_above_one_and_atoms_listed_twice_are_said(tmp_path):
    _, said = read(tmp_path, cif("Ni1 Ni 0 0 0 0.6\nPd1 Pd 0 0 0 0.5"))
    assert "occupancies up to 1.1 on a site, rescaled to 1" in said
    silver, said = read(tmp_path, cif(SILVER + "\nAg2 Ag 0 0.5 0.5 1"))
    assert len(silver) == 4
    assert "4 atoms merged with others at the same place" in said


def test_uncertainties_and_unknown_values(tmp_path):
    cell = CUBIC.replace("4.0", "4.00(2)")
    sites = "Ag1 Ag+ 0.0000(1) 0 0 ?\nH1 H ? ? ? .\nAg2 ? 0.5 0.5 0.5 1.00(3)"
    silver, said = read(tmp_path, cif(sites, P1, cell))
    assert silver.composition.formula == "Ag2"
    assert said == "1 sites without coordinates or atoms left out"


def test_several_blocks(tmp_path):
    path = tmp_path / "two.cif"
    silver, cell = cif(SILVER, name="silver"), cif("Po1 Po 0 0 0 1", P1, name="polonium")
    path.write_text("data_global\n_publ_section_title 'none'\n" + silver)
    assert [name for name, _ in read_structures(path)] == [str(path)]
    path.write_text("data_global\n_publ_section_title 'none'\n" + silver + cell)
    found = {name: structure.formula for name, structure in read_structures(path)}
    assert found == {f"{path}@0": "Ag4", f"{path}@1": "Po1"}
    path.write_text(silver + silver)
    assert len(list(read_structures(path))) == 2


def test_a_large_cif_is_read_as_a_small_one(tmp_path):
    sites = "\n".join(f"Ag{n} Ag {x:.4f} {y:.4f} 0.5 1" for n, (x, y) in enumerate(GRID))
    silver, said = read(tmp_path, cif(sites, P1, CUBIC.replace("4.0", "400")))
    assert len(silver) == len(GRID)
    assert not said


GRID = [(x, y) for x in np.arange(0, 1, 0.01) for y in np.arange(0, 1, 0.01)]


def test_a_magnetic_cif(tmp_path):
    magnetic = (
        "_space_group_magn.name_BNS 'P_I 4/n n c'\nloop_\n_space_group_symop_magn_operation.id\n"
        "_space_group_symop_magn_operation.xyz\n1 x,y,z,+1\n2 -x,-y,-z,+1\n"
        "loop_\n_space_group_symop_magn_centering.id\n_space_group_symop_magn_centering.xyz\n"
        "1 x,y,z,+1\n2 x+1/2,y+1/2,z+1/2,-1\n"
    )
    (tmp_path / "Cr.mcif").write_text(cif("Cr1 Cr 0 0 0 1", magnetic))
    chromium = read_structure(tmp_path / "Cr.mcif")
    assert space_group(chromium, 1e-3) == 229


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (cif(""), "not readable as cif"),
        (cif("X1 X 0 0 0 1"), "species X.* is not a chemical element"),
        (cif("Fm1 Fm 0 0 0 1"), "Fm has Z = 100; up to Z = 96"),
        (cif("Ag1 Ag 0 spam 0 1"), "atom Ag1: .* are no coordinates"),
        (cif("Ag1 Ag 0 0 0 -1"), "atom Ag1: .* are no coordinates"),
        (cif(SILVER, cell=CUBIC.replace("a 4.0", "a spam")), "_cell_length_a is 'spam'"),
        (cif(SILVER, cell=CUBIC.replace("a 4.0", "a 0")), "zero volume"),
        (cif(SILVER, cell=CUBIC.replace("a 4.0", "a 1e999")), "is .1e999., a number is needed"),
        (cif(SILVER, cell=CUBIC.replace("_cell_length_a 4.0\n", "")), "_cell_length_a, _b and _c"),
        (cif(SILVER, angles=ANGLES.replace("90", "120")), "zero volume"),
        (cif(SILVER) + "loop_\n_a\n_b\n1 2 3\n", "not readable as cif"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)
