"""Measure the second witness: the average structure, and when `crystutor.classify` says nothing.

    python tools/measure_witnesses.py LINE... [--n N] [--seed 1] [--workers 2] [--verbose]
                                      [--spglib] [--out FILE.csv]

A LINE is a name, a family such as "outside", a pattern such as "*_25", or "all"; --list prints
them with their sizes. Sample number `index` of a line depends on the line, the seed and the index
alone. Prototypes come in a fixed, mixed order, so that a small --n takes some of every kind; with
a larger --n than there are prototypes they come again, in other supercells.

    outside    prototypes of pymatgen's wheel; neither the group with the elements nor the group of
               the places, all atoms alike, is one of the eight: no class is right
    inside     elements of the package's published prototypes, as `supercells` of sample_kinds.py
    compounds  prototypes of two elements or more; the group of the places is one of the eight
    named      nine well-known compounds, in conventional axes
    alloys     random alloys of two to five elements
    groups     exact group of the average structure, with elements
    sites      occupancy and scatter of the sites against the truth, as z-scores
    auroc      scores of crystals inside against near (elements) and far (liquids, compounds)
    time       milliseconds for 256 atoms; average_structure looks for the cell first, so that the
               second witness takes the difference; use --workers 1 on an idle machine

Levels are those of sample_kinds.py. "named" means that the label is not None; "lost" means None
though the network's most probable class is right. The score of AUROC and FPR95 is the probability
of the label, 0 without one; the baseline's is the network's highest probability. FPR95 is the
share of crystals outside at or above the score that 95 % of those inside reach. Crystals with
elements above Z = 96 are left out.
"""

import argparse
import csv
import gzip
import json
import os
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sample_kinds
from pymatgen.core import Element, Lattice, Structure
from scipy.stats import rankdata
from tqdm import tqdm

import crystutor
from crystutor.crystal.defects import displace_atoms, remove_atoms
from crystutor.crystal.prototypes import SPECIES
from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES, space_group
from crystutor.crystal.structures import MAX_ATOMIC_NUMBER, build_structure
from crystutor.crystal.supercells import random_orientation, random_supercell

LEVELS = {**sample_kinds.LEVELS, "0": (0.0, 0.0), "40_006": (0.4, 0.06), "25_01": (0.25, 0.1)}
PERFECT = 1e-3  # [Å]
SPGLIB = (1e-3, 1e-2, 1e-1)  # [Å]; Spglib on the supercell is right if one of them is
SURE = 0.9
LARGEST_PRIMITIVE = 60  # atoms of a primitive cell whose group is asked for
FEWEST_ATOMS, FEWEST_CELLS = 300, 10
CENTER, QUARTER, FACE = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), (0.0, 0.5, 0.5)
COMPOUNDS = {  # name: a [Å], element at the origin, another one and its place, groups
    "NaCl": (5.64, "Na", "Cl", CENTER, 225, 221),
    "CsCl": (4.12, "Cs", "Cl", CENTER, 221, 229),
    "CaF2": (5.463, "Ca", "F", QUARTER, 225, 225),
    "Cu3Au": (3.75, "Au", "Cu", FACE, 221, 225),
    "Ni3Al": (3.572, "Al", "Ni", FACE, 221, 225),
    "ZnS": (5.41, "Zn", "S", QUARTER, 216, 227),
    "NiAl": (2.887, "Ni", "Al", CENTER, 221, 229),
    "Li2O": (4.619, "O", "Li", QUARTER, 225, 225),
    "UO2": (5.47, "U", "O", QUARTER, 225, 225),
}
ALLOYS = {"fcc": 225, "bcc": 229, "hcp": 194, "diamond": 227}
FAR = ("liquid", "glass", "molten", "compound", "compound", "compound")


@dataclass(frozen=True)
class Crystal:
    """A prototype of pymatgen's wheel: primitive cell, group with elements, group of places."""

    name: str
    cell: Structure
    group: int | None
    places: int | None

    @property
    def n_elements(self):
        """Number of elements."""
        return len(self.cell.composition)

    @property
    def is_outside(self):
        """Whether neither group is one of the eight."""
        return self.group not in SPACE_GROUP_CLASSES and self.places not in SPACE_GROUP_CLASSES


@dataclass(frozen=True)
class Line:
    """How to measure sample (rng, index), to sum records up, and how many samples there are."""

    family: str
    measure: Callable
    summary: Callable
    count: Callable[[], int]


LINES: dict[str, Line] = {}


