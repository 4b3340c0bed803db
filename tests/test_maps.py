import csv
import json
from concurrent.futures import ThreadPoolExecutor

import ase.io
import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from crystutor import (
    build_polycrystal,
    build_prototype,
    displace_atoms,
    map_structure,
    remove_atoms,
)
from crystutor.crystal.samples import finite_sample, sample_of
from crystutor.executors import open_executor
from crystutor.maps import survey as survey_module
from crystutor.maps.boxes import Surroundings, boxes_of
from crystutor.maps.orientations import misorientations
from crystutor.maps.windows import grid_of_centers

FCC, BCC = build_prototype("fcc", "Cu"), build_prototype("bcc", "W")
EDGE = 40.0


@pytest.fixture(scope="module")
def bicrystal():
    """Two grains, and how deep inside each of their atoms lies [Å]."""
    crystal = build_polycrystal([FCC, BCC], EDGE, seed=4)
    grains = np.array(crystal.site_properties["grain"])
    trees = [cKDTree(np.mod(crystal.cart_coords[grains == n], EDGE), boxsize=EDGE) for n in (0, 1)]
    places = np.mod(crystal.cart_coords, EDGE)
    depths = np.where(grains == 0, trees[1].query(places)[0], trees[0].query(places)[0])
    return crystal, grains, depths


@pytest.fixture(scope="module")
def bicrystal_map(bicrystal):
    return map_structure(bicrystal[0])


def test_every_atom_inside_a_grain_gets_its_class(bicrystal, bicrystal_map):
    _, grains, depths = bicrystal
    inside = depths > 6
    labels = np.array(["fcc", "bcc"])[grains]
    assert inside.sum() > 1000
    assert (bicrystal_map.atom_labels[inside] == labels[inside]).mean() > 0.99
    assert {grain.label for grain in bicrystal_map.grains} == {"fcc", "bcc"}
    assert sum(grain.n_atoms for grain in bicrystal_map.grains) < len(
        grains
    )  # the boundary is none


def test_orientations_are_those_that_were_built(bicrystal, bicrystal_map):
    crystal, grains, _ = bicrystal
    for grain in bicrystal_map.grains:
        members = grains[bicrystal_map.atom_grains == grain.number]
        true = crystal.properties["orientations"][np.bincount(members).argmax()]
        angle = misorientations(
            Rotation.from_quat(true), Rotation.from_quat(grain.orientation), grain.bravais
        )
        assert angle < 0.1
        assert grain.space_group == {"fcc": 225, "bcc": 229}[grain.label]


def test_vacancies_and_noise(bicrystal):
    crystal, grains, depths = bicrystal
    noisy = displace_atoms(crystal, 0.1, seed=1)
    kept = np.sort(np.random.default_rng(1).choice(len(crystal), int(0.75 * len(crystal)), False))
    broken = Structure.from_sites([noisy[n] for n in kept])
    found = map_structure(broken)
    inside = depths[kept] > 6
    labels = np.array(["fcc", "bcc"])[grains[kept]]
    assert (found.atom_labels[inside] == labels[inside]).mean() > 0.96
    assert len(found.grains) == 2


def test_one_crystal_is_one_grain_across_the_periodic_boundary():
    found = map_structure(FCC.make_supercell(8, in_place=False), stride=10.0)
    (grain,) = found.grains
    assert (grain.label, grain.volume_share) == ("fcc", 1.0)
    assert found.boundaries == ()


def test_twins_share_a_boundary_of_60_degrees():
    """Fcc layers ABC... then CBA...: the two are turned by 60 degrees about their normal."""
    heights = [*range(12), *range(12, 0, -1)]
    layers = np.array([[n % 3 / 3, -(n % 3) / 3, k / len(heights)] for k, n in enumerate(heights)])
    a, d = 2.556, 2.556 * np.sqrt(2 / 3)
    lattice = Lattice.hexagonal(a, d * len(heights))
    twin = Structure(lattice, ["Cu"] * len(layers), layers).make_supercell((10, 10, 1))
    found = map_structure(twin)
    assert [grain.label for grain in found.grains] == ["fcc", "fcc"]
    (boundary,) = found.boundaries
    assert boundary.misorientation == pytest.approx(60, abs=0.5)


def test_a_liquid_is_no_grain():
    rng = np.random.default_rng(1)
    places = cKDTree(rng.uniform(0, 30, (40_000, 3)), boxsize=30)
    kept = np.ones(40_000, bool)
    for n, near in enumerate(places.query_ball_point(places.data, 2.0)):
        if kept[n]:
            kept[[k for k in near if k > n]] = False
    liquid = Structure(Lattice.cubic(30), ["Cu"] * kept.sum(), places.data[kept] / 30)
    found = map_structure(liquid, stride=10.0)
    assert found.grains == ()
    assert (found.atom_labels == "").all()
    assert found.describe() == f"no grain: {kept.sum()} atoms (100.0%)"


def test_a_particle_needs_no_box():
    block = FCC.make_supercell(10, in_place=False)
    middle = block.cart_coords - block.cart_coords.mean(axis=0)
    ball = np.linalg.norm(middle, axis=1) < 15

    found = map_structure(Molecule(["Cu"] * ball.sum(), middle[ball]))
    assert [grain.label for grain in found.grains] == ["fcc"]
    assert (found.atom_labels == "fcc").mean() > 0.95


