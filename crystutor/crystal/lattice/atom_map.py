"""Which atom is here? A map that answers for many points at once."""

import numpy as np
from pymatgen.core import Lattice

VOXELS_PER_RADIUS = 2
AT_A_TIME = 8192  # points; their arrays stay in the processor's cache


class AtomMap:
    """A fine grid over a box, in which every voxel knows the atom beside it.

    Parameters
    ----------
    positions
        Shape (n, 3) [Å].
    box
        Edges as rows, shape (3, 3) [Å]. The map repeats along all of them.
    radius
        How close a point must be to an atom to be found there [Å]; less than half of the distance
        between atoms, or the nearer of two may be missed.
    """

    def __init__(self, positions: np.ndarray, box: np.ndarray, radius: float) -> None:
        self.box = Lattice(box).get_lll_reduced_lattice().matrix
        self.to_fractions = np.linalg.inv(self.box)
        self.radius = radius
        edges = np.linalg.norm(self.box, axis=1)
        self.shape = np.maximum(1, np.ceil(edges * VOXELS_PER_RADIUS / radius)).astype(int)
        single = positions.astype(np.float32).astype(float)
        self.fractions = np.ascontiguousarray((single @ self.to_fractions).T)
        self.voxels = np.full(np.prod(self.shape), -1, np.int32)
        self._fill((positions @ self.to_fractions) * self.shape)

    def _fill(self, places):
        """Write the atoms' numbers into the voxels near them, the farthest voxels first."""
        edges = self.box / self.shape[:, None]
        corner = np.abs(np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]]) @ edges / 2)
        reach = self.radius + 2 * np.linalg.norm(corner, axis=1).max()
        heights = 1 / np.linalg.norm(np.linalg.inv(edges), axis=0)
        limits = np.ceil(reach / heights).astype(int)
        offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits)), axis=-1)
        offsets = offsets.reshape(-1, 3)
        distances = np.linalg.norm(offsets @ edges, axis=1)
        order = np.argsort(-distances)
        numbers = np.arange(len(places), dtype=np.int32)
        strides = (self.shape[1] * self.shape[2], self.shape[2], 1)
        along_a, along_b, along_c = (  # for each offset from the voxel of each atom, what it adds
            (np.arange(-n, n + 1)[:, None] + own) % size * stride
            for n, own, size, stride in zip(
                limits, np.floor(places).astype(int).T, self.shape, strides, strict=True
            )
        )
        for h, k, l in (offsets + limits)[order[distances[order] <= reach]]:
            self.voxels[along_a[h] + along_b[k] + along_c[l]] = numbers

    def find(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the atoms at points.

        Parameters
        ----------
        points
            Shape (..., 3) [Å].

        Returns
        -------
        found : ndarray
            Whether an atom lies within the radius, shape (...), bool.
        misses : ndarray
            Vectors from each point to the atom beside it, shape (..., 3) [Å]; zero without one.
        """
        flat = points.reshape(-1, 3)
        found, misses = np.zeros(len(flat), bool), np.zeros((len(flat), 3))
        for start in range(0, len(flat), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            landed, vectors = self._landed(flat[some])
            found[some][landed] = True
            misses[some][landed] = vectors
        return found.reshape(points.shape[:-1]), misses.reshape(points.shape)

    def _landed(self, points):
        """Indices of the points with an atom, and the vectors to it."""
        fractions = self.to_fractions.T @ points.T  # by axis: numpy works on whole rows
        fractions -= np.floor(fractions)
        size = self.shape[:, None]
        indices = (fractions * size).astype(np.int32)
        indices[indices == size] = 0  # by rounding
        i, j, k = indices
        atoms = self.voxels[(i * self.shape[1] + j) * self.shape[2] + k]
        near = np.flatnonzero(atoms >= 0)
        separations = self.fractions.take(atoms[near], axis=1) - fractions.take(near, axis=1)
        vectors = self.box.T @ (separations - np.round(separations))
        landed = (vectors**2).sum(axis=0) <= self.radius**2
        return near[landed], vectors[:, landed].T