def line(summary, count, *levels):
    """Register a measurement; of several levels, each is its first argument."""

    def register(measure):
        family = measure.__name__.rstrip("_")
        for level in levels or ("",):
            name = f"{family}_{level}" if level else family
            function = partial(measure, level) if level else measure
            LINES[name] = Line(family, function, summary, count)
        return measure

    return register


# the command


def main():
    options = parse()
    jobs = [
        (name, options.seed, index, options.spglib)
        for name in options.names
        for index in range(LINES[name].count() if options.n is None else options.n)
    ]
    records = []
    with ProcessPoolExecutor(options.workers, initializer=no_warnings) as executor:
        for record in tqdm(executor.map(measure, jobs), total=len(jobs), disable=None):
            records.append(record)
            if record.get("crash"):
                tqdm.write(f"crash: {record['line']} {describe(record)}")
    if options.out:
        write(options.out, records)
    print(report(records, options.verbose))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="*", metavar="LINE", help="name, family, pattern or 'all'")
    parser.add_argument("--list", action="store_true", help="print the lines and their sizes")
    parser.add_argument("--n", type=int, help="samples of a line; its size if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="print every failure")
    parser.add_argument(
        "--spglib", action="store_true", help="ask it for groups of supercells, too"
    )
    parser.add_argument("--out", type=Path, help="CSV file of all records")
    options = parser.parse_args()
    if options.list:
        no_warnings()
        parser.exit(0, "".join(f"{name:20}{one.count():>5}\n" for name, one in LINES.items()))
    if not options.lines:
        parser.error("name at least one line; --list prints them")
    if options.n is not None and options.n < 1:
        parser.error(f"--n {options.n}: 1 or more is accepted")
    for pattern in options.lines:
        if not any(is_meant(name, pattern) for name in LINES):
            parser.error(f"no line is called {pattern}; --list prints them")
    options.names = [n for n in LINES if any(is_meant(n, pattern) for pattern in options.lines)]
    return options


def is_meant(name, pattern):
    return pattern in ("all", LINES[name].family) or fnmatch(name, pattern)


def no_warnings():
    warnings.simplefilter("ignore")


def measure(job):
    """Make a sample and record what was found."""
    name, seed, index, with_spglib = job
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), index])
    extra = {"with_spglib": with_spglib} if LINES[name].family == "groups" else {}
    return {"line": name, "index": index, **LINES[name].measure(rng, index, **extra)}


def attempt(function, atoms):
    """Answer or None; reason of a ValueError or description of a crash; seconds."""
    start = time.perf_counter()
    try:
        answer, trouble = function(atoms), {}
    except ValueError as problem:
        reason = getattr(problem, "reason", "ValueError")
        answer, trouble = None, {"reason": reason, "note": str(problem)}
    except Exception as problem:
        crash = f"{type(problem).__name__}: {problem}"
        answer, trouble = None, {"reason": "crash", "crash": crash}
    return answer, trouble, time.perf_counter() - start


def average(atoms):
    return crystutor.average_structure(atoms)


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = list(dict.fromkeys(field for record in records for field in record))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(records)


def report(records, verbose):
    """A table for each family; with the failures of each line if wanted."""
    chosen: dict[str, dict[str, list]] = {}
    for record in records:
        lines = chosen.setdefault(LINES[record["line"]].family, {})
        lines.setdefault(record["line"], []).append(record)
    text = []
    for family, lines in chosen.items():
        rows = [
            {"line": name, "n": str(len(found)), **LINES[name].summary(found)}
            for name, found in lines.items()
        ]
        text += [*table(rows), ""]
        for name, found in lines.items():
            failed = [r for r in found if family == "named" or (verbose and not r["right"])]
            text += [f"    {name} {describe(record)}" for record in failed]
        text += [""] if text[-1] else []
    return "\n".join(text[:-1])


