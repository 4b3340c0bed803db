"""Which grain an atom belongs to: the one whose lattice leads from it to other atoms."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from tqdm.auto import tqdm

from crystutor.crystal.lattice.atom_map import AtomMap
from crystutor.crystal.lattice.moved_atoms import TOLERANCE
from crystutor.crystal.lattice.sublattices import lattice_vectors
from crystutor.executors import map_in_order
from crystutor.maps.boxes import EDGE, MARGIN, Places, Surroundings, boxes_of
from crystutor.maps.grains import Grain

N_VECTORS = 9  # shortest of a lattice, and their opposites
REACH = 3.3  # longest of them [bond lengths]
NEIGHBOUR = 1.35  # whose share counts, too [bond lengths]
ROOM = 1.2  # a place with no atom that near lies outside a finite sample [bond lengths]
ENOUGH = 0.55  # share of the grain's overlap that its atoms reach


@dataclass(frozen=True, eq=False)
class AtomTask:
    """Some atoms, those around them, and the grains that they may belong to.

    Attributes
    ----------
    positions : of the atoms, then of those around them, shape (m, 3) [Å]
    n_own : number of atoms that are asked for
    grains : numbers of the grains, shape (g,)
    bases : primitive vectors of their lattices, shape (g, 3, 3) [Å]
    overlaps : of the lattices, shape (g,)
    distance : bond length [Å]
    is_finite : whether the sample ends somewhere
    """

    positions: np.ndarray
    n_own: int
    grains: np.ndarray
    bases: np.ndarray
    overlaps: np.ndarray
    distance: float
    is_finite: bool


def grains_of_atoms(
    places: Places,
    grains: Sequence[Grain],
    executor: Executor | None = None,
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the grain of each atom of a sample.

    Returns
    -------
    grains : ndarray
        Place of its grain in the sequence, -1 for none, shape (n,).
    overlaps : ndarray
        Share of the grain's vectors that lead to atoms; see `find_grains_of_atoms`.
    """
    own, overlaps = np.full(len(places.points), -1), np.zeros(len(places.points))
    boxes = list(boxes_of(places.points, places.sample, EDGE))
    found = map_in_order(find_grains_of_atoms, _tasks(places, boxes, grains), executor)
    bar = tqdm(boxes, desc="atoms", unit="box", disable=not progress)
    for box, (numbers, shares) in zip(bar, found, strict=True):
        own[box.members], overlaps[box.members] = numbers, shares
    return own, overlaps


def _tasks(places, boxes, grains):
    margin, around = MARGIN * places.distance, places.around
    windows = Surroundings(places.centers, places.sample, places.radius + EDGE)
    grain_of = np.full(len(places.centers), -1)
    for n, grain in enumerate(grains):
        grain_of[grain.windows] = n
    is_own = np.zeros(len(around.points), bool)
    originals = np.flatnonzero(~around.is_image)
    originals = originals[np.argsort(around.indices[originals])]
    for box in boxes:
        own = originals[box.members]
        is_own[own] = True
        near = around.around(box.center, box.radius + margin)
        near = near[~is_own[near]]
        is_own[own] = False
        candidates = windows.indices[windows.around(box.center, box.radius + places.radius)]
        candidates = np.unique(grain_of[candidates])
        chosen = [int(n) for n in candidates[candidates >= 0]]
        positions = around.points[np.concatenate([own, near])]
        yield atom_task(places, positions, len(own), [grains[n] for n in chosen], chosen)


def atom_task(
    places: Places,
    positions: np.ndarray,
    n_own: int,
    grains: Sequence[Grain],
    numbers: Sequence[int] = (0,),
) -> AtomTask:
    """Ask for the first atoms at some positions, shape (m, 3) [Å], to which grain they belong."""
    return AtomTask(
        positions,
        n_own,
        np.array(numbers, int),
        np.array([grain.basis for grain in grains]).reshape(-1, 3, 3),
        np.array([grain.overlap for grain in grains]),
        places.distance,
        not places.sample.periodic.all(),
    )


def find_grains_of_atoms(task: AtomTask) -> tuple[np.ndarray, np.ndarray]:
    """Find the grain of each atom.

    Returns
    -------
    grains : ndarray
        Number of the grain, -1 for none, shape (n_own,).
    overlaps : ndarray
        Share of the shortest lattice vectors of that grain that lead from the atom and its
        neighbours to atoms, shape (n_own,).
    """
    none = np.full(task.n_own, -1), np.zeros(task.n_own)
    if len(task.grains) == 0:
        return none
    low = task.positions.min(axis=0)
    room = 2 * REACH * task.distance
    box = np.diag(np.ptp(task.positions, axis=0) + room)
    atom_map = AtomMap(task.positions - low, box, TOLERANCE * task.distance)
    tree = cKDTree(task.positions)
    shares = np.array([_shares(task, atom_map, low, tree, basis) for basis in task.bases])
    near = tree.query_ball_point(task.positions[: task.n_own], NEIGHBOUR * task.distance)
    lengths = np.fromiter(map(len, near), int, len(near))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    sums = np.add.reduceat(shares[:, np.concatenate(near).astype(int)], starts, axis=1)
    means = sums / lengths
    best = means.argmax(axis=0)
    atoms = np.arange(task.n_own)
    belongs = means[best, atoms] > ENOUGH * task.overlaps[best]
    return np.where(belongs, task.grains[best], -1), np.where(belongs, means[best, atoms], 0.0)


def _shares(task, atom_map, low, tree, basis):
    """Share of a lattice's shortest vectors that lead from each atom to atoms, shape (m,)."""
    vectors = lattice_vectors(basis, REACH * task.distance, N_VECTORS) @ basis
    places = task.positions + np.concatenate([vectors, -vectors])[:, None]
    hits, _ = atom_map.find(places - low)
    if not task.is_finite:
        return hits.mean(axis=0)
    inside = hits.copy()
    away, _ = tree.query(places[~hits], distance_upper_bound=ROOM * task.distance)
    inside[~hits] = np.isfinite(away)
    return hits.sum(axis=0) / np.maximum(len(vectors), inside.sum(axis=0))
