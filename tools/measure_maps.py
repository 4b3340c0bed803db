"""Measure maps of polycrystals, of half molten boxes and of files, beside OVITO's templates.

    python tools/measure_maps.py polycrystals [--kinds fcc mixed] [--levels pristine "25 %"]
    python tools/measure_maps.py liquid
    python tools/measure_maps.py files FILE...
    python tools/measure_maps.py times
    options: [--n 3] [--seed 1] [--methods map "ptm 0.1" "ptm 0.2" a-cna] [--workers 2]
             [--stride 8] [--out FILE.csv] [--verbose]

polycrystals   periodic, 8 grains of one crystal or of four, 20,000 atoms; --levels all takes 0 to
               40 % vacancies and 0 to 0.2 Å. Counted are atoms that were at least 6 Å from the
               next atom of another grain; grains of more than 500 atoms, where neighbours under
               5 degrees count as one; the orientation of each grain, against the true one.
liquid         half crystal, half random packing: atoms of the liquid with a class, atoms of the
               crystal at least 6 Å inside with theirs
files          extended XYZ with the columns grain (class) and to_boundary [Å]: atoms at least 4 Å
               inside a grain
times          20,000 atoms, two processes; one process, per window

map_samples.py makes the samples, atom_templates.py states OVITO's options. All methods see the
same samples.
"""

import argparse
import csv
import os
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import atom_templates
import map_samples
import numpy as np
from scipy.spatial.transform import Rotation
from tqdm import tqdm

import crystutor
from crystutor.maps.orientations import misorientations

LEVELS = {  # name: (vacancy fraction, displacement [Å])
    "pristine": (0.0, 0.0),
    "25 %": (0.25, 0.0),
    "40 %": (0.4, 0.0),
    "0.1 Å": (0.0, 0.1),
    "25 % + 0.1 Å": (0.25, 0.1),
    "10 %": (0.1, 0.0),
    "20 %": (0.2, 0.0),
    "30 %": (0.3, 0.0),
    "0.05 Å": (0.0, 0.05),
    "0.15 Å": (0.0, 0.15),
    "0.2 Å": (0.0, 0.2),
}
OF_THE_TABLE = tuple(LEVELS)[:5]
INSIDE = {"polycrystals": 6.0, "liquid": 6.0, "files": 4.0}  # [Å]
LARGE = 500  # atoms of a grain that must be found
MEANS = ("right", "wrong", "none", "liquid_labelled")


def main():
    options = parse()
    if options.part == "times":
        print(measure_times(options))
        return
    jobs = list_jobs(options)
    records = []
    with ProcessPoolExecutor(options.workers, initializer=warm_up) as executor:
        for found in tqdm(executor.map(measure, jobs), total=len(jobs), disable=None):
            records += found
            if options.out:
                write_csv(records, options.out)
            if options.verbose:
                tqdm.write("\n".join(map(describe, found)))
    print(report(records))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*INSIDE, "times"])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--n", type=int, default=3, help="samples of a kind and level")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=map_samples.KINDS)
    parser.add_argument("--levels", nargs="+", default=OF_THE_TABLE, choices=["all", *LEVELS])
    methods = ["map", *atom_templates.METHODS]
    parser.add_argument("--methods", nargs="+", default=["map"], choices=["all", *methods])
    parser.add_argument("--stride", type=float, default=8.0, help="[Å]")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="CSV file of all samples")
    parser.add_argument("--verbose", action="store_true", help="print every sample")
    options = parser.parse_args()
    options.levels = list(LEVELS) if "all" in options.levels else options.levels
    options.methods = methods if "all" in options.methods else options.methods
    if set(options.methods) - {"map"} and not atom_templates.is_installed():
        parser.error("OVITO is not installed; `pip install ovito`, or --methods map")
    if (options.part == "files") != bool(options.files):
        parser.error("FILE goes with 'files', which needs one or more")
    return options


def list_jobs(options):
    """(part, kind or path, seed, index, level, methods, stride) of each sample."""
    if options.part == "files":
        kinds, levels, indices = options.files, ["pristine"], [0]
    elif options.part == "liquid":
        kinds, levels, indices = options.kinds or map_samples.ELEMENTS, ["pristine"], None
    else:
        kinds, levels, indices = options.kinds or map_samples.KINDS, options.levels, None
    return [
        (options.part, kind, options.seed, index, level, options.methods, options.stride)
        for index in indices or range(options.n)
        for level in levels
        for kind in kinds
    ]


def warm_up():
    """Load the network before the first time is taken."""
    warnings.simplefilter("ignore")
    crystutor.classify(crystutor.build_prototype("fcc"))


def measure(job):
    """Make a sample, map it, and compare with the truth: a record of each method."""
    part, kind, seed, index, level, methods, stride = job
    if part == "files":
        truth = map_samples.from_file(kind)
    else:
        make = map_samples.half_molten if part == "liquid" else map_samples.polycrystal
        truth = make(kind, seed, index)
    rng = map_samples.random_numbers(f"{part} {kind} {level}", seed, index)
    truth = map_samples.damage(truth, *LEVELS[level], rng)
    base = {"part": part, "kind": getattr(kind, "name", kind), "level": level, "index": index}
    base |= {"name": truth.name, "n_atoms": len(truth.atoms)}
    return [base | compare(part, truth, method, stride) for method in methods]


