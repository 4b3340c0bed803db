"""Orientations of crystals: rotations, reduced by the crystal's symmetry."""

import numpy as np
from pymatgen.core import Lattice
from scipy.spatial.transform import Rotation

from crystutor.arguments import InputError

ROTATIONS = {"c": "O", "t": "D4", "hP": "D6", "hR": "D3"}  # 432, 422, 622, 32; two-fold axis on a


def rotation_group(bravais: str) -> Rotation:
    """The rotations that leave a lattice of given symmetry as it is.

    Parameters
    ----------
    bravais
        Bravais lattice in Pearson's two letters: cubic, tetragonal, hP or hR.

    Returns
    -------
    Rotation
        Those of the point group 432, 422, 622 or 32, about the standard axes: a along x, c along z.

    Raises
    ------
    ValueError
        For another lattice.

    Examples
    --------
    >>> len(rotation_group("cF"))
    24
    """
    name = ROTATIONS.get(bravais, ROTATIONS.get(bravais[:1]))
    if name is None:
        raise InputError(f"the lattice is {bravais!r}; accepted are c*, t*, hP and hR")
    return Rotation.create_group(name)


def orientation_of(matrix: np.ndarray, bravais: str) -> Rotation:
    """Find how a conventional cell is turned against the standard axes.

    Parameters
    ----------
    matrix
        Vectors of the cell as rows, right-handed, in the frame of the sample, shape (3, 3) [Å].
    bravais
        Its Bravais lattice in Pearson's two letters.

    Returns
    -------
    Rotation
        From the standard axes (a along x, b in the xy plane, c up) to the sample, of the equivalent
        rotations that with the smallest angle. The strain is left out.
    """
    upright = Lattice.from_parameters(*Lattice(matrix).parameters, vesta=True).matrix
    rotation, _ = Rotation.align_vectors(matrix, upright)
    return rotation.reduce(right=rotation_group(bravais))


def misorientations(one: Rotation, others: Rotation, bravais: str) -> np.ndarray:
    """Smallest angles that turn a crystal into others of the same symmetry, shape (n,) [degree]."""
    turns = (one.inv() * others).as_matrix().reshape(-1, 1, 3, 3)
    group = rotation_group(bravais).as_matrix()
    traces = np.einsum("nkij,gji->ng", turns, group)  # left factors turn these into conjugates
    return np.degrees(np.arccos(np.clip((traces.max(axis=1) - 1) / 2, -1, 1)))


def mean_orientation(rotations: Rotation, weights: np.ndarray, bravais: str) -> Rotation:
    """Mean of nearly equal orientations, each taken as the equivalent one nearest to the first."""
    group = rotation_group(bravais)
    near = rotations.reduce(left=None, right=group)
    first = near[int(np.argmax(weights))]
    turned = (first.inv() * near).reduce(right=group)
    return (first * turned.mean(weights)).reduce(right=group)
