"""Supercells: repeat a crystal, cut a block out of it, turn it."""

import numpy as np
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from crystutor.crystal.samples import (
    Atoms,
    bare_sample_in_box,
    finite_sample,
    nearest_atoms,
    sample_of,
)
from crystutor.crystal.structures import BareStructure, build_structure, numbers_of

AT_A_TIME = 300_000  # images of atoms that are looked at
ENOUGH_FOR_GAPS = 2000  # atoms that show the gaps between the atoms of a crystal
LITTLE_MORE = 1.6  # times the wanted size; so many atoms are all taken


def choose_repeats(matrix: np.ndarray, volume: float) -> tuple[int, int, int]:
    """Choose how often to repeat a cell along its axes for a block that is nearly a cube.

    Parameters
    ----------
    matrix
        Cell vectors as rows, shape (3, 3) [Å].
    volume
        Wanted volume of the block [Å^3].

    Returns
    -------
    tuple of int
        Number of cells along each axis.
    """
    edges = np.linalg.norm(matrix, axis=1)
    limits = np.ceil(2 * np.cbrt(volume) / edges).astype(int) + 1
    repeats = np.stack(np.meshgrid(*(np.arange(1, n + 1) for n in limits)), axis=-1).reshape(-1, 3)
    lengths = repeats * edges
    misfit = np.abs(np.log(repeats.prod(axis=1) * abs(np.linalg.det(matrix)) / volume))
    elongation = np.log(lengths.max(axis=1) / lengths.min(axis=1))
    best = np.lexsort([*repeats.T, np.round(misfit + 0.5 * elongation, 6)])[0]
    along_a, along_b, along_c = repeats[best].tolist()
    return along_a, along_b, along_c


def cut_block(structure: Structure, matrix: np.ndarray, repeats: tuple[int, int, int]) -> Structure:
    """Cut a block of repeated cells out of a periodic structure and turn it upright.

    Parameters
    ----------
    structure
        Periodic structure.
    matrix
        Cell vectors as rows, in the structure's frame, shape (3, 3) [Å].
    repeats
        Number of cells along each axis.

    Returns
    -------
    Structure
        The atoms in the block, whose faces lie in the widest gaps between atoms. The block's
        edges are its lattice, the first along x, the second in the xy plane.
    """
    return block_of(structure, matrix, repeats).structure


def block_of(
    structure: Structure, matrix: np.ndarray, repeats: tuple[int, int, int]
) -> BareStructure:
    """Cut a block as `cut_block` does."""
    counts = np.array(repeats)
    block = counts[:, None] * matrix
    fractions = np.mod(structure.frac_coords, 1.0) @ structure.lattice.matrix @ np.linalg.inv(block)
    shifts = _shifts_into_block(structure.lattice.matrix, block, margin=1 / counts)
    within_cells = np.mod((shifts * counts).round(6), 1.0)  # most images fall on each other
    some = fractions[:ENOUGH_FOR_GAPS] * counts + np.unique(within_cells, axis=0)[:, None]
    origin = np.array([_widest_gap(x) for x in some.reshape(-1, 3).T]) / counts
    atoms, images = [], []
    for some_shifts in np.array_split(shifts, np.ceil(len(fractions) * len(shifts) / AT_A_TIME)):
        moved = fractions + some_shifts[:, None]
        inside = ((moved >= origin) & (moved < origin + 1)).all(axis=2)
        atoms.append(np.nonzero(inside)[1])
        images.append(moved[inside])
    numbers = numbers_of(structure)[np.concatenate(atoms)]
    return BareStructure(Lattice(_upright(block)), numbers, np.concatenate(images) - origin)


def ball_of_atoms(atoms: Atoms, matrix: np.ndarray, n_atoms: int, distance: float) -> BareStructure:
    """Cut the atoms nearest to its middle out of a sample, and turn them upright.

    Parameters
    ----------
    atoms
        Sample that is finite along some axis; see `crystutor.crystal.samples.sample_of`.
    matrix
        Vectors of a cell as rows, in the frame of the sample, shape (3, 3) [Å].
    n_atoms
        Wanted number of atoms; all are taken of a sample that is less than 1.6 times as large.
    distance
        Bond length [Å].

    Returns
    -------
    BareStructure
        The atoms, turned so that the first vector lies along x and the second in the xy plane. Its
        lattice is a box that does not repeat.
    """
    sample = sample_of(atoms)
    if not sample.periodic.any() and len(sample) < LITTLE_MORE * n_atoms:
        n_atoms = len(sample)
    center = (sample.fractions @ sample.box).mean(axis=0)
    indices, vectors = nearest_atoms(sample, center, n_atoms, distance)
    return _finite(vectors @ _to_upright(matrix), numbers_of(atoms)[indices])


