"""Measure how often crystals are recognised in random supercells and orientations.

    python tools/measure_supercells.py --out build/supercells --size 1000

Each crystal of a published prototype becomes a supercell of its primitive cell, with 150 to 400
atoms, of random shape and orientation. It is damaged in several ways. For comparison, the same
crystal in conventional axes is damaged, too, and its axes are listed in other orders. The tool
prints accuracies balanced over the classes.
"""

import argparse
import csv
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from pymatgen.core import Structure
from tqdm import tqdm

from crystutor.crystal.cells import build_cluster, clusters_and_cells
from crystutor.crystal.defects import displace_atoms, remove_atoms
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.supercells import random_supercell
from crystutor.diffraction import fingerprint
from crystutor.training.random_crystals import sample_crystal

LEVELS = {  # name: (vacancy fraction, displacement [Å])
    "pristine": (0.0, 0.0),
    "0.02 Å": (0.0, 0.02),
    "0.06 Å": (0.0, 0.06),
    "0.1 Å": (0.0, 0.1),
    "1 %": (0.01, 0.0),
    "15 %": (0.15, 0.0),
    "25 %": (0.25, 0.0),
    "25 % + 0.06 Å": (0.25, 0.06),
    "40 %": (0.4, 0.0),
    "60 %": (0.6, 0.0),
}
ORDERS = {"conventional": (0, 1, 2), "b, c, a": (1, 2, 0), "c, b, a": (2, 1, 0)}
BLOCK = 8


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    levels = options.levels or list(LEVELS)
    shares = {"published": 1 - options.hypothetical, "hypothetical": options.hypothetical}
    sample = partial(damaged_images, options.seed, levels, shares)
    records, images = [], []
    with ProcessPoolExecutor(options.workers) as executor:
        indices = range(options.size)
        for found in tqdm(executor.map(sample, indices, chunksize=BLOCK), total=options.size):
            for record, image in found:
                records.append(record)
                images.append(image)
    name_classes(records, images)
    with (options.out / "supercells.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    print(report(records, levels))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=1000, help="number of crystals")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--levels", nargs="*", choices=list(LEVELS))
    parser.add_argument("--hypothetical", type=float, default=0.0, help="share of such prototypes")
    return parser.parse_args()


def damaged_images(seed, levels, shares, index):
    """Records and images of one crystal at all levels; the image is None without a lattice."""
    rng = np.random.default_rng([seed, index])
    label = CLASSES[index % len(CLASSES)]
    crystal, made_from = sample_crystal(label, rng, shares)
    conventional = build_cluster(crystal)
    inputs = {"random": random_supercell(crystal, rng)} | dict.fromkeys(ORDERS, conventional)
    found = []
    for axes, supercell in inputs.items():
        for level in levels:
            vacancies, sigma = LEVELS[level]
            damaged = displace_atoms(supercell, sigma, seed=index)
            damaged = remove_atoms(damaged, vacancies, seed=index)
            damaged = reorder_axes(damaged, ORDERS.get(axes, (0, 1, 2)))
            image, note, bravais, share = None, "", "", 0.0
            try:
                cluster, cell = clusters_and_cells(damaged)[0]
                image = fingerprint(cluster)
                bravais = cell.bravais
                share = abs(np.linalg.det(cell.matrix)) / crystal.volume
            except ValueError as error:
                note = str(error)
            record = {
                "index": index,
                "class": label,
                "prototype": made_from["prototype"],
                "element": made_from["element"],
                "axes": axes,
                "level": level,
                "n_atoms": len(damaged),
                "bravais": bravais,
                "volume over true": round(share, 3),
                "note": note,
            }
            found.append((record, image))
    return found


def reorder_axes(structure, order):
    """List the lattice vectors in another order; the atoms stay where they are."""
    order = list(order)
    return Structure(
        structure.lattice.matrix[order], structure.species, structure.frac_coords[:, order]
    )


def name_classes(records, images):
    from crystutor.convnet import load_convnet, predict_probabilities

    with_image = [n for n, image in enumerate(images) if image is not None]
    probabilities = predict_probabilities(load_convnet(), np.stack([images[n] for n in with_image]))
    for record in records:
        record["answer"] = ""
    for n, p in zip(with_image, probabilities, strict=True):
        records[n]["answer"] = CLASSES[p.argmax()]


def report(records, levels):
    """Markdown tables [%]: accuracy and share without lattice; same answer in all orders."""
    lines = [
        "| level | axes | n | accuracy | wrong cell | no lattice | by class |",
        "|" + " --- |" * 7,
    ]
    for level in levels:
        for axes in ("random", *ORDERS):
            chosen = [r for r in records if (r["level"], r["axes"]) == (level, axes)]
            right = defaultdict(list)
            for r in chosen:
                right[r["class"]].append(r["answer"] == r["class"])
            means = {label: 100 * np.mean(values) for label, values in right.items()}
            wrong = 100 * np.mean([not 0.99 < r["volume over true"] < 1.01 for r in chosen])
            refused = 100 * np.mean([r["note"] != "" for r in chosen])
            lines.append(
                f"| {level} | {axes} | {len(chosen)} | {np.mean(list(means.values())):.2f} | "
                f"{wrong:.2f} | {refused:.2f} | "
                + ", ".join(f"{label} {mean:.1f}" for label, mean in means.items())
                + " |"
            )
    lines += [
        "",
        "| level | n | same answer in all orders of the axes [%] |",
        "| --- | --- | --- |",
    ]
    for level in levels:
        answers = defaultdict(set)
        for r in records:
            if r["level"] == level and r["axes"] in ORDERS:
                answers[r["index"]].add(r["answer"])
        same = 100 * np.mean([len(found) == 1 for found in answers.values()])
        lines.append(f"| {level} | {len(answers)} | {same:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
