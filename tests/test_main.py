import json
import subprocess
import sys

import pytest
from pymatgen.core import Structure

from crystutor import EXAMPLES, build_prototype
from crystutor.__main__ import main

COPPER = str(EXAMPLES / "Cu.cif")
DAMAGED = str(EXAMPLES / "Cu_25_percent_vacancies.cif")


def test_a_line_for_each_file(capsys):
    assert main(["classify", COPPER, DAMAGED]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{COPPER}: Cu, 4 atoms: fcc ")
    assert second.startswith(f"{DAMAGED}: Cu, 192 atoms: fcc ")
    assert ", next " in second and "%" in second


def test_spglib_beside_it(capsys):
    assert main(["classify", "--spglib", DAMAGED]) == 0
    line = capsys.readouterr().out
    assert "Spglib: space group 1 at 0.001 Å, 1 at 0.01 Å, 1 at 0.1 Å" in line


def test_json(capsys, tmp_path):
    missing = str(tmp_path / "none.cif")
    assert main(["classify", "--json", "--spglib", COPPER, missing]) == 2
    copper, error = json.loads(capsys.readouterr().out)
    assert copper["class"] == "fcc" and copper["spglib"]["0.01"] == 225
    assert copper["cell"]["bravais"] == "cF" and copper["cell"]["n_cells"] == 1
    assert sum(copper["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert copper["schema"] == 2 and copper["overlap"] == 1
    assert copper["space_group"] == copper["site_space_group"]
    assert copper["space_group"] == {"number": 225, "symbol": "Fm-3m"}
    assert copper["class_of"] == "sites, elements ignored"
    assert copper["reason"] is None and copper["note"] == "" and copper["warnings"] == []
    assert error == {"schema": 2, "file": missing, "error": f"{missing}: no such file"}


def test_a_bad_file_does_not_stop_the_others(capsys, tmp_path):
    (tmp_path / "bad.cif").write_text("")
    assert main(["classify", str(tmp_path / "bad.cif"), COPPER]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1 and ": fcc " in captured.out
    assert captured.err == f"crystutor: error: {tmp_path / 'bad.cif'}: the file is empty\n"


def test_an_isolated_atom(capsys, tmp_path):
    path = tmp_path / "POSCAR"
    Structure([[30, 0, 0], [0, 30, 0], [0, 0, 30]], ["Cu"], [[0, 0, 0]]).to(str(path), fmt="poscar")
    assert main(["classify", str(path)]) == 2
    error = capsys.readouterr().err
    assert "the atoms are isolated, the nearest neighbour is 30 Å away or more" in error
    assert error.startswith(f"crystutor: error: {path}: ")


def test_two_atoms_in_one_place(capsys, tmp_path):
    path = tmp_path / "double.xyz"
    path.write_text('2\nLattice="4 0 0 0 4 0 0 0 4" pbc="T T T"\nAg 0 0 0\nAg 0.05 0 0\n')
    assert main(["classify", str(path)]) == 2
    error = capsys.readouterr().err
    assert error == (
        f"crystutor: error: {path}: two atoms are 0.050 Å apart; at least 0.1 Å is accepted\n"
    )


def test_a_slab_is_a_finite_sample_and_a_warning_says_so(capsys, tmp_path):
    slab = build_prototype("fcc").make_supercell([4, 4, 4], in_place=False)
    matrix = slab.lattice.matrix + [[0, 0, 0], [0, 0, 0], [0, 0, 15]]
    path = tmp_path / "slab.vasp"
    Structure(matrix, slab.species, slab.cart_coords, coords_are_cartesian=True).to(str(path))
    assert main(["classify", "--json", "--spglib", str(path)]) == 0
    captured = capsys.readouterr()
    (answer,) = json.loads(captured.out)
    assert answer["class"] == "fcc" and answer["cell"]["n_cells"] is None
    assert answer["warnings"] == ["vacuum along c: taken as finite along c"]
    assert answer["note"] == "finite along c"
    assert f"crystutor: warning: {path}: vacuum along c" in captured.err


def test_a_particle_without_a_lattice(capsys, tmp_path, copper):
    path = tmp_path / "particle.xyz"
    lines = [f"Cu {x:.4f} {y:.4f} {z:.4f}" for x, y, z in copper.cart_coords]
    path.write_text("\n".join([str(len(lines)), "particle", *lines]))
    assert main(["classify", "--spglib", str(path)]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{path}: Cu, 256 atoms: fcc ")
    assert line.endswith(
        "; a finite sample; space group Fm-3m (225); Spglib was not tried on a finite sample\n"
    )


def test_no_class_but_a_reason(capsys, tmp_path):
    path = tmp_path / "water.xyz"
    path.write_text("3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    assert main(["classify", "--json", str(path)]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["class"] is None and answer["probability"] == 0 and answer["cell"] is None
    assert answer["reason"] == "too few atoms"
    assert main(["classify", str(path)]) == 0
    assert "no class: 3 atoms of a finite sample; 40 or more" in capsys.readouterr().out


def test_as_a_module_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "crystutor", "classify", str(tmp_path / "none.cif")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1 and "no such file" in run.stderr


def test_lab_says_where_to_run_it(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("crystutor.__main__.__file__", str(tmp_path / "site" / "pkg" / "m.py"))
    assert main(["lab"]) == 2
    assert "no folder 'notebooks' here" in capsys.readouterr().err


def test_lab_opens_the_first_notebook(monkeypatch):
    started = []
    monkeypatch.setattr("os.execv", lambda _, command: started.extend(command))
    main(["lab", "--no-browser"])
    assert any(word.endswith("00_start_here.ipynb") for word in started)
    assert "--no-browser" in started