def compare(part, truth, method, stride):
    found, labels, error = None, np.full(len(truth.atoms), ""), ""
    start = time.perf_counter()
    if method == "map":
        try:
            found = crystutor.map_structure(truth.atoms, stride=stride)
            labels = found.atom_labels
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
    else:
        labels = atom_templates.label_atoms(truth.atoms, method)
    seconds = time.perf_counter() - start
    record = {"method": method, **shares(truth, labels, INSIDE[part])}
    record |= {"seconds": round(seconds, 2), "error": error}
    if found is not None:
        record["windows"] = len(found.windows.labels)
        record |= grains_found(truth, found) if truth.turns is not None else {}
    return record


def shares(truth, labels, inside):
    """Shares of the atoms inside crystals with the right, a wrong or no class; of the liquid's."""
    liquid = truth.labels == ""
    deep = ~liquid & (truth.depths >= inside)
    right, none = (labels == truth.labels)[deep], (labels == "")[deep]
    found = {"n_inside": int(deep.sum()), "right": right.mean(), "wrong": (~right & ~none).mean()}
    found["none"] = none.mean()
    if liquid.any():
        far = liquid & (truth.depths >= inside)
        found["liquid_labelled"] = float(np.mean(labels[liquid] != ""))
        found["liquid_inside_labelled"] = float(np.mean(labels[far] != ""))
    return {name: round(value, 5) for name, value in found.items()}


def grains_found(truth, found):
    """Numbers of large grains, true and found, and errors of their orientations [degree]."""
    groups = map_samples.true_grains(truth, LARGE)
    large = [grain for grain in found.grains if grain.n_atoms > LARGE]
    matches, errors = [], []
    for grain in large:
        own = truth.grains[found.atom_grains == grain.number]
        true = int(np.bincount(own).argmax())
        matches.append(int(groups[true]))
        if grain.label == truth.labels[truth.grains == true][0]:
            turn = Rotation.from_quat([grain.orientation])
            errors.append(misorientations(truth.turns[true], turn, grain.bravais)[0])
    wanted, counts = sorted({*groups.tolist()} - {-1}), Counter(matches)
    return {
        "grains": len(wanted),
        "grains_found": len(large),
        "missed": " ".join(str(k) for k in wanted if k not in counts),
        "split": " ".join(str(k) for k, count in counts.items() if count > 1),
        "error_median": round(float(np.median(errors)), 4) if errors else "",
        "error_max": round(float(max(errors)), 4) if errors else "",
        "errors": " ".join(f"{error:.3f}" for error in errors),
    }


def describe(record):
    return "; ".join(f"{key} {value}" for key, value in record.items() if value not in ("", None))


def write_csv(records, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        names = list(dict.fromkeys(name for record in records for name in record))
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(records)


def report(records):
    """Table: a line for each method, kind and level."""
    heads = f"{'right %':>9}{'lowest':>8}{'wrong':>7}{'none':>7}{'liquid':>8}"
    heads += f"{'grains exact':>14}{'error median':>14}{'max [deg]':>11}{'s':>7}"
    lines = [f"{'method':9}{'kind':32}{'level':14}{'n':>3}{heads}"]
    keys = dict.fromkeys((r["method"], r["kind"], r["level"]) for r in records)
    for method, kind, level in sorted(keys):
        key = (method, kind, level)
        some = [r for r in records if (r["method"], r["kind"], r["level"]) == key]
        right, wrong, none = (100 * np.mean([r[name] for r in some]) for name in MEANS[:3])
        cells = f"{right:9.2f}{100 * min(r['right'] for r in some):8.2f}{wrong:7.2f}{none:7.2f}"
        liquid = [r["liquid_labelled"] for r in some if "liquid_labelled" in r]
        cells += f"{100 * np.mean(liquid):8.2f}" if liquid else " " * 8
        counted = [r for r in some if "grains" in r]
        exact = sum(r["grains"] == r["grains_found"] and not r["missed"] for r in counted)
        cells += f"{exact:>8} of {len(counted):<3}" if counted else " " * 15
        errors = [float(error) for r in counted for error in r["errors"].split()]
        cells += f"{np.median(errors):13.3f}{max(errors):11.3f}" if errors else " " * 24
        cells += f"{np.median([r['seconds'] for r in some]):7.1f}"
        lines.append(f"{method:9}{kind:32}{level:14}{len(some):>3}{cells}")
        lines += [f"    {r['name']}: {r['error']}" for r in some if r["error"]]
    return "\n".join(lines)


def measure_times(options):
    """Seconds for 20,000 atoms with two processes, and for each window with one."""
    atoms = map_samples.polycrystal("fcc", options.seed, 0).atoms
    warm_up()
    start = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as executor:
        n = len(crystutor.map_structure(atoms, options.stride, executor=executor).windows.labels)
    both = time.perf_counter() - start
    start = time.perf_counter()
    crystutor.map_structure(atoms, options.stride)
    alone = time.perf_counter() - start
    return (
        f"{len(atoms):,} atoms, {n} windows: {both:.1f} s with {options.workers} processes, their "
        f"start included; {alone:.1f} s with one, {1000 * alone / n:.0f} ms a window, all included"
    )


if __name__ == "__main__":
    main()
