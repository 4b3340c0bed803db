"""Samples for measure_maps.py: polycrystals, half molten boxes, and files that tell the truth.

Sample number `index` of a kind depends on the kind, the seed and the index alone.
"""

import zlib
from dataclasses import dataclass, replace

import ase.io
import numpy as np
from ase import Atoms
from sample_kinds import push_apart
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from crystutor import bond_length, build_prototype
from crystutor.maps.orientations import misorientations
from crystutor.maps.polycrystals import place_grains

N_ATOMS = 20_000
N_GRAINS = 8
ONE_GRAIN = 5.0  # neighbours of one class that differ by less count as one grain [degree]
ELEMENTS = {  # of each crystal, in turn
    "fcc": ("Cu", "Al", "Ni", "Ag"),
    "bcc": ("Fe", "W", "Cr", "Ta"),
    "hcp": ("Mg", "Ti", "Co", "Zr"),
    "diamond": ("Si", "Ge", "C", "Si"),
}
LABELS = {"fcc": "fcc", "bcc": "bcc", "hcp": "hex/rh", "diamond": "diam", "hex_rh": "hex/rh"}
KINDS = (*ELEMENTS, "mixed")
TO_ORTHOGONAL = {"hcp": [[1, 0, 0], [1, 2, 0], [0, 0, 1]]}


@dataclass(frozen=True)
class Truth:
    """Atoms, and what is known about them.

    Attributes
    ----------
    atoms : the sample
    labels : class of each atom, "" for none, shape (n,)
    depths : distance to the next atom of another grain or phase before the damage, shape (n,) [Å]
    grains : grain of each atom, shape (n,)
    turns : orientation of each grain, None where it is unknown
    name : crystals and elements
    """

    atoms: Atoms
    labels: np.ndarray
    depths: np.ndarray
    grains: np.ndarray
    turns: Rotation | None
    name: str


def random_numbers(kind, seed, index):
    return np.random.default_rng([seed, zlib.crc32(kind.encode()), index])


def crystals_of(kind, index):
    """A crystal of a kind; of each kind, if it is mixed."""
    names = list(ELEMENTS) if kind == "mixed" else [kind]
    crystals = [build_prototype(name, ELEMENTS[name][index % 4]) for name in names]
    return names, crystals


def polycrystal(kind, seed, index, n_atoms=N_ATOMS, n_grains=N_GRAINS):
    """Periodic polycrystal of about n atoms."""
    names, crystals = crystals_of(kind, index)
    density = np.mean([len(crystal) / crystal.volume for crystal in crystals])
    edge = np.cbrt(n_atoms / density)
    crystals = [crystals[k % len(crystals)] for k in range(n_grains)]
    labels = np.array([LABELS[names[k % len(names)]] for k in range(n_grains)])
    rng = random_numbers(kind, seed, index)
    positions, numbers, grains, turns = place_grains(crystals, edge, rng)
    atoms = Atoms(numbers, positions, cell=np.eye(3) * edge, pbc=True)
    name = " ".join(dict.fromkeys(crystal[0].specie.symbol for crystal in crystals))
    depths = distances_to_others(positions, grains, edge)
    return Truth(atoms, labels[grains], depths, grains, turns, name)


def half_molten(kind, seed, index, n_atoms=N_ATOMS):
    """Box with a crystalline and a liquid half: a dense random packing."""
    (name,), (crystal,) = crystals_of(kind, index)
    rng = random_numbers(f"{kind} half molten", seed, index)
    cell = crystal.copy().make_supercell(TO_ORTHOGONAL.get(kind, np.eye(3)))
    edges = np.cbrt(n_atoms / 2 / len(cell) * cell.volume) * np.array([1, 1, 2])
    block = cell.make_supercell(np.round(edges / cell.lattice.abc).astype(int))
    box, bond = np.array(block.lattice.abc), bond_length(crystal)
    liquid = np.mod(block.frac_coords[:, 2] + 1e-6, 1.0) > 0.5
    moves = rng.normal(0, 0.7 * bond, (len(block), 3)) * liquid[:, None]
    positions = push_apart(block.cart_coords + moves, box, 0.85 * bond, liquid)
    labels = np.where(liquid, "", LABELS[kind])
    depths = distances_to_others(positions, liquid.astype(int), box)
    turn = Rotation.random(rng=rng)
    atoms = Atoms(block.atomic_numbers, positions, cell=np.diag(box), pbc=True)
    atoms.set_cell(turn.apply(np.diag(box)), scale_atoms=True)
    symbol = f"{name} {block[0].specie.symbol}"
    return Truth(atoms, labels, depths, liquid.astype(int), None, symbol)


def from_file(path):
    """Sample with a column `grain`, its class, and one `to_boundary` [Å]."""
    atoms = next(ase.io.iread(path, format="extxyz"))
    labels = np.array([LABELS.get(name, name) for name in atoms.arrays["grain"]])
    _, grains = np.unique(labels, return_inverse=True)
    return Truth(atoms, labels, atoms.arrays["to_boundary"], grains, None, str(path))


def distances_to_others(positions, groups, box):
    """Distance of each atom of a periodic box to the next atom of another group, shape (n,)."""
    distances = np.full(len(positions), np.inf)
    inside = np.mod(positions, box)
    inside = np.where(inside < box, inside, 0.0)
    for group in set(groups.tolist()):
        own = groups == group
        if not own.all():
            tree = cKDTree(inside[~own], boxsize=box)
            distances[own], _ = tree.query(inside[own])
    return distances


def damage(truth, vacancies, displacement, rng):
    """Remove a share of the atoms and displace the others [Å]; depths stay as they were."""
    n = len(truth.atoms)
    kept = np.sort(rng.permutation(n)[: n - int(np.floor(vacancies * n))])
    atoms = truth.atoms[kept]
    atoms.positions += rng.normal(0, displacement, (len(kept), 3)) if displacement else 0.0
    atoms.wrap()
    cut = {name: getattr(truth, name)[kept] for name in ("labels", "depths", "grains")}
    return replace(truth, atoms=atoms, **cut)


def true_grains(truth, larger_than):
    """Group number of each grain: neighbours of nearly one orientation are one; -1 if small."""
    counts = np.bincount(truth.grains)
    groups = np.arange(len(counts))
    label_of = dict(zip(truth.grains.tolist(), truth.labels.tolist(), strict=True))
    for one, other in sorted(contacts(truth)):
        if label_of[one] == label_of[other]:
            bravais = "hP" if label_of[one] == "hex/rh" else "cP"
            angle = misorientations(truth.turns[one], truth.turns[[other]], bravais)[0]
            if angle < ONE_GRAIN:
                groups[groups == groups[other]] = groups[one]
    sizes = np.bincount(groups, counts, minlength=len(groups))
    return np.where(sizes[groups] > larger_than, groups, -1)


def contacts(truth, distance=5.0):
    """Pairs of grains of a periodic cube that hold atoms within a distance [Å]."""
    edge = truth.atoms.cell[0, 0]
    near = np.flatnonzero(truth.depths < distance)
    inside = np.mod(truth.atoms.positions[near], edge) % edge
    pairs = cKDTree(inside, boxsize=edge).query_pairs(distance, output_type="ndarray")
    pairs = np.unique(np.sort(truth.grains[near][pairs], axis=1), axis=0)
    return {(one, other) for one, other in pairs.tolist() if one != other}
