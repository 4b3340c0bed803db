"""The lattice that vectors generate, and the coarser lattices in it."""

import itertools
import math
from functools import cache

import numpy as np
from pymatgen.core import Lattice

LARGEST_MULTIPLE = 4  # of a vector that lies in a lattice it refines


def integer_basis(vectors: np.ndarray) -> np.ndarray:
    """Find a basis of the lattice that integer vectors generate.

    Parameters
    ----------
    vectors
        As rows, shape (n, m), integers.

    Returns
    -------
    ndarray
        Non-zero rows of the vectors' Hermite form, shape (rank, m), integers.

    Examples
    --------
    >>> integer_basis(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 1]]))
    array([[1, 1, 1],
           [0, 2, 0],
           [0, 0, 2]])
    """
    rows = np.array(vectors, dtype=int)
    rank = 0
    for column in range(rows.shape[1]):
        while np.count_nonzero(rows[rank:, column]) > 1:
            values = np.abs(rows[rank:, column])
            pivot = rank + np.where(values > 0, values, values.max() + 1).argmin()
            rows[[rank, pivot]] = rows[[pivot, rank]]
            rows[rank + 1 :] -= np.outer(rows[rank + 1 :, column] // rows[rank, column], rows[rank])
        pivots = rank + np.flatnonzero(rows[rank:, column])
        if len(pivots):
            rows[[rank, pivots[0]]] = rows[[pivots[0], rank]]
            rows[:rank] -= np.outer(rows[:rank, column] // rows[rank, column], rows[rank])
            rank += 1
    return rows[:rank]


def reduced(basis: np.ndarray) -> np.ndarray:
    """Reduce a basis to short vectors, right-handed, shape (3, 3) [Å]."""
    matrix = Lattice(basis).get_lll_reduced_lattice().matrix
    return matrix * np.sign(np.linalg.det(matrix))


def generated_lattice(vectors: np.ndarray, tolerance: float) -> np.ndarray:
    """Find a basis of the lattice that measured vectors generate.

    Parameters
    ----------
    vectors
        As rows, shape (n, 3) [Å], the best or shortest first.
    tolerance
        How far a vector may be from a lattice point [Å].

    Returns
    -------
    ndarray
        Basis as rows, shape (<= 3, 3) [Å]. A vector that would need a lattice more than
        four times as fine is left out.
    """
    basis, rest = np.zeros((0, 3)), vectors
    while len(basis) < 3:
        if len(rest) == 0:
            return basis
        if _sine(basis, rest[0]) > 0.3:
            basis = np.vstack([basis, rest[0]])
        rest = rest[1:]
    while len(rest):
        coefficients = rest @ np.linalg.inv(basis)
        away = np.linalg.norm((np.round(coefficients) - coefficients) @ basis, axis=1)
        new = np.flatnonzero(away >= tolerance)[:1]
        if len(new) == 0:
            break
        basis = _joined(basis, rest[new[0]], tolerance)
        rest = rest[new[0] + 1 :]
    for _ in range(2):
        basis = reduced(basis)
        coefficients = np.round(vectors @ np.linalg.inv(basis))
        close = np.linalg.norm(coefficients @ basis - vectors, axis=1) < tolerance
        if np.linalg.matrix_rank(coefficients[close]) == 3:
            basis = np.linalg.lstsq(coefficients[close], vectors[close], rcond=None)[0]
    return basis


def _joined(basis, vector, tolerance):
    """Basis of the lattice that a lattice and a vector beside it generate."""
    coefficients = vector @ np.linalg.inv(basis)
    for multiple in range(2, LARGEST_MULTIPLE + 1):
        whole = np.round(multiple * coefficients)
        if np.linalg.norm((whole - multiple * coefficients) @ basis) < tolerance * np.sqrt(
            multiple
        ):
            rows = np.vstack([multiple * np.eye(3, dtype=int), whole.astype(int)])
            return reduced(integer_basis(rows) @ basis / multiple)
    return basis


def _sine(basis, vector):
    """Length of the part of a vector that is normal to a basis, over its length."""
    part = vector - vector @ np.linalg.pinv(basis) @ basis if len(basis) else vector
    return np.linalg.norm(part) / np.linalg.norm(vector)


def lattice_vectors(basis: np.ndarray, radius: float, most: int) -> np.ndarray:
    """Coefficients of a lattice's shortest vectors, one of each pair, shape (n <= most, 3)."""
    limits = np.floor(radius * np.linalg.norm(np.linalg.inv(basis), axis=0)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits)), axis=-1).reshape(-1, 3)
    h, k, l = grid.T
    grid = grid[(h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (l > 0))))]
    lengths = np.linalg.norm(grid @ basis, axis=1)
    order = np.lexsort([*grid.T, np.round(lengths, 6)])
    return grid[order[lengths[order] <= radius]][:most]


@cache
def coarser_lattices() -> tuple[tuple[int, np.ndarray], ...]:
    """Sublattices with a cyclic quotient of order 2 to 5 or 7: (p, a) for a.k = 0 (mod p).

    Elements and vacancies may be ordered on them.
    """
    found = []
    for p in (2, 3, 4, 5, 7):
        for a in itertools.product(range(p), repeat=3):
            same = [tuple(u * x % p for x in a) for u in range(1, p) if math.gcd(u, p) == 1]
            if math.gcd(*a, p) == 1 and a == min(same):
                found.append((p, np.array(a)))
    return tuple(found)


def sublattice_basis(basis: np.ndarray, p: int, a: np.ndarray) -> np.ndarray:
    """Basis of the vectors k of a lattice with a.k = 0 (mod p), shape (3, 3) [Å]."""
    cube = np.array(list(itertools.product(range(p), repeat=3)))
    rows = np.vstack([p * np.eye(3, dtype=int), cube[cube @ a % p == 0]])
    return reduced(integer_basis(rows) @ basis)
