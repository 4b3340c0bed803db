"""Enumerate hypothetical elemental prototypes: every small set of orbits that makes a solid.

    python tools/enumerate_prototypes.py crystutor/data/hypothetical_prototypes.json

For each of the eight space groups and each small set of Wyckoff orbits, free parameters are sampled
at random. The densest plausible structures (neighbours all around, no holes) become entries, each
with a box of parameters. A box is shrunk until every sample in it is plausible, corners included.
Every sample must have its space group by Spglib at 1e-6 Å, 1e-3 Å and 2 % of a bond length.
"""

import itertools
import json
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from tqdm import tqdm

from crystutor.crystal.average.cell import find_average_cell
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.prototypes import Prototype, build_crystal, scale_shortest_distance
from crystutor.crystal.space_groups import space_group
from crystutor.crystal.structures import bond_length

SEED = 2018
N_DRAWS = 600
N_BOX_SAMPLES = 40
ENTRIES_PER_SET = 2
ORBITS = {  # Wyckoff letter, multiplicity in the conventional cell, representative
    139: "a 2 0,0,0|b 2 0,0,1/2|c 4 0,1/2,0|d 4 0,1/2,1/4|e 4 0,0,z|f 8 1/4,1/4,1/4|g 8 0,1/2,z|"
    "h 8 x,x,0|i 8 x,0,0|j 8 x,1/2,0|k 16 x,x+1/2,1/4|l 16 x,y,0|m 16 x,x,z|n 16 0,y,z",
    141: "a 4 0,3/4,1/8|b 4 0,1/4,3/8|c 8 0,0,0|d 8 0,0,1/2|e 8 0,1/4,z|f 16 x,0,0|"
    "g 16 x,x+1/4,7/8|h 16 0,y,z",
    166: "a 3 0,0,0|b 3 0,0,1/2|c 6 0,0,z|d 9 1/2,0,1/2|e 9 1/2,0,0|f 18 x,0,0|g 18 x,0,1/2|"
    "h 18 x,-x,z",
    194: "a 2 0,0,0|b 2 0,0,1/4|c 2 1/3,2/3,1/4|d 2 1/3,2/3,3/4|e 4 0,0,z|f 4 1/3,2/3,z|"
    "g 6 1/2,0,0|h 6 x,2*x,1/4|i 12 x,0,0|j 12 x,y,1/4|k 12 x,2*x,z",
    221: "a 1 0,0,0|b 1 1/2,1/2,1/2|c 3 0,1/2,1/2|d 3 1/2,0,0|e 6 x,0,0|f 6 x,1/2,1/2|g 8 x,x,x|"
    "h 12 x,1/2,0|i 12 0,y,y|j 12 1/2,y,y|k 24 0,y,z|l 24 1/2,y,z|m 24 x,x,z",
    225: "a 4 0,0,0|b 4 1/2,1/2,1/2|c 8 1/4,1/4,1/4|d 24 0,1/4,1/4|e 24 x,0,0|f 32 x,x,x|"
    "g 48 x,1/4,1/4|h 48 0,y,y|i 48 1/2,y,y|j 96 0,y,z|k 96 x,x,z",
    227: "a 8 1/8,1/8,1/8|b 8 3/8,3/8,3/8|c 16 0,0,0|d 16 1/2,1/2,1/2|e 32 x,x,x|f 48 x,1/8,1/8|"
    "g 96 x,x,z|h 96 0,y,-y",
    229: "a 2 0,0,0|b 6 0,1/2,1/2|c 8 1/4,1/4,1/4|d 12 1/4,0,1/2|e 12 x,0,0|f 16 x,x,x|"
    "g 24 x,0,1/2|h 24 0,y,y|i 24 1/4,y,-y+1/2|j 48 0,y,z|k 48 x,x,z",
}
LARGEST_CELL = {139: 24, 141: 24, 166: 36, 194: 24, 221: 32, 225: 112, 227: 136, 229: 60}
MOST_FREE = 4
PEARSON = {139: "tI", 141: "tI", 166: "hR", 194: "hP", 221: "cP", 225: "cF", 227: "cF", 229: "cI"}
RATIOS = {139: (0.3, 4.5), 141: (0.3, 4.5), 166: (0.4, 5.0), 194: (0.4, 4.5)}
DENSEST, SPARSEST = 0.70, 3.2  # volume per atom over the cubed shortest distance


