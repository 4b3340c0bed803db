"""Measure how `crystutor.read_structures` takes files that went wrong.

    python tools/measure_files.py [--n 10000] [--seed 1] [--workers 2] [--verbose]

Files of file_kinds.py are changed, one change each, by a seeded draw: a third of the changes leave
a valid file (line ends, compression, encoding, comments, order), two thirds break it. Every file
is read in a worker process, and after each a good one beside it. Reported are

    right         same frames, atoms, elements and cells as before the change
    warned        something else, with a warning
    refused       a ValueError of one line that begins with the file's name
    other         something else without a warning, where the file cannot tell: another valid
                  number, or an atom less in a format without a count (aims, .cell, PDB, JSON,
                  YAML, .res, .pos, a CIF without formula)
    SILENT        another number of atoms or another cell, without a warning, though the file tells
    TRACEBACK     any other exception, or a message of several lines
    HANG          more than 10 seconds
"""

import argparse
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from file_kinds import BREAKING, HARMLESS, good_files, suits
from pymatgen.core import Structure
from tqdm import tqdm

from crystutor import read_structures

LONGEST = 10  # [s]
AT_A_TIME = 50
FAILURES = ("SILENT", "TRACEBACK", "HANG", "NEIGHBOUR")
COUNTED = (".xyz", ".vasp", ".dump", ".lammpstrj", ".lmp", ".XDATCAR", ".gen", ".xsf", ".pwi")
COUNTED_TOO = (".cssr", "POSCAR_tin", "hall.cif", "spinel.cif", "p1.cif")
LOSSES = ("delete_line", "duplicate_line", "insert_line", "swap_lines", "truncate", "change_count")


class TooSlowError(BaseException):
    """Reading took more than 10 seconds; no `except` of a reader catches it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one file."""

    name: str
    mutation: str
    index: int
    result: str
    message: str


@cache
def files_of(seed: int) -> dict[str, bytes]:
    """Good files, the same in every process."""
    return good_files(seed)


def describe(path: Path) -> tuple[list[tuple], str]:
    """Number of atoms, elements and cell of each frame, and all warnings."""
    frames, said = [], []
    for _, atoms in read_structures(path):
        cell = atoms.lattice.parameters if isinstance(atoms, Structure) else ()
        frames.append(
            (len(atoms), atoms.composition.alphabetical_formula, tuple(np.round(cell, 3).tolist()))
        )
        said += atoms.properties.get("warnings", ())
    return frames, "; ".join(said)


def alike(frames: list[tuple], others: list[tuple], only_size: bool = False) -> bool:
    """Whether frames agree; cells to 0.1 %."""
    if len(frames) != len(others):
        return False
    return all(
        a[0] == b[0]
        and (only_size or a[1] == b[1])
        and len(a[2]) == len(b[2])
        and np.allclose(a[2], b[2], rtol=1e-3, atol=2e-3)
        for a, b in zip(frames, others, strict=True)
    )


def change(seed: int, index: int) -> tuple[str, str, bytes]:
    """Draw file and mutation number `index`; apply it."""
    random = np.random.default_rng((seed, index))
    files = files_of(seed)
    name = str(random.choice(sorted(files)))
    kinds = HARMLESS if random.random() < 1 / 3 else BREAKING
    mutation = str(random.choice([kind for kind in kinds if suits(name, kind)]))
    return name, mutation, kinds[mutation](files[name], random)


def judge(seed: int, index: int, folder: Path) -> Outcome:
    """Read one changed file, and say what came of it."""
    name, mutation, content = change(seed, index)
    expected, usual = expectation(seed, name)
    path = folder / "changed" / name
    path.write_bytes(content)
    result, message = read_in_time(path)
    if result == "read":
        frames, said = message
        result = compare(name, mutation, frames, expected, said if said != usual else "")
        message = f"{frames} instead of {expected}" if result != "right" else ""
    return Outcome(name, mutation, index, result, str(message))


@cache
def expectation(seed: int, name: str) -> tuple[list[tuple], str]:
    """What the good file holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(files_of(seed)[name])
        return describe(path)


def read_in_time(path: Path) -> tuple:
    """Read a file; ("read", ...), ("refused", ...), ("TRACEBACK", ...) or ("HANG", "")."""
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        return "read", describe(path)
    except ValueError as error:
        text = str(error)
        good = text.startswith(str(path)) and "\n" not in text
        return ("refused" if good else "TRACEBACK"), text
    except TooSlowError:
        return "HANG", ""
    except Exception:
        return "TRACEBACK", "".join(traceback.format_exc().splitlines(keepends=True)[-9:])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(*_):
    raise TooSlowError


def compare(name: str, mutation: str, frames: list, expected: list, said: str) -> str:
    """Judge what was read: right, warned, other or SILENT."""
    if alike(frames, expected):
        return "right"
    if said:
        return "warned"
    if mutation in HARMLESS:
        return "SILENT"
    if alike(frames, expected, only_size=True) or len(frames) != len(expected):
        return "other"  # an element, or whole frames
    counted = name.endswith(COUNTED + COUNTED_TOO)
    fewer = [a[0] for a in frames] != [b[0] for b in expected]
    return "SILENT" if counted and fewer and mutation in LOSSES else "other"


def judge_many(seed: int, indices: range) -> list[Outcome]:
    """Judge some files in this process; a good file is read after each."""
    warnings.simplefilter("ignore")
    names = sorted(files_of(seed))
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "changed").mkdir()
        for index in indices:
            outcomes.append(judge(seed, index, Path(folder)))
            name = names[index % len(names)]
            neighbour = Path(folder, name)
            neighbour.write_bytes(files_of(seed)[name])
            frames, _ = describe(neighbour)
            if not alike(frames, expectation(seed, name)[0]):
                outcomes.append(Outcome(name, "none", index, "NEIGHBOUR", str(frames)))
    return outcomes


def measure(n: int, seed: int, workers: int) -> list[Outcome]:
    """Judge n changed files."""
    parts = [range(start, min(start + AT_A_TIME, n)) for start in range(0, n, AT_A_TIME)]
    if workers == 1:
        return [outcome for part in tqdm(parts) for outcome in judge_many(seed, part)]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(judge_many, seed, part) for part in parts]
        return [outcome for job in tqdm(jobs) for outcome in job.result()]


def report(outcomes: list[Outcome], verbose: bool) -> str:
    """Table of results by mutation, and each failure."""
    table: dict[str, Counter] = defaultdict(Counter)
    for one in outcomes:
        table[one.mutation][one.result] += 1
        table["all"][one.result] += 1
    lines = [
        f"{mutation:16s} "
        + "  ".join(f"{result} {count}" for result, count in sorted(counts.items()))
        for mutation, counts in table.items()
    ]
    valid = [one for one in outcomes if one.mutation in HARMLESS]
    right = sum(one.result == "right" for one in valid)
    lines.append(f"valid files read right: {right} of {len(valid)}, {right / len(valid):.2%}")
    shown = FAILURES + (("other",) if verbose else ())
    wrong = [o for o in outcomes if o.result in shown or (o in valid and o.result != "right")]
    for one in wrong:
        lines.append(f"{one.index} {one.name} {one.mutation} {one.result}: {one.message[:600]}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Read files that went wrong.")
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="list the results called other")
    options = parser.parse_args(arguments)
    outcomes = measure(options.n, options.seed, options.workers)
    print(f"{len(files_of(options.seed))} good files, n = {options.n}, seed {options.seed}")
    print(report(outcomes, options.verbose))
    return int(any(outcome.result in FAILURES for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
