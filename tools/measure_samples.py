"""Measure how often `crystutor.classify` is right, wrong or silent on samples of many kinds.

    python tools/measure_samples.py LINE... [--n 30] [--seed 1] [--workers 2] [--verbose]
                                    [--out FILE.csv]
    python tools/measure_samples.py files --structures FILE [--group core] [--where key=value]

A LINE is a kind of sample, a pattern such as "balls_250_*", or "all"; --list prints the kinds.
sample_kinds.py makes the samples: sample number `index` of a line depends on the line, the seed
and the index alone. The line "files" reads its samples from JSON lines, compressed if the name
ends in .gz, with keys id, element (or species: one symbol, or one an atom), cell (3, 3) [Å],
frac (n, 3) and label (null where no class is right).

For each line the tool prints how many answers were

    right    the expected class, or no class where none is right
    wrong    another class
    None     no class though one is expected
    errors   a ValueError; it also counts as an answer without a class
    crashes  another exception, or a message of several lines; neither right, wrong nor None

and the median time of `classify`. Crashes are always printed, failures with --verbose.
"""

import argparse
import csv
import gzip
import json
import os
import time
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from pymatgen.core import Element, Structure
from sample_kinds import LINES
from tqdm import tqdm

import crystutor
from crystutor.crystal.structures import MAX_ATOMIC_NUMBER

FIELDS = ("index", "name", "expected", "got", "probability", "bravais", "strain", "overlap")


