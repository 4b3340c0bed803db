"""Parts of a sample, each with the atoms around it: no worker needs the whole."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from crystutor.crystal.samples import Sample

WINDOWS_PER_EDGE = 3  # of a box of windows
EDGE = 24.0  # of a box of atoms [Å]
MARGIN = 5.0  # around a box of atoms [bond lengths]
HALF_DIAGONAL = 0.87  # of a cube with edge 1


@dataclass(frozen=True, eq=False)
class Box:
    """Points of a sample that lie close together.

    Attributes
    ----------
    members : indices of the points, shape (n,)
    center : their middle, shape (3,) [Å]
    radius : distance of the farthest from it [Å]
    """

    members: np.ndarray
    center: np.ndarray
    radius: float


def boxes_of(points: np.ndarray, sample: Sample, edge: float) -> Iterator[Box]:
    """Part points into boxes along the edges of a sample.

    Parameters
    ----------
    points
        Shape (n, 3) [Å], in the sample's box along its periodic edges.
    sample
        The sample.
    edge
        Longest edge of a box [Å].
    """
    fractions = points @ np.linalg.inv(sample.box)
    numbers = np.maximum(1, np.ceil(np.linalg.norm(sample.box, axis=1) / edge))
    places = np.floor(fractions * numbers).astype(int)
    _, own = np.unique(places, axis=0, return_inverse=True)
    order = np.argsort(own.ravel(), kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(own.ravel()))[:-1]):
        low, high = points[members].min(axis=0), points[members].max(axis=0)
        center = (low + high) / 2
        radius = np.linalg.norm(points[members] - center, axis=1).max()
        yield Box(members, center, float(radius))


class Surroundings:
    """Points of a sample and their periodic images, to be asked what is near.

    Attributes
    ----------
    points : of the sample, and images of them, shape (m, 3) [Å]
    indices : which point of the sample each is, shape (m,)
    is_image : whether it is an image, shape (m,)
    tree : the points as a tree

    Parameters
    ----------
    points
        Shape (n, 3) [Å].
    sample
        The sample: its box and along which edges it repeats.
    margin
        How far beyond the box images are needed [Å].
    """

    def __init__(self, points: np.ndarray, sample: Sample, margin: float) -> None:
        fractions = points @ np.linalg.inv(sample.box)
        self.indices = np.arange(len(points))
        self.is_image = np.zeros(len(points), bool)
        for axis in np.flatnonzero(sample.periodic):
            beyond = margin / sample.heights[axis]
            steps = np.arange(-np.ceil(beyond), np.ceil(beyond) + 1)
            moved = [fractions + step * np.eye(3)[axis] for step in steps]
            kept = [(x[:, axis] >= -beyond) & (x[:, axis] <= 1 + beyond) for x in moved]
            fractions = np.concatenate([x[inside] for x, inside in zip(moved, kept, strict=True)])
            self.is_image = np.concatenate(
                [self.is_image[x] | (step != 0) for x, step in zip(kept, steps, strict=True)]
            )
            self.indices = np.concatenate([self.indices[inside] for inside in kept])
        self.points = fractions @ sample.box
        self.tree = cKDTree(self.points)

    def around(self, center: np.ndarray, radius: float) -> np.ndarray:
        """Find the points within a radius [Å] of a center; indices of `points`, `indices`, ..."""
        return np.array(self.tree.query_ball_point(center, radius), int)


@dataclass(frozen=True, eq=False)
class Places:
    """Where atoms and windows of a sample are.

    Attributes
    ----------
    sample : the sample
    points : of its atoms, shape (n, 3) [Å]
    around : the atoms and their images
    centers : of the windows, shape (m, 3) [Å]
    stride : distance of neighbouring windows [Å]
    radius : farthest atom that a window may hold [Å]
    distance : bond length [Å]
    """

    sample: Sample
    points: np.ndarray
    around: Surroundings
    centers: np.ndarray
    stride: float
    radius: float
    distance: float


def places_of(
    sample: Sample, centers: np.ndarray, stride: float, radius: float, distance: float
) -> Places:
    """Gather what all parts of a map need; the parameters are those of `Places`."""
    points = sample.fractions @ sample.box
    widest = HALF_DIAGONAL * max(WINDOWS_PER_EDGE * stride, EDGE)
    around = Surroundings(points, sample, widest + max(radius, MARGIN * distance))
    return Places(sample, points, around, centers, stride, radius, distance)
