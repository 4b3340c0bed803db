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
from crystutor.table1.damaged_crystals import BOTH, DamagedCrystal, damage_crystal, timed_call
from crystutor.table1.recipes import current_name
from crystutor.table1.run_folder import Parameters
from crystutor.verdict.classification import Classification
from crystutor.verdict.classifier import answers_of

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
        Networks, each of which classifies the images up to its limit. The first one is also asked
        together with the average structure, as `crystutor.classify` does, on the sample that the
        average structure alone and the baselines classify.
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
            write_csv(paths[start], _as_dicts(_sum_rows(_rows_of(block, networks))))
            bar.update()
    rows = [row for path in paths.values() for row in _read_rows(path)]
    return _as_dicts(_sum_rows(rows))


def damaged_block(parameters: Parameters, start: int) -> list[DamagedCrystal]:
    """Sample a block of crystals, and damage them."""
    indices = range(start, min(start + BLOCK, parameters.size))
    return [damaged for index in indices for damaged in damage_crystal(parameters, index)]


def _rows_of(block, networks):
    """Answers of all methods to a block of damaged crystals."""
    for crystal in block:
        for method, (answer, milliseconds) in crystal.answers.items():
            yield crystal.level, method, crystal.label, answer, milliseconds
    for network in networks:
        yield from _network_rows([c for c in block if c.index < network.limit], network)
    if networks:
        yield from _verdict_rows([c for c in block if c.evidence is not None], networks[0])


def _network_rows(seen, network):
    """Answers of a network; their time includes that of the fingerprint."""
    if not seen:
        return
    images = np.stack([crystal.image for crystal in seen])
    probabilities, milliseconds = timed_call(network.predict, images)
    for crystal, best in zip(seen, probabilities.argmax(axis=1), strict=True):
        answer = CLASSES[best] if crystal.image.any() else None
        each = crystal.milliseconds + milliseconds / len(seen)
        yield crystal.level, network.name, crystal.label, answer, each


def _verdict_rows(seen, network):
    """Answers of both witnesses together, as `crystutor.classify` gives them."""
    start = time.perf_counter()
    answers = list(answers_of([crystal.evidence for crystal in seen], network.predict))
    each = 1000 * (time.perf_counter() - start) / max(1, len(seen))
    for crystal, answer in zip(seen, answers, strict=True):
        label = answer.label if isinstance(answer, Classification) else None
        milliseconds = crystal.evidence_milliseconds + each
        yield crystal.level, BOTH, crystal.label, label, milliseconds


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