def table(rows):
    """Lines of text: the columns of a list of dicts, as wide as they need."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    cells = [heads, *([row.get(head, "") for head in heads] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(heads))]
    pads = (zip(row, widths, strict=True) for row in cells)
    return ["  ".join(f"{cell:{width}}" for cell, width in row).rstrip() for row in pads]


def describe(record):
    """One line about a record."""
    named = {key: value for key, value in record.items() if key not in ("line", "name")}
    values = (
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in named.items()
        if value not in ("", None) and not isinstance(value, list)
    )
    return "; ".join([str(record.get("name", "")), *values])


def share(chosen):
    """How many of some truth values are true: "3 of 4 = 75.0 %"."""
    chosen = list(chosen)
    percent = f" = {100 * sum(chosen) / len(chosen):.1f} %" if chosen else ""
    return f"{sum(chosen)} of {len(chosen)}{percent}"


def reasons_of(records):
    """Counted reasons of the answers without a label or a group, the commonest first."""
    found = Counter(record["reason"] for record in records if record.get("reason"))
    return ", ".join(f"{reason} {count}" for reason, count in found.most_common())


# crystals


@cache
def wheel_prototypes() -> tuple[Crystal, ...]:
    """The prototypes of pymatgen's wheel, without elements above the highest Z, mixed."""
    path = files("pymatgen.analysis") / "prototypes" / "aflow_prototypes.json.gz"
    entries = json.loads(gzip.decompress(path.read_bytes()))
    order = np.random.default_rng(0).permutation(len(entries))
    found = []
    for entry in (entries[k] for k in order):
        cell = Structure.from_dict(entry["snl"])
        if max(Element(str(symbol)).Z for symbol in cell.symbol_set) > MAX_ATOMIC_NUMBER:
            continue
        cell = cell.get_primitive_structure(tolerance=PERFECT)
        cell = build_structure(cell.lattice, cell.atomic_numbers, cell.frac_coords)
        alike = build_structure(cell.lattice, [6] * len(cell), cell.frac_coords)
        groups = space_group(cell, PERFECT), space_group(alike, PERFECT)
        found.append(Crystal(entry["tags"]["aflow"], cell, *groups))
    return tuple(found)


@cache
def outside_prototypes() -> list[Crystal]:
    return [crystal for crystal in wheel_prototypes() if crystal.is_outside]


@cache
def outside_elements() -> list[Crystal]:
    return [crystal for crystal in outside_prototypes() if crystal.n_elements == 1]


@cache
def outside_compounds() -> list[Crystal]:
    return [crystal for crystal in outside_prototypes() if crystal.n_elements > 1]


@cache
def compounds_of_classes() -> list[Crystal]:
    return [
        crystal
        for crystal in wheel_prototypes()
        if crystal.n_elements > 1 and crystal.places in SPACE_GROUP_CLASSES
    ]


@cache
def small_prototypes() -> list[Crystal]:
    return [crystal for crystal in wheel_prototypes() if len(crystal.cell) <= LARGEST_PRIMITIVE]


def damage(structure, level, rng):
    vacancies, sigma = LEVELS[level]
    return remove_atoms(displace_atoms(structure, sigma, rng), vacancies, rng)


def damaged_supercell(crystals, level, rng, index):
    """A crystal of a list and a broken supercell of it."""
    crystal = crystals[index % len(crystals)]
    return crystal, damage(random_supercell(crystal.cell, rng), level, rng)


def random_alloy(structure, rng, symbols, shares):
    """The same places, each with an element at random."""
    numbers = rng.choice([Element(symbol).Z for symbol in symbols], len(structure), p=shares)
    return build_structure(structure.lattice, numbers, structure.frac_coords)


# what classify says


def verdict(atoms):
    """Record of an answer of `classify`."""
    answer, trouble, _ = attempt(crystutor.classify, atoms)
    probabilities = getattr(answer, "probabilities", {})
    strongest = max(probabilities, key=lambda name: probabilities[name], default="")
    return {
        "got": getattr(answer, "label", None),
        "probability": getattr(answer, "probability", 0.0),
        "strongest": strongest,
        "highest": probabilities.get(strongest, 0.0),
        "group": getattr(answer, "space_group", None),
        "places": getattr(answer, "site_space_group", None),
        "n_atoms": len(atoms),
        "reason": getattr(answer, "reason", None) or "",
        "note": getattr(answer, "note", ""),
        **trouble,
    }


def judged(name, expected, atoms, group=None, places=None):
    """Record of an answer and of what it ought to be."""
    found = verdict(atoms)
    truth = {"expected": expected, "true_group": group, "true_places": places}
    right = found["got"] == expected and "crash" not in found
    return {"name": name, "right": right, **truth, **found}


def named_shares(records):
    named = [record["got"] is not None for record in records]
    sure = [record["got"] is not None and record["probability"] > SURE for record in records]
    return {
        "named": share(named),
        f"named, p > {SURE}": share(sure),
        "group right": share(record["group"] == record["true_group"] for record in records),
        "reasons": reasons_of(records),
    }


