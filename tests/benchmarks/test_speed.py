"""Timings, run by `make bench`; compare the medians of one run with each other."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import ase.io
import numpy as np
import psutil
import pytest
from scipy.spatial import cKDTree

from crystutor import (
    EXAMPLES,
    average_structure,
    build_cluster,
    build_convnet,
    build_prototype,
    classify,
    displace_atoms,
    find_average_cell,
    fingerprint,
    fingerprints,
    load_convnet,
    predict_probabilities,
    pristine_dataset,
    remove_atoms,
    space_group,
)
from crystutor.crystal.structures import build_structure
from crystutor.executors import open_executor
from crystutor.table1.benchmark import damaged_block
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.run_folder import Parameters
from crystutor.training.fit import Batches

PHASES = np.random.default_rng(0).uniform(-60, 60, (6, 2748, 256)).astype(np.float32)


@pytest.fixture(scope="module")
def damaged():
    return remove_atoms(build_cluster(build_prototype("fcc", "Cu")), 0.25, seed=1)


@pytest.fixture(scope="module")
def thousand():
    return [build_cluster(build_prototype("bcc", "Fe"))] * 1000


@pytest.mark.benchmark(group="fingerprint of 256 atoms")
def test_fingerprint(benchmark, copper):
    benchmark(fingerprint, copper)


@pytest.mark.benchmark(group="fingerprint of 256 atoms")
def test_cosine_and_sine_of_as_many_numbers(benchmark):
    benchmark(lambda: (np.cos(PHASES), np.sin(PHASES)))


@pytest.mark.benchmark(group="1,000 fingerprints")
def test_one_process(benchmark, thousand):
    benchmark.pedantic(fingerprints, args=[thousand], rounds=3)


@pytest.mark.benchmark(group="1,000 fingerprints")
def test_two_processes(benchmark, thousand):
    with ProcessPoolExecutor(2) as executor:
        fingerprints(thousand[:64], executor=executor)
        benchmark.pedantic(fingerprints, args=[thousand], kwargs={"executor": executor}, rounds=3)


@pytest.mark.benchmark(group="average cell")
def test_cell_of_256_sites(benchmark, damaged):
    benchmark(find_average_cell, damaged)


@pytest.mark.benchmark(group="average cell")
def test_cell_of_10000_atoms(benchmark):
    block = build_prototype("fcc", "Cu").make_supercell([14, 14, 13], in_place=False)
    benchmark.pedantic(find_average_cell, args=[block], rounds=3)


@pytest.mark.benchmark(group="average cell")
def test_average_structure_of_256_sites(benchmark, damaged):
    """The second witness takes what this takes more than the average cell."""
    benchmark(average_structure, damaged)


def disordered(n_atoms, seed=1):
    """Atoms pushed apart from random places until no two are closer than 2.2 Å."""
    box = 2.5 * np.cbrt(n_atoms / 1.05)
    points = np.random.default_rng(seed).random((n_atoms, 3)) * box
    for _ in range(60):
        pairs = cKDTree(points % box, boxsize=box).query_pairs(2.2, output_type="ndarray")
        apart = points[pairs[:, 0]] - points[pairs[:, 1]]
        apart -= box * np.round(apart / box)
        lengths = np.linalg.norm(apart, axis=1)[:, None]
        push = 0.4 * (2.25 - lengths) * apart / lengths
        np.add.at(points, pairs[:, 0], push)
        np.add.at(points, pairs[:, 1], -push)
    return build_structure(box * np.eye(3), np.full(n_atoms, 29), points / box)


def hot(repeats):
    block = build_prototype("fcc", "Cu").make_supercell(repeats, in_place=False)
    return displace_atoms(block, 0.2, seed=1)


@pytest.mark.benchmark(group="class of a large sample")
@pytest.mark.parametrize(
    ("make", "size", "label"),
    [(disordered, 8192, None), (disordered, 108_000, None), (hot, 30, "fcc"), (hot, 63, "fcc")],
    ids=["liquid, 8,192", "liquid, 108,000", "hot crystal, 108,000", "hot crystal, 1,000,188"],
)
def test_classify_a_large_sample(benchmark, make, size, label):
    """The largest is run alone to see its memory: /usr/bin/time -v pytest -k 1,000,188."""
    answer = benchmark.pedantic(classify, args=[make(size)], rounds=1 if size == 63 else 3)
    assert answer.label == label


@pytest.mark.benchmark(group="class")
@pytest.mark.parametrize("n", [1, 64])
def test_probabilities_from_images(benchmark, copper, n):
    images = np.repeat(fingerprint(copper)[None], n, axis=0)
    convnet = load_convnet()
    predict_probabilities(convnet, images)
    benchmark(predict_probabilities, convnet, images)


@pytest.mark.benchmark(group="class")
def test_classify_a_defective_supercell(benchmark, damaged):
    benchmark(classify, damaged)


@pytest.mark.benchmark(group="class")
def test_spglib_on_the_same(benchmark, damaged):
    benchmark(space_group, damaged, 0.01)


@pytest.fixture(scope="module")
def two_hundred():
    block = build_prototype("fcc", "Cu") * 4
    return [displace_atoms(block, 0.05, seed=seed) for seed in range(200)]


@pytest.mark.benchmark(group="classes of 200 structures of 256 atoms")
@pytest.mark.parametrize("workers", [1, 2])
def test_classify_with_workers(benchmark, two_hundred, workers):
    """Two processes against one; on two idle cores at least 1.7 times faster."""
    classify(two_hundred[:1])
    if workers == 1:
        benchmark.pedantic(classify, args=[two_hundred], rounds=1)
        return
    with open_executor(workers) as executor:
        classify(two_hundred[:20], executor=executor)
        options = {"executor": executor}
        benchmark.pedantic(classify, args=[two_hundred], kwargs=options, rounds=1)


@pytest.mark.benchmark(group="stages of crystutor reproduce table1, 35 crystals")
def test_sample_for_training(benchmark):
    benchmark.pedantic(pristine_dataset, args=[35, 1], rounds=3)


@pytest.mark.benchmark(group="stages of crystutor reproduce table1, 35 crystals")
@pytest.mark.parametrize("baseline_sample", [0, 1], ids=["", "and baselines on one"])
def test_sample_and_damage_at_all_levels(benchmark, baseline_sample):
    parameters = Parameters(size=35, baseline_sample=baseline_sample)
    benchmark.pedantic(damaged_block, args=[parameters, 0], rounds=3)


@pytest.mark.benchmark(group="stages of crystutor reproduce table1, 35 crystals")
def test_network_on_all_levels(benchmark, copper):
    images = np.repeat(fingerprint(copper)[None], 35 * len(LEVELS), axis=0)
    benchmark.pedantic(predict_probabilities, args=[load_convnet(), images], rounds=3)


@pytest.mark.benchmark(group="stages of crystutor reproduce table1, 35 crystals")
def test_train_an_epoch(benchmark):
    dataset = pristine_dataset(35, 1)
    batches = Batches(dataset.images, dataset.labels, np.arange(35), 35)
    convnet = build_convnet()
    benchmark.pedantic(convnet.fit, args=[batches], kwargs={"verbose": 0}, rounds=3)


@pytest.mark.benchmark(group="start")
def test_import(benchmark):
    command = [sys.executable, "-c", "import crystutor"]
    benchmark.pedantic(subprocess.run, args=[command], kwargs={"check": True}, rounds=5)


@pytest.mark.benchmark(group="start")
def test_classify_one_file(benchmark):
    """A small CIF, from the command to the end of the process; TensorFlow takes most of it."""
    command = [sys.executable, "-m", "crystutor", "classify", str(EXAMPLES / "Cu.cif")]
    benchmark.pedantic(subprocess.run, args=[command], kwargs={"check": True}, rounds=3)


@pytest.mark.benchmark(group="a trajectory of 200 frames of 256 atoms")
def test_classify_a_trajectory(benchmark, two_hundred, tmp_path):
    """Two workers; the memory of all processes does not grow, and stays below 1.8 GB."""
    path = tmp_path / "run.xyz"
    ase.io.write(path, [frame.to_ase_atoms() for frame in two_hundred], format="extxyz")
    command = [sys.executable, "-m", "crystutor", "classify", "--workers", "2", str(path)]
    lines, peak = benchmark.pedantic(run_and_watch, args=[command], rounds=1)
    assert lines == 200 and peak < 1.8


def run_and_watch(command):
    """Run a command; return its number of lines, and the peak memory of all processes [GB]."""
    lines, peak = 0, 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for lines, _ in enumerate(process.stdout, start=1):
            if lines % 10 == 0:
                parent = psutil.Process(process.pid)
                family = [parent, *parent.children(recursive=True)]
                peak = max(peak, sum(one.memory_info().rss for one in family) / 1e9)
    return lines, peak
