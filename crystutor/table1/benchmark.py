"""Table 1 of the paper at full size: networks and symmetry finders on the same damaged crystals.

The work is done in blocks, and every finished block is a file. A run that was killed goes on where
it stopped.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE
from crystutor.diffraction import fingerprint
from crystutor.executors import map_in_order
from crystutor.files import read_csv, write_csv
from crystutor.table1.baselines import BASELINES
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.recipes import current_name
from crystutor.table1.run_folder import Parameters
from crystutor.training.random_crystals import PAPER_VARIETY, sample_cluster

BLOCK = 35
ROW = ("level", "method", "class", "answer", "n", "milliseconds")
NO_ANSWER = "none"


@dataclass(frozen=True)
class Network:
    """A trained network of a run.

    Attributes
    ----------
    name : name in the tables
    predict : function from images (n, 64, 64, 3) to probabilities (n, 7)
    limit : number of crystals that it classifies
    """

    name: str
    predict: Callable[[np.ndarray], np.ndarray]
    limit: int


@dataclass(frozen=True)
class DamagedBlock:
    """Fingerprints of some crystals at all levels, and the answers of the baselines.

    Attributes
    ----------
    images : shape (n, 64, 64, 3), float16, in [0, 1]
    levels, indices : level and crystal of each image, shape (n,)
    milliseconds : time to make each image, shape (n,)
    rows : answers of the baselines, each (level, method, class, answer, milliseconds)
    """

    images: np.ndarray
    levels: np.ndarray
    indices: np.ndarray
    milliseconds: np.ndarray
    rows: list[tuple]


def classify_damaged(
    folder: Path,
    parameters: Parameters,
    networks: Sequence[Network],
    executor: Executor | None = None,
    progress: bool = True,
) -> list[dict]:
    """Damage all crystals at all levels, and let every method classify them.

    Parameters
    ----------
    folder
        Where finished blocks are kept; those that it holds are not done again.
    parameters
        Parameters of the run.
    networks
        Networks, each of which classifies the images up to its limit. Baselines, where installed,
        classify the sample.
    executor
        Any executor of `concurrent.futures` for all but the networks.
    progress
        Show a progress bar.

    Returns
    -------
    list of dict
        Counts with the keys `ROW`, summed over the blocks; milliseconds are sums, too.
    """
    starts = range(0, parameters.size, BLOCK)
    paths = {start: folder / f"{start:06d}.csv" for start in starts}
    missing = [start for start in starts if not paths[start].exists()]
    blocks = map_in_order(partial(damaged_block, parameters), missing, executor)
    with tqdm(total=len(starts), initial=len(starts) - len(missing), disable=not progress) as bar:
        bar.set_description("blocks of damaged crystals")
        for start, block in zip(missing, blocks, strict=True):
            rows = [*block.rows, *_network_rows(block, networks)]
            write_csv(paths[start], _as_dicts(_sum_rows(rows)))
            bar.update()
    rows = [row for path in paths.values() for row in _read_rows(path)]
    return _as_dicts(_sum_rows(rows))


def damaged_block(parameters: Parameters, start: int) -> DamagedBlock:
    """Sample a block of crystals, damage them, make fingerprints, run the baselines."""
    images, levels, indices, times, rows = [], [], [], [], []
    for index in range(start, min(start + BLOCK, parameters.size)):
        rng = np.random.default_rng([parameters.seed, index])
        label = CLASSES[index % len(CLASSES)]
        cluster, _ = sample_cluster(label, PAPER_VARIETY, rng)
        for number, limit in enumerate(parameters.limits()):
            if index >= limit:
                continue
            level_rng = np.random.default_rng([parameters.seed, index, number])
            damaged = LEVELS[number].damage(cluster, level_rng)
            image, milliseconds = _timed(_fingerprint_or_nothing, damaged)
            images.append(image.astype(np.float16))
            times.append(milliseconds)
            levels.append(number)
            indices.append(index)
            if index < parameters.baseline_sample:
                rows += [
                    (LEVELS[number].name, baseline.name, label, *_timed(baseline.classify, damaged))
                    for baseline in BASELINES
                    if baseline.is_installed
                ]
    return DamagedBlock(
        np.array(images), np.array(levels), np.array(indices), np.array(times), rows
    )


def _fingerprint_or_nothing(structure):
    """A fingerprint, or a black image where two atoms were moved onto each other."""
    try:
        return fingerprint(structure)
    except ValueError:
        return np.zeros(IMAGE_SHAPE, np.float32)


def _timed(function, structure):
    start = time.perf_counter()
    answer = function(structure)
    return answer, 1000 * (time.perf_counter() - start)


def _network_rows(block, networks):
    """Answers of the networks; their time includes that of the fingerprint."""
    for network in networks:
        seen = block.indices < network.limit
        if not seen.any():
            continue
        start = time.perf_counter()
        best = network.predict(block.images[seen]).argmax(axis=1)
        each = 1000 * (time.perf_counter() - start) / seen.sum()
        black = ~block.images[seen].any(axis=(1, 2, 3))
        for i, n in enumerate(np.flatnonzero(seen)):
            answer = NO_ANSWER if black[i] else CLASSES[best[i]]
            level, label = LEVELS[block.levels[n]].name, CLASSES[block.indices[n] % len(CLASSES)]
            yield level, network.name, label, answer, block.milliseconds[n] + each


def _sum_rows(rows):
    """Sum n and milliseconds of rows of equal level, method, class and answer."""
    sums: defaultdict[tuple, list[float]] = defaultdict(lambda: [0, 0.0])
    for level, method, label, answer, *n, milliseconds in rows:
        entry = sums[level, method, label, answer or NO_ANSWER]
        entry[0] += n[0] if n else 1
        entry[1] += milliseconds
    return [(*key, n, milliseconds) for key, (n, milliseconds) in sums.items()]


def _as_dicts(rows):
    return [dict(zip(ROW, row, strict=True)) for row in rows]


def _read_rows(path):
    for row in read_csv(path):
        method = current_name(row["method"])
        key = row["level"], method, row["class"], row["answer"]
        yield (*key, int(row["n"]), float(row["milliseconds"]))