def answer_shares(records):
    """Right, wrong, None, and right answers that were taken away."""
    silent = [record["got"] is None for record in records]
    wrong = [not (record["right"] or record["got"] is None) for record in records]
    pairs = zip(wrong, records, strict=True)
    sure = [is_wrong and record["probability"] > SURE for is_wrong, record in pairs]
    lost = [r["got"] is None and r["strongest"] == r["expected"] for r in records]
    shares = {
        "right": share(record["right"] for record in records),
        "wrong": share(wrong),
        "None": share(silent),
        "lost": share(lost),
        f"wrong, p > {SURE}": share(sure),
    }
    known = [record for record in records if record["true_group"] is not None]
    if known:
        shares["group right"] = share(r["group"] == r["true_group"] for r in known)
        shares["places right"] = share(r["places"] == r["true_places"] for r in known)
    return {**shares, "reasons": reasons_of(records)}


def all_right_shares(records):
    return {"label and both groups right": share(record["right"] for record in records)}


def alloy_shares(records):
    return {
        "places right": share(record["places"] == record["true_places"] for record in records),
        "label right": share(record["right"] for record in records),
        "group as places": share(record["group"] == record["true_places"] for record in records),
        "reasons": reasons_of(records),
    }


@line(named_shares, lambda: len(outside_prototypes()), "pristine", "25", "01")
def outside(level, rng, index):
    crystal, sample = damaged_supercell(outside_prototypes(), level, rng, index)
    return judged(crystal.name, None, sample, crystal.group, crystal.places)


@line(answer_shares, lambda: 200, "pristine", "006", "01", "25", "40", "60")
def inside(level, rng, index):
    label, sample, name = sample_kinds.LINES[f"supercells_{level}"](rng, index)
    return judged(name, label, sample)


@line(answer_shares, lambda: len(compounds_of_classes()), "pristine", "25")
def compounds(level, rng, index):
    crystal, sample = damaged_supercell(compounds_of_classes(), level, rng, index)
    label = SPACE_GROUP_CLASSES[crystal.places]
    return judged(crystal.name, label, sample, crystal.group, crystal.places)


def build_compound(name):
    a, first, second, place, group, _ = COMPOUNDS[name]
    places = [(0.0, 0.0, 0.0), place]
    return Structure.from_spacegroup(group, Lattice.cubic(a), [first, second], places)


@line(all_right_shares, lambda: len(COMPOUNDS), "pristine", "25")
def named(level, rng, index):
    name = list(COMPOUNDS)[index % len(COMPOUNDS)]
    group, places = COMPOUNDS[name][-2:]
    cell = build_compound(name)
    sizes = [k for k in range(2, 6) if 54 <= k**3 * len(cell) <= 256]
    sample = damage(cell.make_supercell(int(rng.choice(sizes)), in_place=False), level, rng)
    found = judged(name, SPACE_GROUP_CLASSES[places], sample, group, places)
    groups_right = (found["group"], found["places"]) == (group, places)
    return {**found, "right": found["right"] and groups_right}


@line(alloy_shares, lambda: 50, *ALLOYS)
def alloys(lattice, rng, index):
    _, crystal = sample_kinds.prototype_of(rng, lattice)
    symbols = rng.choice(SPECIES, int(rng.integers(2, 6)), replace=False).tolist()
    shares = rng.dirichlet(np.ones(len(symbols)))
    sample = random_alloy(random_supercell(crystal, rng, (108, 256)), rng, symbols, shares)
    made = " ".join(f"{e}{100 * x:.0f}" for e, x in zip(symbols, shares, strict=True))
    places = ALLOYS[lattice]
    return judged(f"{lattice} {made}", sample_kinds.CLASS_OF[lattice], sample, None, places)


# inside against outside


def far_sample(kind, level, rng, index):
    """A liquid, a glass or a compound outside, damaged as the crystals are; and its name."""
    if kind == "compound":
        crystals = outside_compounds()
        crystal, sample = damaged_supercell(crystals, level, rng, int(rng.integers(len(crystals))))
        return crystal.name, sample
    if kind == "molten":
        sample = sample_kinds.LINES["molten"](rng, index)[1]
    else:
        low, high = {"liquid": (0.45, 0.58), "glass": (0.58, 0.62)}[kind]
        n, symbols = int(rng.integers(150, 401)), rng.choice(sample_kinds.ELEMENTS, 2)
        places, box = sample_kinds.packing(rng, n, rng.uniform(2.2, 3.2), rng.uniform(low, high))
        symbols = symbols[:1] if kind == "liquid" else symbols
        packed = Structure(np.diag(box), [str(symbols[0])] * n, places / box)
        packed = random_alloy(packed, rng, symbols.tolist(), None)
        sample = random_orientation(packed, rng)
    return kind, damage(sample, level, rng)