def main(path):
    choices = [(group, orbits) for group in ORBITS for orbits in orbit_sets(group)]
    with ProcessPoolExecutor() as executor:
        found = list(
            tqdm(executor.map(entries_of, *zip(*choices, strict=True)), total=len(choices))
        )
        candidates = list(itertools.chain.from_iterable(found))
        chosen = executor.map(has_its_own_cell, candidates)
        entries = list(itertools.compress(candidates, chosen))
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[\n{lines}\n]\n")
    print(f"{len(entries)} prototypes written to {path}")


def orbit_sets(group):
    """Sets of up to three orbits; an orbit without free coordinates occurs once."""
    orbits = [tuple(text.split()) for text in ORBITS[group].split("|")]
    for size in (1, 2, 3):
        for chosen in itertools.combinations_with_replacement(orbits, size):
            fixed = [orbit for orbit in chosen if not set(orbit[2]) & set("xyz")]
            n_free = sum(len(set(orbit[2]) & set("xyz")) for orbit in chosen)
            size = sum(int(orbit[1]) for orbit in chosen)
            small = size <= LARGEST_CELL[group] and n_free <= MOST_FREE
            if small and len(set(fixed)) == len(fixed):
                yield tuple((letter, triplet) for letter, _, triplet in chosen)


def entries_of(group, orbits):
    """Up to ENTRIES_PER_SET entries, the densest plausible ones that differ."""
    rng = np.random.default_rng([SEED, *map(ord, f"{group}{orbits}")])
    lows, highs, names = search_box(group, orbits)
    draws = rng.uniform(lows, highs, (N_DRAWS, len(names))) if names else np.zeros((1, 0))
    sparsities = [sparsity(group, orbits, names, draw) for draw in draws]
    entries: list[dict] = []
    centers: list[np.ndarray] = []
    for index in np.argsort(sparsities):
        if not np.isfinite(sparsities[index]) or len(entries) == (ENTRIES_PER_SET if names else 1):
            break
        scaled = (draws[index] - lows) / (highs - lows)
        if any(np.abs(scaled - center).max(initial=0) < 0.12 for center in centers):
            continue
        if (box := find_box(group, orbits, names, draws[index], rng)) is not None:
            centers.append(scaled)
            entries.append(entry(group, orbits, names, draws[index], box, len(entries) + 1))
    return entries


def search_box(group, orbits):
    names = ["c_over_a"] if group in RATIOS else []
    ranges = [tuple(np.log(RATIOS[group]))] if names else []
    for number, (_, triplet) in enumerate(orbits, start=1):
        for axis in sorted(set(triplet) & set("xyz")):
            names.append(f"{axis}{number}")
            ranges.append((0.0, 0.5 if len(set(triplet) & set("xyz")) == 1 else 1.0))
    lows, highs = np.reshape(np.array(ranges, float), (-1, 2)).T
    return lows, highs, names


def crystal(group, orbits, names, values):
    """Build the structure for search coordinates, where the ratio c/a is a logarithm."""
    parameters = {"a": 10.0, **to_parameters(names, values)}
    prototype = Prototype("", "", None, group, orbits, "Si", parameters, {}, "")
    return scale_shortest_distance(build_crystal(prototype, parameters), 2.35)


def to_parameters(names, values):
    return {
        name: float(np.exp(value) if name == "c_over_a" else value)
        for name, value in zip(names, values, strict=True)
    }