def cut_ellipsoid(
    structure: Structure, matrix: np.ndarray, n_atoms: int, stretch: np.ndarray, center: np.ndarray
) -> Structure:
    """Cut a ball, or an ellipsoid, out of a periodic structure and turn it upright.

    Parameters
    ----------
    structure
        Periodic structure.
    matrix
        Vectors of a cell as rows, in the structure's frame, shape (3, 3) [Å].
    n_atoms
        Number of atoms.
    stretch
        Relative lengths of the ellipsoid's axes along x, y and z, shape (3,); equal for a ball.
    center
        Middle of the ellipsoid, shape (3,) [fraction of the structure's cell].

    Returns
    -------
    Structure
        The atoms, turned so that the first vector lies along x and the second in the xy plane, in a
        box that does not repeat.
    """
    box = structure.lattice.matrix @ _to_upright(matrix) / stretch  # here it is a ball
    squeezed = bare_sample_in_box(structure.frac_coords @ box, box, np.ones(3, bool))
    distance = np.cbrt(structure.volume / len(structure))
    indices, vectors = nearest_atoms(squeezed, center @ box, n_atoms, distance)
    return _finite(vectors * stretch, numbers_of(structure)[indices]).structure


def random_orientation(structure: Structure, rng: np.random.Generator) -> Structure:
    """Turn a structure about x, y and z by three random angles; the input is not changed."""
    rotation = Rotation.from_euler("xyz", rng.uniform(0, 2 * np.pi, 3)).as_matrix()
    matrix = structure.lattice.matrix @ rotation.T
    return build_structure(matrix, structure.atomic_numbers, structure.frac_coords)


def random_supercell(
    structure: Structure, rng: np.random.Generator, n_atoms: tuple[int, int] = (150, 400)
) -> Structure:
    """Build a supercell of the primitive cell, of random shape, orientation and size.

    Parameters
    ----------
    structure
        Perfect crystal.
    rng
        Random numbers.
    n_atoms
        Fewest and most atoms of the supercell.

    Returns
    -------
    Structure
        The supercell; the input is not changed.
    """
    primitive = structure.get_primitive_structure(tolerance=1e-3)
    fewest, most = n_atoms
    edges = np.cbrt(np.sqrt(fewest * most) / len(primitive) * primitive.volume)
    repeats = np.maximum(1, edges / np.array(primitive.lattice.abc))
    while True:
        matrix = np.diag(np.round(repeats * rng.uniform(0.6, 1.6, 3))).astype(int)
        matrix += rng.integers(-2, 3, (3, 3))
        if fewest <= len(primitive) * abs(round(np.linalg.det(matrix))) <= most:
            supercell = primitive.make_supercell(matrix, in_place=False)
            return random_orientation(supercell, rng)


def _shifts_into_block(matrix, block, margin):
    """Translations of a cell, in units of the block, that fill a block and its margin, (n, 3)."""
    to_block = matrix @ np.linalg.inv(block)
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).T.reshape(-1, 3)
    spans = (corners * (1 + 2 * margin) - margin) @ np.linalg.inv(to_block)
    low, high = np.floor(spans.min(axis=0)), np.floor(spans.max(axis=0))
    ranges = (np.arange(start, stop + 1) for start, stop in zip(low, high, strict=True))
    return np.stack(np.meshgrid(*ranges), axis=-1).reshape(-1, 3) @ to_block


def _widest_gap(positions):
    """Middle of the widest gap that positions leave on a circle of circumference 1."""
    ordered = np.sort(np.mod(positions, 1.0))
    gaps = np.diff(ordered, append=ordered[0] + 1)
    widest = np.flatnonzero(gaps > gaps.max() - 1e-6)[-1]
    return ordered[widest] + gaps[widest] / 2 - 1


def _finite(positions, numbers):
    """Atoms in a box that does not repeat."""
    sample = finite_sample(positions)
    return BareStructure(Lattice(sample.box, pbc=(False, False, False)), numbers, sample.fractions)


def _to_upright(matrix):
    """Rotation, for vectors as rows, that turns lattice vectors upright."""
    return np.linalg.inv(matrix) @ _upright(matrix)


def _upright(matrix):
    """Turn lattice vectors so that a lies along x and b in the xy plane with y > 0."""
    _, triangle = np.linalg.qr(matrix.T)
    return (triangle * np.sign(np.diag(triangle))[:, None]).T