def false_positive_rate(inside, outside):
    """Share of the scores outside at or above the score that 95 % of those inside reach."""
    threshold = np.quantile(inside, 0.05, method="lower")
    return float(np.mean(np.asarray(outside) >= threshold))


def auroc_of(inside, outside):
    """Probability that a score inside is above one outside; ties count half."""
    n, m = len(inside), len(outside)
    ranks = rankdata(np.concatenate([inside, outside]))[:n].sum()
    return float((ranks - n * (n + 1) / 2) / (n * m))


def separation(records):
    """AUROC and FPR95 of the verdict and of the network alone, near and far."""
    columns = {}
    for side in ("near", "far"):
        for head, score in (("", "probability"), (" network", "highest")):
            high, low = (
                [r[score] if score == "highest" or r["got"] is not None else 0.0 for r in found]
                for found in (
                    [r for r in records if r["side"] == wanted] for wanted in ("in", side)
                )
            )
            if high and low:
                rate = false_positive_rate(high, low)
                value = f"{auroc_of(high, low):.4f}, {100 * rate:.1f} %"
                columns[f"{side}{head}: AUROC, FPR95"] = value
    sides = Counter(record["side"] for record in records)
    return {**columns, "crystals": ", ".join(f"{k} {v}" for k, v in sides.items())}


@line(separation, lambda: 600, "pristine", "25")
def auroc(level, rng, index):
    """Each third sample is inside, near or far."""
    side, turn = ("in", "near", "far")[index % 3], index // 3
    label = None
    if side == "in":
        label, sample, name = sample_kinds.LINES[f"supercells_{level}"](rng, turn)
    elif side == "near":
        crystal, sample = damaged_supercell(outside_elements(), level, rng, turn)
        name = crystal.name
    else:
        name, sample = far_sample(FAR[turn % len(FAR)], level, rng, turn)
    return {"side": side, **judged(name, label, sample)}


# the average structure


def group_shares(records):
    hexagonal = [record for record in records if record["expected"] in (166, 194)]
    confused = [{r["expected"], r["group"]} == {166, 194} for r in hexagonal]
    shares = {
        "group": share(record["right"] for record in records),
        "places": share(record["places"] == record["true_places"] for record in records),
        "of 194, 166": share(record["right"] for record in hexagonal),
        "one for the other": share(confused),
    }
    if "spglib" in records[0]:
        shares["Spglib"] = share(record["expected"] in record["spglib"] for record in records)
    return {**shares, "reasons": reasons_of(records)}


@line(group_shares, lambda: len(small_prototypes()), "0", "25", "25_006", "40_006", "25_01")
def groups(level, rng, index, with_spglib=False):
    crystal = small_prototypes()[index % len(small_prototypes())]
    fewest = max(FEWEST_ATOMS, FEWEST_CELLS * len(crystal.cell))
    sample = damage(random_supercell(crystal.cell, rng, (fewest, 2 * fewest)), level, rng)
    answer, trouble, seconds = attempt(average, sample)
    found = getattr(answer, "space_group", None)
    alone = [space_group(sample, symprec) for symprec in SPGLIB] if with_spglib else []
    return {
        "name": crystal.name,
        "right": found == crystal.group,
        "expected": crystal.group,
        "group": found,
        "true_places": crystal.places,
        "places": getattr(answer, "site_space_group", None),
        "tolerance": getattr(answer, "tolerance", None),
        "sites": len(crystal.cell),
        "got_sites": len(answer.structure) if answer else None,
        "n_atoms": len(sample),
        "seconds": round(seconds, 4),
        **({"spglib": alone} if with_spglib else {}),
        **trouble,
    }


def site_scores(records):
    """Mean z-score with its standard error, and share of the large ones."""
    columns = {"sites right": share(record["right"] for record in records)}
    for head in ("occupancy", "scatter"):
        scores = np.array([z for record in records for z in record[head]])
        if len(scores) > 1:
            error = scores.std(ddof=1) / np.sqrt(len(scores))
            large = 100 * np.mean(np.abs(scores) > 2)
            columns[f"{head}: mean z"] = f"{scores.mean():+.3f} ± {error:.3f}"
            columns[f"{head}: std"] = f"{scores.std(ddof=1):.3f}"
            columns[f"{head}: |z| > 2"] = f"{large:.1f} % of {len(scores)}"
    return {**columns, "reasons": reasons_of(records)}


