"""A sample: atoms in a box that repeats along all, some or none of its axes."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from pymatgen.core import IMolecule, Structure
from scipy.spatial import ConvexHull, QhullError, cKDTree

from crystutor.arguments import InputError

Atoms = Structure | IMolecule

LONGEST = 40.0  # distance to a neighbour that is looked for [Å]
PADDING = 10.0  # empty room around a finite sample in its box [Å]
WIDEST_GAP = 4.5  # between layers of a crystal [Å]
WIDEST_GAP_IN_BONDS = 3.0  # graphite has 2.4
WIDEST_GAP_IN_GAPS = 2.0  # of several gaps, the widest in the second widest
AT_A_TIME = 10_000  # points that are compared with all faces
MOST_IMAGES = 100_000  # made at a time
LOPSIDED = 0.06  # distance of the atoms' mean from the center of a ball that they fill [radius]
LAYER = 0.3  # atoms at heights that differ by less are one layer [Å]
FLAT = "its atoms lie on one line or in one plane; a three-dimensional crystal is accepted"


@dataclass(frozen=True, eq=False)
class Sample:
    """Atoms in a box that repeats along all, some or none of its axes.

    Attributes
    ----------
    positions : shape (n, 3) [Å]
    box : edges as rows, shape (3, 3) [Å]; along a finite axis it leaves room around the atoms
    periodic : whether the box repeats along each of its edges, shape (3,)
    vacuum : names of the axes, of "abc", that are finite because of a vacuum in a periodic box
    """

    positions: np.ndarray
    box: np.ndarray
    periodic: np.ndarray
    vacuum: str = ""

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def fractions(self) -> np.ndarray:
        """Positions in units of the box's edges, shape (n, 3), in [0, 1) along periodic ones."""
        fractions = self.positions @ np.linalg.inv(self.box)
        return fractions - np.floor(fractions) * self.periodic

    @cached_property
    def heights(self) -> np.ndarray:
        """Distances between opposite faces of the box, shape (3,) [Å]."""
        return 1 / np.linalg.norm(np.linalg.inv(self.box), axis=0)

    @cached_property
    def _faces(self):
        """The flat faces that enclose the atoms: outward normals, shape (m, 3), and offsets."""
        normals = _directions_without_repeats(self.box, self.periodic)
        shadow = self.positions @ normals.T
        if len(normals) == 1:
            return np.vstack([normals, -normals]), np.array([shadow.max(), -shadow.min()])
        try:
            faces = ConvexHull(shadow).equations
        except (QhullError, ValueError):
            raise InputError(FLAT) from None
        faces = np.unique(faces.round(4), axis=0)  # a flat face comes in several triangles
        return faces[:, :-1] @ normals, -faces[:, -1]

    def contains(self, points: np.ndarray, margin: float) -> np.ndarray:
        """Tell which points, shape (..., 3), lie inside the sample or within a margin [Å] of it."""
        if self.periodic.all():
            return np.ones(points.shape[:-1], bool)
        normals, offsets = self._faces
        flat = points.reshape(-1, 3)
        inside = np.zeros(len(flat), bool)
        for start in range(0, len(flat), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            inside[some] = (flat[some] @ normals.T <= offsets + margin).all(axis=1)
        return inside.reshape(points.shape[:-1])

    def atoms_around(self, center: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Find the atoms and images within a radius: their indices, and vectors from the center."""
        separations = self.fractions - center @ np.linalg.inv(self.box)
        separations -= np.round(separations) * self.periodic
        reach = np.floor(radius / self.heights + 0.5).astype(int) * self.periodic
        shifts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach)), axis=-1)
        indices, vectors = [], []
        for shift in shifts.reshape(-1, 3):
            moved = (separations + shift) @ self.box
            near = np.flatnonzero(np.einsum("ij,ij->i", moved, moved) <= radius**2)
            indices.append(near)
            vectors.append(moved[near])
        return np.concatenate(indices), np.concatenate(vectors)


@dataclass(frozen=True, eq=False)
class Ball(Sample):
    """The atoms of a larger sample within a radius [Å] of a center, shape (3,) [Å]."""

    center: np.ndarray = field(default_factory=lambda: np.zeros(3))
    radius: float = 0.0

    def contains(self, points: np.ndarray, margin: float) -> np.ndarray:
        """Tell which points, shape (..., 3), lie inside the ball or within a margin [Å] of it."""
        away = points - self.center
        return np.einsum("...i,...i->...", away, away) <= (self.radius + margin) ** 2


def is_periodic(atoms: Atoms) -> bool:
    """Whether a structure repeats along all three axes; a molecule does not."""
    return isinstance(atoms, Structure) and all(atoms.lattice.pbc)


def bare_sample(atoms: Atoms) -> Sample:
    """Take a structure or a molecule as a sample; a vacuum in its box is not looked for."""
    if isinstance(atoms, IMolecule):
        return finite_sample(atoms.cart_coords)
    return bare_sample_in_box(atoms.cart_coords, atoms.lattice.matrix, np.array(atoms.lattice.pbc))


def bare_sample_in_box(positions: np.ndarray, box: np.ndarray, periodic: np.ndarray) -> Sample:
    """Take atoms in a box as `bare_sample` does; shapes (n, 3), (3, 3) [Å] and (3,), bool."""
    if periodic.all():
        return Sample(positions, box, periodic)
    return _in_a_box(positions, box, periodic)


def sample_of(atoms: Atoms) -> Sample:
    """Take a structure or a molecule as a sample.

    Parameters
    ----------
    atoms
        Structure, or a molecule for a finite sample. An axis along which the structure's lattice
        is not periodic, or along which there is a vacuum, is finite.

    Returns
    -------
    Sample
        With the atoms in the same order and orientation. A structure is shifted along an axis
        with vacuum until it lies in one piece in its box.
    """
    if isinstance(atoms, IMolecule):
        return finite_sample(atoms.cart_coords)
    return sample_in_box(atoms.cart_coords, atoms.lattice.matrix, np.array(atoms.lattice.pbc))


def sample_in_box(positions: np.ndarray, box: np.ndarray, periodic: np.ndarray) -> Sample:
    """Take atoms in a box as `sample_of` does; shapes (n, 3), (3, 3) [Å] and (3,), bool."""
    bare, periodic = bare_sample_in_box(positions, box, periodic), periodic.copy()
    fractions = positions @ np.linalg.inv(box)
    vacuum = ""
    for axis in np.flatnonzero(periodic):
        ordered = np.sort(np.mod(fractions[:, axis], 1.0))
        gaps = np.diff(ordered, append=ordered[0] + 1)
        if _is_vacuum(gaps * bare.heights[axis], bare):
            above = ordered[(gaps.argmax() + 1) % len(ordered)]
            fractions[:, axis] = np.mod(fractions[:, axis] - above + 1e-9, 1.0)
            periodic[axis] = False
            vacuum += "abc"[axis]
    if periodic.all():
        return Sample(fractions @ box, box, periodic)
    return _in_a_box(fractions @ box, box, periodic, vacuum)


def finite_sample(positions: np.ndarray) -> Sample:
    """Take atoms at positions, shape (n, 3) [Å], as a sample that repeats nowhere."""
    return _in_a_box(positions, np.eye(3), np.zeros(3, bool))


def nearest_distances(sample: Sample, longest: float = LONGEST) -> np.ndarray:
    """Distance of each atom to the nearest other atom or image, shape (n,) [Å].

    Where there is none within `longest` [Å], the distance is infinite.
    """
    nearest = np.full(len(sample), np.inf)
    volume = abs(np.linalg.det(sample.box))
    radius = 1.3 * np.cbrt(volume / len(sample))
    while np.isinf(nearest).any():
        radius = min(radius, longest)
        points = atoms_and_images(sample, radius)
        found, _ = cKDTree(points).query(sample.fractions @ sample.box, k=2)
        nearest = np.where(found[:, 1] <= radius, found[:, 1], np.inf)
        if radius >= longest:
            break
        radius *= 1.6
    return nearest


def _is_vacuum(gaps, sample):
    """Whether the widest of the gaps [Å] between layers of atoms is wider than in a crystal."""
    widest = gaps.max()
    if widest < WIDEST_GAP:
        return False
    others = np.sort(gaps[gaps > LAYER])[:-1]
    if len(others) > 1 and widest > WIDEST_GAP_IN_GAPS * others[-1]:
        return True
    nearest = np.minimum(nearest_distances(sample), LONGEST)
    return widest > WIDEST_GAP_IN_BONDS * nearest.mean()


def _in_a_box(positions, box, periodic, vacuum=""):
    """Sample whose finite edges are normal to the periodic ones, with room around the atoms."""
    box = np.array(box, float)
    normals = _directions_without_repeats(box, periodic)
    box[~periodic] = normals * (np.ptp(positions @ normals.T, axis=0) + PADDING)[:, None]
    return Sample(np.array(positions), box, periodic, vacuum)


def _directions_without_repeats(box, periodic):
    """Unit vectors normal to all periodic edges, shape (number of finite axes, 3)."""
    _, _, directions = np.linalg.svd(np.vstack([box[periodic], np.zeros((1, 3))]))
    return directions[np.count_nonzero(periodic) :]


def atoms_and_images(sample: Sample, margin: float) -> np.ndarray:
    """Positions of the atoms, and of their images within a margin [Å] of the box, shape (m, 3)."""
    reach = np.ceil(margin / sample.heights).astype(int) * sample.periodic
    beyond = np.where(sample.periodic, margin / sample.heights, np.inf)
    shifts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach)), axis=-1).reshape(-1, 3)
    shifts = shifts[shifts.any(axis=1)]
    points = [sample.fractions]
    at_a_time = 1 + MOST_IMAGES // len(sample)
    for start in range(0, len(shifts), at_a_time):
        moved = (sample.fractions + shifts[start : start + at_a_time, None]).reshape(-1, 3)
        points.append(moved[((moved >= -beyond) & (moved <= 1 + beyond)).all(axis=1)])
    return np.concatenate(points) @ sample.box


def ball_around(sample: Sample, center: np.ndarray, n_atoms: int, distance: float) -> Sample:
    """Cut the atoms nearest to a point out of a sample, as a finite sample.

    Parameters
    ----------
    sample
        Larger sample.
    center
        Shape (3,) [Å].
    n_atoms
        Wanted number of atoms.
    distance
        Bond length [Å].
    """
    return ball_of(nearest_atoms(sample, center, n_atoms, distance)[1] + center, center)


def ball_of(positions: np.ndarray, center: np.ndarray) -> Sample:
    """Take the atoms nearest to a center as a ball; as what they are where a part is empty."""
    finite = finite_sample(positions)
    away = positions - center
    radius = np.linalg.norm(away, axis=1).max()
    if np.linalg.norm(away.mean(axis=0)) > LOPSIDED * radius:
        return finite
    return Ball(positions, finite.box, finite.periodic, center=center, radius=float(radius))


def nearest_atoms(
    sample: Sample, center: np.ndarray, n_atoms: int, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find the n atoms and images nearest to a point: indices, and vectors from the point [Å]."""
    radius = 0.8 * distance * np.cbrt(n_atoms)
    indices, vectors = sample.atoms_around(center, radius)
    while len(vectors) < n_atoms and (sample.periodic.any() or len(vectors) < len(sample)):
        radius *= 1.3
        indices, vectors = sample.atoms_around(center, radius)
    nearest = np.argsort(np.linalg.norm(vectors, axis=1).round(6), kind="stable")[:n_atoms]
    return indices[nearest], vectors[nearest]
