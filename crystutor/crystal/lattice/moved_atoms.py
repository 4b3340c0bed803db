"""Some atoms of a sample, and where they land when they are moved."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crystutor.crystal.lattice.atom_map import AtomMap
from crystutor.crystal.samples import Sample, atoms_and_images, nearest_atoms

TOLERANCE = 0.3  # within which an atom lands on an atom [bond lengths]
MOST_ATOMS = 600  # in a larger sample, balls of atoms are moved instead of all
N_BALLS = 12
N_PARTS = 8  # of a smaller sample
N_PLACES, NEIGHBOURHOOD = 24, 20
FARTHEST = 8.1  # that an atom is moved in a larger sample [bond lengths]
N_CHOICES = 400  # of atoms, for centers of balls that are far apart
N_CHANCE = 100
AT_A_TIME = 100  # vectors, if there are many


@dataclass(frozen=True, eq=False)
class Landing:
    """Where moved atoms land.

    Attributes
    ----------
    inside : whether the place lies in the sample, shape (n_vectors, n_atoms)
    hits : whether there is an atom, shape (n_vectors, n_atoms)
    misses : vectors from the place to that atom, shape (n_vectors, n_atoms, 3) [Å]
    """

    inside: np.ndarray
    hits: np.ndarray
    misses: np.ndarray

    @property
    def overlaps(self) -> np.ndarray:
        """Share of the atoms that land on atoms, of those that land in the sample."""
        return self.hits.sum(axis=1) / np.maximum(1, self.inside.sum(axis=1))


class MovedAtoms:
    """Atoms of a sample that are moved: all, or balls of them at several places.

    Of a small sample, only the first `n_origins` may be moved.

    Attributes
    ----------
    bond_length : average distance of nearest neighbours [Å]
    origins : places of the atoms before they are moved, shape (n, 3) [Å]
    parts : number of the part of the sample that each atom belongs to, shape (n,)
    neighbourhoods : atoms near each of some places, shape (n_places, n_atoms), indices
    farthest : longest vector by which the atoms can be moved [Å]
    """

    def __init__(self, sample: Sample, bond_length: float, n_origins: int | None = None) -> None:
        self.sample = sample
        self.bond_length = bond_length
        self.tolerance = TOLERANCE * bond_length
        positions = sample.fractions @ sample.box
        self.origins = positions[:n_origins]
        self.farthest = np.inf
        self._around: np.ndarray | None = None
        if len(sample) <= MOST_ATOMS:
            self._shifts = np.zeros((len(self.origins), 3))
            _, distances = _far_apart(sample, np.arange(len(self.origins)), N_PLACES)
            self.parts = distances[:N_PARTS].argmin(axis=0)
            self.neighbourhoods = np.argsort(distances, axis=1)[:, :NEIGHBOURHOOD]
            self._map = AtomMap(positions, sample.box, self.tolerance)
        else:
            self.farthest = FARTHEST * bond_length
            chosen = np.random.default_rng(0).choice(len(sample), N_CHOICES, replace=False)
            self._take_balls(_far_apart(sample, chosen, N_BALLS)[0])

    def _take_balls(self, centers):
        """Balls around centers, laid side by side in a box of their own."""
        n_each = MOST_ATOMS // len(centers)
        inner, outer = [], []
        for center in centers:
            inner.append(nearest_atoms(self.sample, center, n_each, self.bond_length)[1])
            reach = np.linalg.norm(inner[-1], axis=1).max() + self.farthest
            outer.append(self.sample.atoms_around(center, reach)[1])
        room = max(np.linalg.norm(ball, axis=1).max() for ball in outer) + self.bond_length
        slots = 2 * room * np.array([[n, 0, 0] for n in range(len(centers))])
        self.origins = np.concatenate([b + slot for b, slot in zip(inner, slots, strict=True)])
        self.parts = np.repeat(np.arange(len(centers)), n_each)
        self.neighbourhoods = np.arange(len(self.origins)).reshape(len(centers), n_each)
        self._shifts = np.repeat(centers - slots, n_each, axis=0)
        self._around = np.concatenate([b + slot for b, slot in zip(outer, slots, strict=True)])
        box = 2 * room * np.diag([len(centers), 1, 1])
        self._map = AtomMap(self._around, box, self.tolerance)

    def move(self, vectors: np.ndarray, atoms: slice | np.ndarray = slice(None)) -> Landing:
        """Move atoms by each of some vectors, shape (n_vectors, 3) [Å], and see where they land."""
        places = self.origins[None, atoms] + vectors[:, None]
        hits, misses = self._map.find(places)
        inside = self.sample.contains(places + self._shifts[atoms], 0.05 * self.bond_length)
        if not inside.all():
            hits &= inside
            misses[~inside] = 0
        return Landing(inside, hits, misses)

    def overlaps(self, vectors: np.ndarray, atoms: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Share of the atoms that each of many vectors moves onto atoms, shape (n_vectors,)."""
        starts = range(0, len(vectors), AT_A_TIME)
        return np.concatenate(
            [self.move(vectors[start : start + AT_A_TIME], atoms).overlaps for start in starts]
        )

    @cached_property
    def chance(self) -> float:
        """Share of the atoms that land on atoms after any move."""
        rng = np.random.default_rng(0)
        directions = rng.normal(size=(N_CHANCE, 3))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        lengths = np.cbrt(rng.uniform(1.2**3, 3.3**3, N_CHANCE)) * self.bond_length
        landing = self.move(directions * lengths[:, None])
        return float(landing.hits.sum() / max(1, landing.inside.sum()))

    @property
    def density(self) -> float:
        """Atoms per volume inside the sample [1/Å^3]."""
        return self.chance / (4 / 3 * np.pi * self.tolerance**3)

    def vectors_from(self, atoms: np.ndarray, radius: float) -> np.ndarray:
        """Vectors from some of the moved atoms to all atoms within a radius, shape (m, 3) [Å]."""
        around = self._around
        if around is None:
            around = atoms_and_images(self.sample, radius)
        vectors = (around - self.origins[atoms][:, None]).reshape(-1, 3)
        squares = np.einsum("ij,ij->i", vectors, vectors)
        return vectors[(squares > self.tolerance**2) & (squares < radius**2)]

    def is_repeat(self, vectors: np.ndarray) -> np.ndarray:
        """Whether vectors are those of the periodic box: they are no evidence, shape (n,)."""
        fractions = vectors @ np.linalg.inv(self.sample.box)
        rest = fractions - np.round(fractions) * self.sample.periodic
        return np.linalg.norm(rest @ self.sample.box, axis=1) < self.tolerance


def _far_apart(sample, candidates, n):
    """Choose atoms that are far from each other.

    Returns their places, shape (m <= n, 3), and the distances of all candidates from each, shape
    (m, n_candidates) [Å].
    """
    points = (sample.fractions @ sample.box)[candidates]
    chosen, distances = [points[0]], [_distances(sample, points, points[0])]
    closest = distances[0]
    while len(chosen) < min(n, len(points)):
        chosen.append(points[closest.argmax()])
        distances.append(_distances(sample, points, chosen[-1]))
        closest = np.minimum(closest, distances[-1])
    return np.array(chosen), np.array(distances)


def _distances(sample, points, center):
    fractions = (points - center) @ np.linalg.inv(sample.box)
    return np.linalg.norm((fractions - np.round(fractions) * sample.periodic) @ sample.box, axis=1)
