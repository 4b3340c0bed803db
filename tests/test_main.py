import csv
import io
import json
import os
import subprocess
import sys
from concurrent.futures import BrokenExecutor

import ase.io
import pytest
from pymatgen.core import Structure

from crystutor import EXAMPLES, build_polycrystal, build_prototype
from crystutor.__main__ import main

COPPER = str(EXAMPLES / "Cu.cif")
DAMAGED = str(EXAMPLES / "Cu_25_percent_vacancies.cif")


def test_a_line_for_each_file(capsys):
    assert main(["classify", COPPER, DAMAGED]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{COPPER}: Cu, 4 atoms: fcc ")
    assert second.startswith(f"{DAMAGED}: Cu, 192 atoms: fcc ")
    assert "fcc 99.99%; space group" in second


def test_spglib_beside_it(capsys):
    assert main(["classify", "--spglib", DAMAGED]) == 0
    line = capsys.readouterr().out
    assert "Spglib: space group 1 at 0.001 Å, 1 at 0.01 Å, 1 at 0.1 Å" in line


def test_json(capsys, tmp_path):
    missing = str(tmp_path / "none.cif")
    assert main(["classify", "--json", "--spglib", COPPER, missing]) == 2
    copper, error = map(json.loads, capsys.readouterr().out.splitlines())
    assert copper["class"] == "fcc" and copper["spglib"]["0.01"] == 225
    assert copper["cell"]["bravais"] == "cF" and copper["cell"]["n_cells"] == 1
    assert sum(copper["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert copper["schema"] == 3 and copper["overlap"] == 1
    assert copper["space_group"] == copper["site_space_group"]
    assert copper["space_group"] == {"number": 225, "symbol": "Fm-3m"}
    assert copper["class_of"] == "sites, elements ignored"
    assert copper["reason"] is None and copper["note"] == "" and copper["warnings"] == []
    assert error == {"schema": 3, "file": missing, "error": f"{missing}: no such file"}


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
    answer = json.loads(captured.out)
    assert answer["class"] == "fcc" and answer["cell"]["n_cells"] is None
    assert answer["warnings"] == ["vacuum along c: taken as finite along c"]
    assert answer["note"] == "finite along c"
    assert main(["classify", str(path)]) == 0
    line = capsys.readouterr().out
    assert line.endswith("; warning: vacuum along c: taken as finite along c\n")


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
    answer = json.loads(capsys.readouterr().out)
    assert answer["class"] is None and answer["probability"] == 0 and answer["cell"] is None
    assert answer["reason"] == "too few atoms"
    assert main(["classify", str(path)]) == 0
    assert "no class: 3 atoms of a finite sample; 40 or more" in capsys.readouterr().out


@pytest.fixture
def trajectory(tmp_path):
    """Five frames: copper, iron, and copper again."""
    path = tmp_path / "run.xyz"
    crystals = [build_prototype(*args) for args in (("fcc", "Cu"), ("bcc", "Fe"))]
    frames = [crystals[n] for n in (0, 1, 0, 1, 1)]
    ase.io.write(path, [frame.to_ase_atoms() for frame in frames], format="extxyz")
    return str(path)


def test_every_frame_in_order(capsys, trajectory):
    assert main(["classify", trajectory]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{trajectory}@{n}" for n in range(5)]
    found = [line.split(": ")[2].split()[0] for line in lines]
    assert found == ["fcc", "bcc", "fcc", "bcc", "bcc"]


@pytest.mark.parametrize(
    ("arguments", "formulas"),
    [(["{}@::2"], "Cu Cu Fe"), (["--index=:2", "{}", "{}@-1"], "Cu Fe Fe"), (["{}@2"], "Cu")],
)
def test_some_frames(capsys, trajectory, arguments, formulas):
    assert main(["classify", *(word.format(trajectory) for word in arguments)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in lines] == formulas.split()


def test_two_workers_say_the_same_in_the_same_order(capsys, trajectory, tmp_path):
    files = [f"{trajectory}@:3", str(tmp_path / "none.cif"), DAMAGED]
    assert main(["classify", "--json", *files]) == 2
    alone = capsys.readouterr()
    assert main(["classify", "--json", "--workers", "2", *files]) == 2
    together = capsys.readouterr()
    assert together.err == alone.err
    first, second = (list(map(json.loads, found.out.splitlines())) for found in (alone, together))
    assert len(first) == 5 and "error" in first[3]
    for one, other in zip(first, second, strict=True):
        assert other.pop("probabilities", {}) == pytest.approx(one.pop("probabilities", {}))
        assert other.pop("probability", 0) == pytest.approx(one.pop("probability", 0))
        assert one == other


def test_no_workers(capsys):
    assert main(["classify", "--workers", "0", COPPER]) == 2
    assert capsys.readouterr().err == "crystutor: error: workers is 0; 1 or more is accepted\n"


def test_csv(capsys, tmp_path):
    missing = str(tmp_path / "none.cif")
    assert main(["classify", "--csv", COPPER, missing]) == 2
    copper, error = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (copper["file"], copper["class"], copper["n_atoms"]) == (COPPER, "fcc", "4")
    assert (copper["space_group"], copper["symbol"], copper["bravais"]) == ("225", "Fm-3m", "cF")
    assert (error["file"], error["class"]) == (missing, "")
    assert error["error"] == f"{missing}: no such file"


def test_a_folder_and_a_glob(capsys, tmp_path):
    for name in ("b.cif", "a.cif"):
        (tmp_path / name).write_bytes((EXAMPLES / "Cu.cif").read_bytes())
    (tmp_path / "notes.txt").write_text("no crystal")
    assert main(["classify", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    names = [line.split(": ")[0] for line in captured.out.splitlines()]
    assert names == [str(tmp_path / "a.cif"), str(tmp_path / "b.cif")]
    notes = tmp_path / "notes.txt"
    assert captured.err == f"crystutor: skipped 1 file of unknown format: {notes}\n"
    assert main(["classify", str(notes)]) == 2  # named by the user, it is an error
    assert "unknown format" in capsys.readouterr().err
    assert main(["classify", str(tmp_path / "*.cif")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["classify", str(tmp_path / "*.xyz")]) == 2
    assert "*.xyz: no file is found there" in capsys.readouterr().err


def test_warnings_of_the_reader_are_on_the_line(capsys, monkeypatch):
    crystal = build_prototype("fcc", "Cu")
    crystal.properties["warnings"] = ("symmetry is missing: P1 is assumed",)
    monkeypatch.setattr(
        "crystutor.commands.inputs.read_structures", lambda *_: iter([("a.cif", crystal)])
    )
    assert main(["classify", "a.cif"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("; warning: symmetry is missing: P1 is assumed\n")
    assert captured.err == ""


def test_frames_before_a_bad_one_are_classified(capsys, monkeypatch):
    def read(*_):
        yield "a.xyz@0", build_prototype("fcc", "Cu")
        raise ValueError("a.xyz@1: the frame ends early")

    monkeypatch.setattr("crystutor.commands.inputs.read_structures", read)
    assert main(["classify", "a.xyz", "b.xyz"]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("a.xyz@0: Cu, 4 atoms: fcc") == 2
    assert captured.err == "crystutor: error: a.xyz@1: the frame ends early\n" * 2


def test_elements_may_stand_before_the_files(capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "crystutor.commands.inputs.read_structures", lambda *args: iter(seen.append(args) or [])
    )
    for words in (["--elements", "Al", "Ni", "a"], ["a", "--elements", "Al,Ni", "--format", "x"]):
        assert main(["classify", *words]) == 0
    assert seen == [("a", ":", None, ["Al", "Ni"]), ("a", ":", "x", ["Al", "Ni"])]
    assert main(["classify", "--elements", "Al"]) == 2
    assert "no FILE is given" in capsys.readouterr().err


def test_plot(capsys, trajectory, tmp_path):
    assert main(["classify", trajectory, "--plot", str(tmp_path / "run.png")]) == 0
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert main(["classify", trajectory, "--plot", str(tmp_path / "run.doc")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "no kind of image; accepted are .avif" in captured.err


def test_a_progress_bar_on_a_terminal_only(capsys, monkeypatch, trajectory):
    assert main(["classify", trajectory]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("crystutor.commands.classify.SLOW", 0)
    assert main(["classify", trajectory]) == 0
    captured = capsys.readouterr()
    assert "structures" in captured.err and len(captured.out.splitlines()) == 5


def test_a_closed_pipe_ends_quietly(trajectory):
    """So does an ASCII terminal, which has no Å; frames come from standard input."""
    command = [sys.executable, "-m", "crystutor", "classify", "--spglib", "-", trajectory]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    with (
        open(trajectory) as frames,
        subprocess.Popen(
            command, stdin=frames, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as run,
    ):
        first = run.stdout.readline()
        run.stdout.close()
        errors = run.stderr.read()
    assert first.startswith(b"-@0: Cu, 4 atoms: fcc") and b"at 0.001 A," in first
    assert (run.returncode, errors) == (0, b"")


def test_as_a_module_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "crystutor", "classify", str(tmp_path / "none.cif")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1 and "no such file" in run.stderr


@pytest.fixture(scope="module")
def polycrystal(tmp_path_factory):
    """A file of two frames; the last one holds two grains."""
    path = tmp_path_factory.mktemp("polycrystal") / "two_grains.xyz"
    crystals = [build_prototype("fcc", "Cu"), build_prototype("bcc", "W")]
    frames = crystals[0], build_polycrystal(crystals, 36.0, seed=4)
    ase.io.write(path, [frame.to_ase_atoms() for frame in frames])
    return str(path)


def test_map(polycrystal, tmp_path, capsys):
    folder = tmp_path / "map"
    command = ["map", polycrystal, "--workers", "1", "--out", str(folder)]
    assert main(command) == 0
    *grains, rest, warning, where = capsys.readouterr().out.splitlines()
    assert {grain.split()[2] for grain in grains} == {"fcc", "bcc"}
    assert warning == "warning: the last frame, 1, of several"
    assert rest.startswith("no grain: ") and where.endswith(f"are in {folder}")
    files = {path.name for path in folder.iterdir()}
    assert files == {"atoms.xyz", "windows.csv", "grains.csv", "summary.json", "map.png", "windows"}
    assert main([*command, "--stride", "30"]) == 2
    assert "holds windows of another sample, stride" in capsys.readouterr().err


def test_map_of_what_is_no_sample(tmp_path, capsys):
    assert main(["map", str(tmp_path / "none.xyz")]) == 2
    assert capsys.readouterr().err.endswith("none.xyz: no such file\n")
    assert main(["map", COPPER, "--workers", "1", "--out", str(tmp_path / "map")]) == 2
    assert "the sample has 4 atoms, a window 250" in capsys.readouterr().err
    assert not (tmp_path / "map").exists()


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (BrokenExecutor(), "a worker died, perhaps for lack of memory; what is finished is kept"),
        (OSError(28, "No space left on device"), "No space left on device; what is finished is"),
        (ConnectionError("no Dask scheduler answers"), "no Dask scheduler answers"),
    ],
)
def test_trouble_in_long_work(trouble, message, polycrystal, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise trouble

    monkeypatch.setattr("crystutor.maps.mapping.map_structure", fail)
    assert main(["map", polycrystal, "--workers", "1", "--out", str(tmp_path / "map")]) == 2
    assert message in capsys.readouterr().err
