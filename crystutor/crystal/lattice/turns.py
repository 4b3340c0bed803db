"""Is the crystal as symmetric as its lattice? Turn its vectors between atoms, and see."""

import numpy as np

from crystutor.crystal.lattice.candidates import find_candidates
from crystutor.crystal.lattice.evidence import squared_misses, sure_gain
from crystutor.crystal.lattice.moved_atoms import MovedAtoms

REACH = 2.5  # longest vector that is turned [bond lengths]
N_VECTORS = 60
LESS = 0.25  # share of the overlap that a turn may cost
FARTHER = 1.0  # share by which it may raise squared distances
_THREEFOLD = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
_FOURFOLD = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
GENERATORS = {  # of the rotations about the axes of a conventional cell, by the crystal family
    "c": (_FOURFOLD, _THREEFOLD),
    "t": (_FOURFOLD,),
    "h": (np.array([[1, 1, 0], [-1, 0, 0], [0, 0, 1]]),),
    "hR": (np.array([[0, 1, 0], [-1, -1, 0], [0, 0, 1]]),),
}


def keeps_its_shape(moved: MovedAtoms, matrix: np.ndarray, bravais: str) -> bool:
    """Tell whether a crystal looks the same after the rotations of its lattice.

    Parameters
    ----------
    moved
        Atoms of the crystal.
    matrix
        Conventional cell of its lattice, as rows, shape (3, 3) [Å].
    bravais
        Bravais lattice in Pearson's two letters.

    Returns
    -------
    bool
        False if vectors that move many atoms onto atoms do so no more when they are turned.
    """
    vectors, _ = find_candidates(moved, REACH * moved.bond_length)
    inverse = np.linalg.inv(matrix)
    whole = vectors @ inverse
    vectors = vectors[np.abs(whole - np.round(whole)).max(axis=1) > 0.1][:N_VECTORS]
    if len(vectors) < 2:
        return True
    for turn in GENERATORS["hR" if bravais == "hR" else bravais[0]]:
        landing = moved.move(np.vstack([vectors, vectors @ inverse @ turn @ matrix]))
        straight = np.arange(len(landing.hits)) < len(vectors)
        if sure_gain(landing.hits, landing.inside, straight, -1, LESS):
            return False
        if sure_gain(squared_misses(moved, landing), landing.hits, straight, 1, FARTHER):
            return False
    return True
