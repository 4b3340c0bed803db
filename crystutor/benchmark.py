"""Table 1 of the paper at full size: networks and symmetry finders on the same damaged crystals.

Everything is done in blocks, and every finished block lies in a file, so that a run may be killed
at any moment and started again.
"""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from crystutor.blockwork import finished_file, map_in_order
from crystutor.fingerprint import fingerprint
from crystutor.levels import LEVELS
from crystutor.peers import PEERS
from crystutor.random_crystals import PAPER_VARIETY, draw_cluster
from crystutor.symmetry import CLASSES

BLOCK = 35
ROW = ("level", "method", "class", "answer", "n", "milliseconds")
NO_ANSWER = "none"


@dataclass(frozen=True)
class Parameters:
    """What the numbers of a run depend on.

    Attributes
    ----------
    size : number of crystals
    extra_size : number of them at levels that the paper does not have
    peer_sample : number of them that the slow methods see
    seed : seed of everything
    """

    size: int = 10_517
    extra_size: int = 2_000
    peer_sample: int = 700
    seed: int = 2018

    def __post_init__(self):
        if self.size < len(CLASSES):
            raise ValueError(
                f"size is {self.size}; at least {len(CLASSES)}, one crystal a class, is accepted"
            )

    def limits(self) -> list[int]:
        """How many crystals are damaged at each of `LEVELS`."""
        extra = min(self.extra_size, self.size)
        return [self.size if level.in_paper else extra for level in LEVELS]


PAPER_RUN = Parameters()


@dataclass(frozen=True)
class Network:
    """A trained network of a run, and how many crystals it is shown."""

    name: str
    predict: Callable[[np.ndarray], np.ndarray]
    limit: int


@dataclass(frozen=True)
class DamagedBlock:
    """Fingerprints of some crystals at all levels, and what the peers say about them.

    Attributes
    ----------
    images : shape (n, 64, 64, 3), float16
    levels, indices : of each image, shape (n,)
    milliseconds : to make each image, shape (n,)
    rows : answers of the peers, each (level, method, class, answer, milliseconds)
    """

    images: np.ndarray
    levels: np.ndarray
    indices: np.ndarray
    milliseconds: np.ndarray
    rows: list[tuple]


def claim_folder(folder: Path, parameters: Parameters) -> None:
    """Make the folder of a run, or check that it holds the same run.

    Raises
    ------
    ValueError
        If it holds a run with other parameters, or other files.
    """
    path = folder / "parameters.json"
    installed = [peer.name for peer in PEERS if peer.is_installed]
    wanted = asdict(parameters) | {"peers": installed}
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found != wanted:
            different = ", ".join(
                f"{k} {found.get(k)}" for k in wanted if found.get(k) != wanted[k]
            )
            raise ValueError(
                f"{folder} holds a run with other parameters ({different}); repeat them to go on "
                "with it, or name another folder"
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} holds other files; a new or empty folder is accepted")
    else:
        with finished_file(path) as unfinished:
            unfinished.write_text(json.dumps(wanted), encoding="utf-8")


@contextmanager
def timed(folder: Path, stage: str):
    """Add the time of a stage to the run's record, also if it is interrupted by an error."""
    path = folder / "seconds.json"
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - start, 1)
        with finished_file(path) as unfinished:
            unfinished.write_text(json.dumps(seconds, indent=2), encoding="utf-8")


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
        Of the run.
    networks
        They see every image up to their limit; the peers that are installed see the sample.
    executor
        Any executor of `concurrent.futures` for all but the networks.
    progress
        Show a progress bar.

    Returns
    -------
    list of dict
        Counts with the keys `ROW`, summed over the blocks.
    """
    starts = range(0, parameters.size, BLOCK)
    paths = {start: folder / f"{start:06d}.csv" for start in starts}
    missing = [start for start in starts if not paths[start].exists()]
    blocks = map_in_order(partial(damaged_block, parameters), missing, executor)
    with tqdm(total=len(starts), initial=len(starts) - len(missing), disable=not progress) as bar:
        bar.set_description("blocks of damaged crystals")
        for start, block in zip(missing, blocks, strict=True):
            rows = [*block.rows, *_network_rows(block, networks)]
            _write_rows(paths[start], _sum_rows(rows))
            bar.update()
    rows = [row for path in paths.values() for row in _read_rows(path)]
    return [dict(zip(ROW, row, strict=True)) for row in _sum_rows(rows)]


def damaged_block(parameters: Parameters, start: int) -> DamagedBlock:
    """Draw a block of crystals, damage them, make fingerprints, ask the peers."""
    images, levels, indices, times, rows = [], [], [], [], []
    for index in range(start, min(start + BLOCK, parameters.size)):
        rng = np.random.default_rng([parameters.seed, index])
        label = CLASSES[index % len(CLASSES)]
        cluster, _ = draw_cluster(label, PAPER_VARIETY, rng)
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
            if index < parameters.peer_sample:
                rows += [
                    (LEVELS[number].name, peer.name, label, *_timed(peer.classify, damaged))
                    for peer in PEERS
                    if peer.is_installed
                ]
    return DamagedBlock(*map(np.array, (images, levels, indices, times)), rows)


def _fingerprint_or_nothing(structure):
    """A fingerprint, or a black image where two atoms were moved onto each other."""
    try:
        return fingerprint(structure)
    except ValueError:
        return np.zeros((64, 64, 3), np.float32)


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
    sums = defaultdict(lambda: [0, 0.0])
    for level, method, label, answer, *n, milliseconds in rows:
        entry = sums[level, method, label, answer or NO_ANSWER]
        entry[0] += n[0] if n else 1
        entry[1] += milliseconds
    return [(*key, n, milliseconds) for key, (n, milliseconds) in sums.items()]


def _write_rows(path, rows):
    with finished_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([ROW, *rows])


def _read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield (*(row[key] for key in ROW[:4]), int(row["n"]), float(row["milliseconds"]))