def main():
    options = parse()
    jobs = list_jobs(options)
    records = []
    with ProcessPoolExecutor(options.workers, initializer=warm_up) as executor:
        for record in tqdm(executor.map(measure, jobs), total=len(jobs), disable=None):
            records.append(record)
            if record["outcome"] == "crash":
                tqdm.write(f"crash: {record['line']} {describe(record)}")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    print(report(records, options.verbose))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="*", metavar="LINE", help="kind or pattern, 'all', 'files'")
    parser.add_argument("--list", action="store_true", help="print the kinds of samples")
    parser.add_argument("--n", type=int, help="samples of a line; 30, or the whole file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="print every failure")
    parser.add_argument("--out", type=Path, help="CSV file of all answers")
    parser.add_argument("--structures", type=Path, help="JSON lines, of the line 'files'")
    parser.add_argument("--group", help="the same as --where group=GROUP")
    parser.add_argument("--where", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    if options.list:
        parser.exit(0, "\n".join([*LINES, "files"]) + "\n")
    if options.group:
        options.where.append(f"group={options.group}")
    if wrong := [condition for condition in options.where if "=" not in condition]:
        parser.error(f"--where {wrong[0]}: KEY=VALUE is accepted")
    for pattern in options.lines:
        if pattern not in ("all", "files") and not any(fnmatch(name, pattern) for name in LINES):
            parser.error(f"no line is called {pattern}; --list prints them")
    if not options.lines:
        parser.error("name at least one line; --list prints them")
    if "files" in options.lines and options.structures is None:
        parser.error("the line 'files' needs --structures")
    return options


def list_jobs(options):
    """(line, seed, index, record of the file or None) of each sample."""
    patterns = ["*" if name == "all" else name for name in options.lines]
    names = [name for name in LINES if any(fnmatch(name, pattern) for pattern in patterns)]
    count = 30 if options.n is None else options.n
    jobs = [(name, options.seed, index, None) for name in names for index in range(count)]
    if "files" in patterns:
        found = list(enumerate(read_records(options.structures, options.where)))
        if options.n is not None and options.n < len(found):
            rng = np.random.default_rng(options.seed)
            found = [found[k] for k in np.sort(rng.permutation(len(found))[: options.n])]
        jobs += [("files", options.seed, index, record) for index, record in found]
    if not jobs:
        raise SystemExit("no sample is left to measure")
    return jobs


def read_records(path, conditions):
    """Records of a file that meet the conditions and hold no element above the highest Z."""
    open_file = gzip.open if path.suffix == ".gz" else open
    with open_file(path, "rt", encoding="utf-8") as file:
        records = [json.loads(text) for text in file if text.strip()]
    wanted = [condition.split("=", 1) for condition in conditions]
    return [
        record
        for record in records
        if all(str(record.get(key)) == value for key, value in wanted)
        and max(Element(symbol).Z for symbol in symbols(record)) <= MAX_ATOMIC_NUMBER
    ]


def symbols(record):
    """Chemical symbol of each atom of a record."""
    named = record["element"] if "element" in record else record["species"]
    return [named] * len(record["frac"]) if isinstance(named, str) else list(named)


def warm_up():
    """Load the network before the first time is taken."""
    warnings.simplefilter("ignore")
    crystutor.classify(crystutor.build_prototype("fcc"))


def make_sample(line, seed, index, record):
    if record is not None:
        structure = Structure(record["cell"], symbols(record), record["frac"])
        return record["label"], structure, record.get("id", "")
    rng = np.random.default_rng([seed, zlib.crc32(line.encode()), index])
    return LINES[line](rng, index)


def ask(atoms):
    """Answer or None, message of a ValueError, description of a crash, seconds."""
    answer, error, crash = None, "", ""
    start = time.perf_counter()
    try:
        answer = crystutor.classify(atoms)
    except ValueError as problem:
        error = str(problem) or "no message"
        crash = "message of several lines" if "\n" in error else ""
    except Exception as problem:
        crash = f"{type(problem).__name__}: {problem}"
    return answer, error, crash, time.perf_counter() - start


def measure(job):
    """Make a sample and record the answer."""
    line, _, index, _ = job
    expected, atoms, name = make_sample(*job)
    expected = expected if isinstance(expected, set) else {expected}
    answer, error, crash, seconds = ask(atoms)
    got, cell = getattr(answer, "label", None), getattr(answer, "cell", None)
    outcome = "right" if got in expected else "None" if got is None else "wrong"
    return {
        "line": line,
        "index": index,
        "name": name,
        "n_atoms": len(atoms),
        "expected": " or ".join(sorted(map(str, expected))),
        "got": str(got),
        "outcome": "crash" if crash else outcome,
        "probability": round(getattr(answer, "probability", 0.0), 3),
        "bravais": getattr(cell, "bravais", ""),
        "strain": getattr(cell, "strain", ""),
        "overlap": getattr(answer, "overlap", getattr(cell, "overlap", "")),
        "reason": str(getattr(answer, "reason", "") or ""),
        "note": crash or error or getattr(answer, "note", ""),
        "error": bool(error),
        "seconds": round(seconds, 4),
    }


def describe(record):
    """One line about an answer."""
    values = (record[field] for field in FIELDS)
    short = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
    named = [f"{field} {value}" for field, value in zip(FIELDS, short, strict=True) if value]
    return "; ".join([*named, *filter(None, (record["reason"], record["note"]))])


def report(records, verbose):
    """Table of the lines; with the failures of each line if wanted."""
    outcomes = ("right", "wrong", "None", "crash")
    width = max(len(record["line"]) for record in records)
    heads = "".join(f"{head:>13}" for head in ("right", "wrong", "None", "crashes", "errors"))
    lines = [f"{'line':{width}}{'n':>6}{heads}{'median s':>10}"]
    for name in dict.fromkeys(record["line"] for record in records):
        chosen = [record for record in records if record["line"] == name]
        counts = [sum(record["outcome"] == outcome for record in chosen) for outcome in outcomes]
        counts.append(sum(record["error"] for record in chosen))
        cells = "".join(f"{k:>5} {100 * k / len(chosen):5.1f} %" for k in counts)
        median = np.median([record["seconds"] for record in chosen])
        lines.append(f"{name:{width}}{len(chosen):>6}{cells}{median:>10.2f}")
        if verbose:
            failed = (record for record in chosen if record["outcome"] != "right")
            lines += [f"    {record['outcome']}: {describe(record)}" for record in failed]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
