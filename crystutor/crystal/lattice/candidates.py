"""Vectors that move many atoms onto atoms."""

import numpy as np
from scipy.spatial.distance import cdist

from crystutor.crystal.lattice.moved_atoms import MovedAtoms

N_SEEDS = 12  # atoms from which vectors to other atoms are tried
N_SCOUTS = 64  # atoms that are moved in the first trial
N_KEPT = 150  # vectors that are tried on all atoms
SAME = 0.35  # vectors nearer than that are one [bond lengths]
REFINEMENTS = 6
STILL = 0.02  # a vector that shifts by less is refined [bond lengths]
FEWEST_INSIDE = 0.12  # share of the atoms that must land inside a finite sample


def find_candidates(moved: MovedAtoms, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the vectors that move most atoms onto atoms.

    Parameters
    ----------
    moved
        The atoms that are moved.
    radius
        Longest vector [Å].

    Returns
    -------
    vectors : ndarray
        One of each pair t and -t, shape (n, 3) [Å], the best first.
    overlaps : ndarray
        Share of the atoms that each moves onto atoms, shape (n,).
    """
    vectors = _vectors_between_atoms(moved, radius)
    if len(vectors) > N_KEPT:
        scouts = np.linspace(0, len(moved.origins) - 1, N_SCOUTS).astype(int)
        overlaps = moved.overlaps(vectors, np.unique(scouts))
        vectors = vectors[np.argsort(-overlaps, kind="stable")[: 2 * N_KEPT]]
        vectors = _distinct(vectors, SAME * moved.bond_length)[:N_KEPT]
    vectors = _refined(moved, vectors)
    landing = moved.move(vectors)
    enough = landing.inside.mean(axis=1) >= FEWEST_INSIDE
    order = np.argsort(-landing.overlaps, kind="stable")
    order = order[enough[order]]
    chosen = _distinct_indices(vectors[order], SAME * moved.bond_length)
    return vectors[order][chosen], landing.overlaps[order][chosen]


def _refined(moved, vectors):
    """Shift each vector to the mean of the vectors from the atoms to those on which they land."""
    vectors = vectors.copy()
    rest = np.arange(len(vectors))
    for _ in range(REFINEMENTS):
        landing = moved.move(vectors[rest])
        shifts = landing.misses.sum(axis=1) / np.maximum(1, landing.hits.sum(axis=1))[:, None]
        vectors[rest] += shifts
        rest = rest[np.linalg.norm(shifts, axis=1) > STILL * moved.bond_length]
        if len(rest) == 0:
            break
    return vectors


def _vectors_between_atoms(moved, radius):
    """Vectors from some atoms to all others, one of each pair t and -t, without repeats."""
    seeds = np.unique(np.linspace(0, len(moved.origins) - 1, N_SEEDS).astype(int))
    vectors = moved.vectors_from(seeds, radius)
    vectors = vectors[_is_first_of_pair(vectors)]
    vectors = vectors[~moved.is_repeat(vectors)]
    cells = np.round(vectors / (0.5 * moved.tolerance)).astype(int)
    _, first = np.unique(cells, axis=0, return_index=True)
    return vectors[np.sort(first)]


def _is_first_of_pair(vectors):
    x, y, z = np.where(np.abs(vectors) < 1e-3, 0, vectors).T
    return (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))


def _distinct(vectors, distance):
    return vectors[_distinct_indices(vectors, distance)]


def _distinct_indices(vectors, distance):
    """Indices of vectors that are no copy of an earlier one, nor of its opposite."""
    is_near = np.minimum(cdist(vectors, vectors), cdist(vectors, -vectors)) < distance
    is_copy = np.zeros(len(vectors), bool)
    for n, near in enumerate(is_near):
        if not is_copy[n]:
            is_copy[n + 1 :] |= near[n + 1 :]
    return np.flatnonzero(~is_copy)