def broken_crystal(rng, index):
    """An element or a binary random alloy; every place is empty with the same probability."""
    _, crystal, name = sample_kinds.published(rng, index)
    vacancies, sigma = rng.uniform(0, 0.4), rng.uniform(0, 0.1)
    whole = random_supercell(crystal, rng, (200, 500))
    shares = {crystal[0].specie.symbol: 1.0}
    if rng.random() < 1 / 3:
        x, other = rng.uniform(0.2, 0.8), str(rng.choice(np.setdiff1d(SPECIES, list(shares))))
        shares = {crystal[0].specie.symbol: 1 - x, other: x}
        whole = random_alloy(whole, rng, list(shares), list(shares.values()))
    kept = rng.random(len(whole)) >= vacancies
    numbers = np.array(whole.atomic_numbers)[kept]
    sample = build_structure(whole.lattice, numbers, whole.frac_coords[kept])
    n_sites = len(crystal.get_primitive_structure(tolerance=PERFECT))
    truth = {element: (1 - vacancies) * x for element, x in shares.items()}
    made = " ".join(f"{element} {x:.2f}" for element, x in truth.items())
    name = f"{name}: {made}, {sigma:.3f} Å"
    return displace_atoms(sample, sigma, rng), truth, sigma, n_sites, len(whole) / n_sites, name


@line(site_scores, lambda: 200)
def sites(rng, index):
    """Occupancies and scatter of all sites; all have the same truth, so none is looked up."""
    sample, truth, sigma, n_sites, n_cells, name = broken_crystal(rng, index)
    answer, trouble, _ = attempt(average, sample)
    right = answer is not None and len(answer.structure) == n_sites
    occupancy, scatter = z_scores(answer, truth, sigma, n_cells) if right else ([], [])
    return {
        "name": name,
        "right": right,
        "sites": n_sites,
        "got_sites": len(answer.structure) if answer else None,
        "n_cells": n_cells,
        "occupancy": occupancy,
        "scatter": scatter,
        **trouble,
    }


def z_scores(answer, truth, sigma, n_cells):
    """Deviations of the occupancies and variances of all sites, in standard errors."""
    occupancy = [
        float((site.get(element, 0.0) - p) / np.sqrt(p * (1 - p) / n_cells))
        for site in ({str(e): x for e, x in site.items()} for site in answer.occupancies)
        for element, p in truth.items()
    ]
    counts = n_cells * np.array([sum(site.values()) for site in answer.occupancies])
    freedom = 3 * np.maximum(1, counts - 1)
    squares = (np.asarray(answer.displacements) ** 2).reshape(len(counts), -1).mean(axis=1)
    scatter = (squares / sigma**2 - 1) / np.sqrt(2 / freedom)
    return occupancy, scatter.tolist()


TIMED = {
    "find_average_cell": crystutor.find_average_cell,
    "average_structure": average,
    "classify": crystutor.classify,
}


def medians(records):
    """Median milliseconds of each function and sample."""
    columns = {}
    for head in dict.fromkeys(record["name"] for record in records):
        chosen = [record for record in records if record["name"] == head]
        for key in TIMED:
            columns[f"{head} {key}"] = f"{np.median([r[key] for r in chosen]):.1f} ms"
    return columns


@line(medians, lambda: 40)
def time_(rng, index):
    """A crystal of 256 atoms."""
    names = ("fcc 25 %", "diamond 0.06 Å")
    name = names[index % 2]
    if name == names[0]:
        supercell = random_supercell(crystutor.build_prototype("fcc"), rng, (341, 341))
        sample = remove_atoms(supercell, 0.25, rng)
    else:
        supercell = random_supercell(crystutor.build_prototype("diamond"), rng, (256, 256))
        sample = displace_atoms(supercell, 0.06, rng)
    warm_up()
    found = {"name": name, "n_atoms": len(sample)}
    for key, function in TIMED.items():
        _, trouble, seconds = attempt(function, sample)
        found |= {key: round(1000 * seconds, 2), **trouble}
    return found | {"right": "reason" not in found}


@cache
def warm_up():
    """Load the network before the first time is taken."""
    crystal = crystutor.build_prototype("fcc")
    attempt(average, crystal)
    attempt(crystutor.classify, crystal)


if __name__ == "__main__":
    main()
