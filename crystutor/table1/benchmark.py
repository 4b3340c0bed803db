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
from crystutor.executors import map_in_order
from crystutor.files import read_csv, write_csv
from crystutor.table1.damaged_crystals import (
    BOTH,
    DamagedCrystal,
    damage_crystal,
    damage_outsider,
    timed_call,
)
from crystutor.table1.run_folder import Parameters
from crystutor.training.calibration import confidence_bin
from crystutor.verdict.classification import Classification
from crystutor.verdict.classifier import answers_of

BLOCK = 35
ROW = ("level", "method", "class", "answer", "bin", "n", "milliseconds", "confidence")
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
        Networks, each of which classifies the images up to its limit. The first one is also shown
        the outsiders. Together with the average structure, as in `crystutor.classify`, it is asked
        about the outsiders and the sample of the baselines.
    executor
        Any executor of `concurrent.futures` for all but the networks.
    progress
        Show a progress bar.

    Returns
    -------
    list of dict
        Counts with the keys `ROW`, summed over the blocks. "bin" is the number of a bin of
        probabilities, see `crystutor.training.calibration`, or -1 where a method has none;
        milliseconds and confidence, the probability of the answer, are sums.
    """
    starts = range(0, parameters.size, BLOCK)
    paths = {start: folder / f"{start:06d}.csv" for start in starts}
    missing = [start for start in starts if not paths[start].exists()]
    blocks = map_in_order(partial(damaged_block, parameters), missing, executor)
    with tqdm(total=len(starts), initial=len(starts) - len(missing), disable=not progress) as bar:
        bar.set_description("blocks of damaged crystals")
        for start, block in zip(missing, blocks, strict=True):
            write_csv(paths[start], _as_dicts(_sum_rows(_rows_of(block, networks))))
            bar.update()
    rows = [row for path in paths.values() for row in _read_rows(path)]
    return _as_dicts(_sum_rows(rows))


def damaged_block(parameters: Parameters, start: int) -> list[DamagedCrystal]:
    """Sample a block of crystals, and of as many outsiders in the sample of the baselines."""
    indices = range(start, min(start + BLOCK, parameters.size))
    inside = [damaged for index in indices for damaged in damage_crystal(parameters, index)]
    sampled = range(start, min(start + BLOCK, parameters.baseline_sample))
    outside = [damaged for index in sampled for damaged in damage_outsider(parameters, index)]
    return inside + outside


def _rows_of(block, networks):
    """Answers of all methods to a block of damaged crystals."""
    for crystal in block:
        for method, (answer, milliseconds) in crystal.answers.items():
            yield _row(crystal, method, answer, milliseconds)
    for number, network in enumerate(networks):
        seen = [crystal for crystal in block if crystal.index < network.limit]
        if number:
            seen = [crystal for crystal in seen if crystal.label in CLASSES]
        yield from _network_rows(seen, network)
    if networks:
        yield from _verdict_rows([c for c in block if c.evidence is not None], networks[0])


def _network_rows(seen, network):
    """Answers of a network; their time includes that of the fingerprint."""
    if not seen:
        return
    images = np.stack([crystal.image for crystal in seen])
    found, milliseconds = timed_call(network.predict, images)
    each = milliseconds / len(seen)
    for crystal, probabilities in zip(seen, found, strict=True):
        answer = CLASSES[probabilities.argmax()] if crystal.image.any() else None
        time_taken = crystal.milliseconds + each
        yield _row(crystal, network.name, answer, time_taken, float(probabilities.max()))


def _verdict_rows(seen, network):
    """Answers of both witnesses together, as `crystutor.classify` gives them."""
    start = time.perf_counter()
    answers = list(answers_of([crystal.evidence for crystal in seen], network.predict))
    each = 1000 * (time.perf_counter() - start) / max(1, len(seen))
    for crystal, answer in zip(seen, answers, strict=True):
        label, probability = None, 0.0
        if isinstance(answer, Classification):
            label, probability = answer.label, answer.probability
        yield _row(crystal, BOTH, label, crystal.evidence_milliseconds + each, probability)


def _row(crystal, method, answer, milliseconds, probability=None):
    """One answer, with the keys of `ROW` but n."""
    sure = answer is not None and probability is not None
    number, confidence = (confidence_bin(probability), probability) if sure else (-1, 0.0)
    answer = answer or NO_ANSWER
    return crystal.level, method, crystal.label, answer, number, 1, milliseconds, confidence


def _sum_rows(rows):
    """Sum n, milliseconds and confidence of rows that are equal in all else."""
    sums: defaultdict[tuple, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for *key, n, milliseconds, confidence in rows:
        sums[tuple(key)] += n, milliseconds, confidence
    return [(*key, int(n), *map(float, others)) for key, (n, *others) in sums.items()]


def _as_dicts(rows):
    return [dict(zip(ROW, row, strict=True)) for row in rows]


def _read_rows(path):
    for row in read_csv(path):
        key = row["level"], row["method"], row["class"], row["answer"]
        sums = float(row["milliseconds"]), float(row["confidence"])
        yield (*key, int(row["bin"]), int(row["n"]), *sums)