def test_a_vacuum_is_told():
    slab = FCC.make_supercell((6, 6, 8), in_place=False)
    matrix = slab.lattice.matrix.copy()
    matrix[2] *= 1.8
    slab = Structure(matrix, slab.species, slab.cart_coords, coords_are_cartesian=True)
    found = map_structure(slab, stride=12.0)
    assert found.grains[0].label == "fcc"
    assert found.describe().endswith("vacuum along c: taken as finite along c")


def test_workers_and_ase_give_the_same_map(bicrystal, bicrystal_map):
    atoms = bicrystal[0].to_ase_atoms()
    with ThreadPoolExecutor(2) as executor:
        found = map_structure(atoms, executor=executor)
    assert (found.atom_labels == bicrystal_map.atom_labels).all()


def test_a_map_on_a_real_dask_cluster(bicrystal, bicrystal_map):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        open_executor(0, cluster.scheduler_address) as executor,
    ):
        found = map_structure(bicrystal[0], executor=executor)
    assert (found.atom_grains == bicrystal_map.atom_grains).all()


def test_a_map_goes_on_where_it_was_stopped(bicrystal, bicrystal_map, tmp_path, monkeypatch):
    folder = tmp_path / "windows"
    looked = []
    look = survey_module.look_at_windows

    def look_until_killed(task):
        looked.append(task)
        if len(looked) == 4:
            raise KeyboardInterrupt
        return look(task)

    monkeypatch.setattr(survey_module, "look_at_windows", look_until_killed)
    with pytest.raises(KeyboardInterrupt):
        map_structure(bicrystal[0], folder=folder)
    assert len(list(folder.glob("box_*.npz"))) == 3
    found = map_structure(bicrystal[0], folder=folder)
    assert len(looked) == 4 + len(list(folder.glob("box_*.npz"))) - 3
    assert (found.atom_grains == bicrystal_map.atom_grains).all()
    with pytest.raises(ValueError, match="windows of another sample, stride or number of atoms"):
        map_structure(bicrystal[0], stride=12.0, folder=folder)


def test_files_for_other_programs(bicrystal_map, tmp_path):
    bicrystal_map.write(tmp_path)
    atoms = ase.io.read(tmp_path / "atoms.xyz")
    assert atoms.pbc.all()
    assert set(atoms.arrays["class"]) == {"fcc", "bcc", "none"}
    assert (atoms.arrays["grain"] == bicrystal_map.atom_grains).all()
    assert atoms.arrays["orientation"].shape == (len(atoms), 4)
    with (tmp_path / "windows.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(bicrystal_map.windows)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [grain["class"] for grain in summary["grains"]] == [
        g.label for g in bicrystal_map.grains
    ]
    assert "nan" not in (tmp_path / "grains.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": 500.0}, "stride is 500.0 Å; a number from 1 to 40 Å is accepted"),
        ({"stride": 0.0}, "stride is 0.0 Å; a number from 1 to"),
        ({"n_atoms": 10}, "n_atoms is 10; a whole number from 40 to 2,000 is accepted"),
        ({"centers": [1.0, 2.0, 3.0]}, r"centers have shape \(3,\); \(n, 3\) is accepted"),
    ],
)
def test_bad_arguments(bicrystal, arguments, message):
    with pytest.raises(ValueError, match=message):
        map_structure(bicrystal[0], **arguments)


def test_bad_samples():
    with pytest.raises(ValueError, match="the sample has 4 atoms, a window 250"):
        map_structure(FCC)
    rng = np.random.default_rng(1)
    gas = Structure(Lattice.cubic(300), ["Ar"] * 300, rng.random((300, 3)))
    with pytest.raises(ValueError, match="the atoms are isolated"):
        map_structure(gas)
    with pytest.raises(ValueError, match="structure is 'four_grains.xyz'"):
        map_structure("four_grains.xyz")


def test_boxes_hold_each_point_once():
    sample = sample_of(remove_atoms(FCC.make_supercell(6, in_place=False), 0.3, seed=1))
    points = sample.fractions @ sample.box
    boxes = list(boxes_of(points, sample, 10.0))
    assert sorted(np.concatenate([box.members for box in boxes])) == list(range(len(points)))
    around = Surroundings(points, sample, 10.0)
    for box in boxes[::20]:
        wanted = sample.atoms_around(box.center, 9.0)[0]
        found = around.indices[around.around(box.center, 9.0)]
        assert sorted(found) == sorted(wanted)


def test_centers_of_windows_are_a_stride_apart():
    sample = sample_of(FCC.make_supercell(6, in_place=False))
    centers = grid_of_centers(sample, 8.0)
    edge = 6 * FCC.lattice.a
    distances, _ = cKDTree(centers, boxsize=edge).query(centers, k=2)
    assert distances[:, 1] == pytest.approx(edge / np.ceil(edge / 8.0))
    finite = grid_of_centers(finite_sample(sample.positions), 8.0)
    assert finite.min() > sample.positions.min()
    assert finite.max() < sample.positions.max()