def sparsity(group, orbits, names, values, widest=SPARSEST):
    """Volume per atom over the cubed shortest distance, or infinity if not plausible.

    In a plausible structure, every atom has a neighbour within 1.2 shortest distances and three
    within 1.4, and the space group holds at 2 % of a bond length.
    """
    structure = crystal(group, orbits, names, values)
    shortest = 2.35
    value = structure.volume / len(structure) / shortest**3
    if not DENSEST <= value <= widest or len(structure) != n_atoms(group, orbits):
        return np.inf
    centers, _, _, distances = structure.get_neighbor_list(1.4 * shortest)
    coordination = np.bincount(centers, minlength=len(structure))
    nearest = np.bincount(centers[distances <= 1.2 * shortest], minlength=len(structure))
    if coordination.min() < 3 or nearest.min() < 1:
        return np.inf
    return value if space_group(structure, 0.02 * bond_length(structure)) == group else np.inf


def n_atoms(group, orbits):
    table = {text.split()[0]: int(text.split()[1]) for text in ORBITS[group].split("|")}
    return sum(table[letter] for letter, _ in orbits)


def find_box(group, orbits, names, center, rng):
    """Half widths of the widest box tried around a center, or None if the smallest fails."""
    widths = np.array([0.15 if name == "c_over_a" else 0.03 for name in names])
    for shrink in (1.0, 0.6, 0.35, 0.2):
        corners = np.array(list(itertools.product((-1, 1), repeat=len(names))), ndmin=2)
        inside = rng.uniform(-1, 1, (N_BOX_SAMPLES if names else 1, len(names)))
        samples = center + np.vstack([corners, inside]) * widths * shrink
        if all(holds(group, orbits, names, sample) for sample in samples):
            return widths * shrink
    return None


def holds(group, orbits, names, values):
    if not np.isfinite(sparsity(group, orbits, names, values, 1.3 * SPARSEST)):
        return False
    structure = crystal(group, orbits, names, values)
    return all(space_group(structure, symprec) == group for symprec in (1e-3, 1e-6))


def has_its_own_cell(record):
    """Whether the average cell is the entry's own, not a smaller one, all over the entry's box."""
    prototype = Prototype(**record)
    names = list(prototype.ranges)
    low, high = np.reshape(list(prototype.ranges.values()), (-1, 2)).T
    inside = np.random.default_rng(SEED).uniform(
        low, high, (N_BOX_SAMPLES if names else 0, len(names))
    )
    for values in [*itertools.product(*prototype.ranges.values()), *inside.tolist()]:
        parameters = {**prototype.parameters, **dict(zip(names, values, strict=True))}
        structure = build_crystal(prototype, parameters)
        try:
            cell = find_average_cell(structure)
        except NoAverageLatticeError:
            return False
        if cell.bravais != PEARSON[prototype.space_group] or abs((cell.n_cells or 0) - 1) > 1e-3:
            return False
    return True


def entry(group, orbits, names, center, box, number):
    structure = crystal(group, orbits, names, center)
    letters = "".join(
        f"{len(list(same)) if n > 1 else ''}{letter}"
        for letter, same in itertools.groupby(letter for letter, _ in orbits)
        for n in [sum(l == letter for l, _ in orbits)]
    )
    primitive = len(structure) // (3 if group == 166 else 1)
    aflow = f"A_{PEARSON[group]}{primitive}_{group}_{letters}"
    low, high = to_parameters(names, center - box), to_parameters(names, center + box)
    values = {"a": structure.lattice.a, **to_parameters(names, center)}
    return {
        "name": f"hypothetical {aflow}-{number}",
        "aflow": aflow,
        "strukturbericht": None,
        "space_group": group,
        "sites": orbits,
        "element": "Si",
        "parameters": {name: round(value, 5) for name, value in values.items()},
        "ranges": {name: [round(low[name], 5), round(high[name], 5)] for name in names},
        "source": f"hypothetical, enumerated with seed {SEED}, bond length 2.35 Å",
    }


if __name__ == "__main__":
    main(sys.argv[1])
