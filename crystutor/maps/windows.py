"""Windows: the crystal that the atoms around a point make."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Lattice

from crystutor.crystal.average.cell import cells_on
from crystutor.crystal.lattice.moved_atoms import MovedAtoms
from crystutor.crystal.lattice.search import find_fit
from crystutor.crystal.samples import Sample, ball_of, nearest_distances
from crystutor.crystal.space_groups import CLASS_LATTICES, CLASSES
from crystutor.crystal.structures import build_structure
from crystutor.detector import IMAGE_SHAPE
from crystutor.diffraction import fingerprint
from crystutor.maps.orientations import orientation_of
from crystutor.verdict.classification import CONTRADICTION

FEWEST_ATOMS = 40  # of a window
MIDDLE = 0.5  # share of a window's atoms that are moved
SLACK = 2.5  # standard errors of the best of many vectors
REACHES = (3.3,)  # longest vectors tried, one after the other [bond lengths]
ONE_ELEMENT = 26  # all atoms are alike: iron


@dataclass(frozen=True, eq=False)
class Windows:
    """What the atoms around some points are.

    Attributes
    ----------
    centers : shape (n, 3) [Å]
    labels : class, or "" for none, shape (n,)
    probabilities : of each of `CLASSES`, shape (n, 7); 0 where there is no lattice
    orientations : quaternions x, y, z, w, from the standard axes of the cell to the sample, reduced
        by the symmetry of the lattice, shape (n, 4); nan where there is no lattice
    overlaps : share of the atoms that the lattice's vectors move onto atoms, shape (n,)
    strains : largest strain to a lattice of the symmetry, shape (n,)
    bravais : Bravais lattice in Pearson's two letters, or "", shape (n,)
    reasons : why there is no class, or "", shape (n,)
    bases : primitive vectors as rows, shape (n, 3, 3) [Å]; nan where there is no lattice
    """

    centers: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    orientations: np.ndarray
    overlaps: np.ndarray
    strains: np.ndarray
    bravais: np.ndarray
    reasons: np.ndarray
    bases: np.ndarray

    def __len__(self) -> int:
        return len(self.centers)


@dataclass(frozen=True, eq=False)
class Task:
    """Some windows, and all atoms that they may hold.

    Attributes
    ----------
    centers : of the windows, shape (n, 3) [Å]
    positions : of the atoms, shape (m, 3) [Å]
    radius : farthest atom that a window may hold [Å]
    n_atoms : number of atoms of a window
    """

    centers: np.ndarray
    positions: np.ndarray
    radius: float
    n_atoms: int


def grid_of_centers(sample: Sample, stride: float) -> np.ndarray:
    """Points of a grid through a sample, at most a stride [Å] apart, shape (n, 3) [Å]."""
    axes = []
    for axis in range(3):
        low, high = 0.0, 1.0
        if not sample.periodic[axis]:
            low, high = sample.fractions[:, axis].min(), sample.fractions[:, axis].max()
        edge = np.linalg.norm(sample.box[axis]) * (high - low)
        n = max(1, int(np.ceil(edge / stride - 1e-9)))
        axes.append(low + (high - low) * (np.arange(n) + 0.5) / n)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) @ sample.box


def look_at_windows(task: Task) -> dict[str, np.ndarray]:
    """Find lattice, orientation and fingerprint of some windows, without the network.

    Returns
    -------
    dict
        Arrays of the names of the fields of `Windows`, labels and probabilities left out, with
        `images`, shape (n, 64, 64, 3), and `allowed`, which classes the lattice may have.
    """
    found = [_look(center, task) for center in task.centers]
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def _look(center, task):
    vectors = task.positions - center
    squares = np.einsum("ij,ij->i", vectors, vectors)
    nearest = np.argsort(squares, kind="stable")[: task.n_atoms]
    vectors = vectors[nearest[squares[nearest] < task.radius**2]]
    if len(vectors) < FEWEST_ATOMS:
        return _nothing("too few atoms")
    try:
        return _crystal(vectors)
    except ValueError:  # atoms in one plane, or in one place
        return _nothing("no lattice")


def _nothing(reason):
    return {
        "orientations": np.full(4, np.nan),
        "overlaps": 0.0,
        "strains": 0.0,
        "bravais": "",
        "reasons": reason,
        "bases": np.full((3, 3), np.nan),
        "images": np.zeros(IMAGE_SHAPE, np.float16),
        "allowed": np.zeros(len(CLASSES), bool),
    }


def _crystal(vectors):
    """The crystal in the middle of a ball; its atoms are moved, all are there to land on."""
    ball = ball_of(vectors, np.zeros(3))
    distance = float(nearest_distances(ball).mean())
    moved = MovedAtoms(ball, distance, int(MIDDLE * len(ball)))
    fit = find_fit(moved, REACHES)
    if fit is None or not fit.is_clear:
        return _nothing("no lattice")
    if not fit.is_best(SLACK * np.sqrt(fit.best * (1 - fit.best) / len(moved.origins))):
        return _nothing("not one crystal")
    cell = cells_on(fit.translations, ball, distance, moved)[0]
    orientation = np.full(4, np.nan)
    if cell.bravais != "other":
        orientation = orientation_of(cell.matrix, cell.bravais).as_quat(canonical=True)
    allowed = [cell.bravais in CLASS_LATTICES[name] for name in CLASSES]
    return {
        "orientations": orientation,
        "overlaps": cell.overlap,
        "strains": cell.strain,
        "bravais": cell.bravais,
        "reasons": "",
        "bases": cell.primitive,
        "images": fingerprint(_upright(vectors, cell.matrix)).astype(np.float16),
        "allowed": np.array(allowed),
    }


def _upright(vectors, matrix):
    """The atoms, turned until the first vector of the cell lies along x, the second in xy."""
    standard = Lattice.from_parameters(*Lattice(matrix).parameters, vesta=True).matrix
    ball = ball_of(vectors @ np.linalg.inv(matrix) @ standard, np.zeros(3))
    box = Lattice(ball.box, pbc=(False, False, False))
    return build_structure(box, np.full(len(ball), ONE_ELEMENT), ball.fractions)


def named_windows(
    centers: np.ndarray, found: dict[str, np.ndarray], probabilities: np.ndarray
) -> Windows:
    """Windows with what the network says of their images; no class that the lattice excludes."""
    known = found["bravais"] != ""
    best = probabilities.argmax(axis=1)
    allowed = found["allowed"][np.arange(len(best)), best]
    labels = np.where(allowed, np.array(CLASSES)[best], "")
    reasons = np.where(known & ~allowed, CONTRADICTION, found["reasons"])
    return Windows(
        centers=centers,
        labels=labels,
        probabilities=np.where(known[:, None], probabilities, 0.0),
        orientations=found["orientations"],
        overlaps=found["overlaps"],
        strains=found["strains"],
        bravais=found["bravais"],
        reasons=reasons,
        bases=found["bases"],
    )
