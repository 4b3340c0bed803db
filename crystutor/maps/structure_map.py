"""Map a sample: which crystal is where, and how it is turned."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pymatgen.core import Molecule, Structure

from crystutor.crystal.samples import (
    Atoms,
    Sample,
    nearest_atoms,
    nearest_distances,
    sample_in_box,
    sample_of,
)
from crystutor.maps.atoms import Places, grains_of_atoms
from crystutor.maps.boxes import Surroundings
from crystutor.maps.grains import (
    Boundary,
    Grain,
    boundaries_of,
    counted,
    join_windows,
    merged_numbers,
)
from crystutor.maps.orientations import orientation_of
from crystutor.maps.survey import survey
from crystutor.maps.windows import FEWEST_ATOMS, Windows, grid_of_centers
from crystutor.verdict.classification import CONTRADICTION, DISAGREEMENT, OUTSIDE
from crystutor.verdict.classifier import classify_each

if TYPE_CHECKING:
    import ase

    from crystutor._keras import keras

STRIDE = 8.0  # [Å]
MOST_ATOMS = 2000  # of a window
SAMPLES = 12  # places where the size of a window is measured
WIDER = 1.15  # than a window on the average may be one with many vacancies
NEIGHBOURS = 1.8  # distance of neighbouring windows [strides]
GRAIN_ATOMS = 1000  # of a grain that are classified together
SMALLEST_GRAIN = 50  # atoms
CONTACT = 1.35  # distance of neighbouring atoms [bond lengths]
MOST_CONTACTS = 10
AT_A_TIME = 100_000  # atoms whose neighbours are looked for
EXCLUDED = (CONTRADICTION, DISAGREEMENT, OUTSIDE)


@dataclass(frozen=True, eq=False, repr=False)
class StructureMap:
    """What is where in a sample.

    Attributes
    ----------
    sample : positions [Å], box, and along which edges it repeats
    numbers : atomic numbers, shape (n,)
    windows : the atoms around each of many points
    grains : pieces of one crystal, the largest first
    boundaries : where grains touch
    atom_grains : number of each atom's grain, -1 for none, shape (n,), integers
    atom_labels : class of each atom's grain, "" for none, shape (n,)
    atom_overlaps : share of the grain's shortest lattice vectors that lead from the atom and its
        neighbours to atoms, shape (n,)
    atom_probabilities : that of the class of the grain, shape (n,)
    """

    sample: Sample
    numbers: np.ndarray
    windows: Windows
    grains: tuple[Grain, ...]
    boundaries: tuple[Boundary, ...]
    atom_grains: np.ndarray
    atom_overlaps: np.ndarray

    def __repr__(self) -> str:
        return f"<StructureMap: {len(self.numbers)} atoms, {len(self.grains)} grains>"

    @property
    def atom_labels(self) -> np.ndarray:
        """Class of each atom's grain, "" for none, shape (n,)."""
        return self._of_grains([grain.label for grain in self.grains], "")

    @property
    def atom_probabilities(self) -> np.ndarray:
        """Probability of the class of each atom's grain, 0 for none, shape (n,)."""
        return self._of_grains([grain.probability for grain in self.grains], 0.0)

    @property
    def atom_orientations(self) -> np.ndarray:
        """Quaternion x, y, z, w of each atom's grain, nan for none, shape (n, 4)."""
        return self._of_grains([grain.orientation for grain in self.grains], np.full(4, np.nan))

    def _of_grains(self, values, nothing):
        return np.array([*values, nothing])[self.atom_grains]

    def describe(self) -> str:
        """A line for each grain, and one for what belongs to none."""
        n = len(self.numbers)
        lines = [
            f"grain {grain.number}: {grain.label} {grain.probability:.1%}, {grain.n_atoms} atoms "
            f"({grain.volume_share:.1%}), lattice {grain.bravais}"
            + (f", space group {grain.symbol} ({grain.space_group})" if grain.space_group else "")
            + f", overlap {grain.overlap:.2f}"
            for grain in self.grains
        ]
        rest = int((self.atom_grains < 0).sum())
        return "\n".join([*lines, f"no grain: {rest} atoms ({rest / n:.1%})"])

    def write(self, folder: str | Path) -> None:
        """Write atoms.xyz, windows.csv, grains.csv and summary.json into a folder.

        Parameters
        ----------
        folder
            It is made if it is not there. Each file appears whole or not at all. The columns of
            the extended XYZ are read by OVITO and ASE; orientations are quaternions x, y, z, w.
        """
        from crystutor.maps.output import write_map

        write_map(self, Path(folder))


def map_structure(
    structure: "Atoms | ase.Atoms",
    stride: float = STRIDE,
    n_atoms: int = 250,
    centers: np.ndarray | None = None,
    convnet: "keras.Model | None" = None,
    executor: Executor | None = None,
    progress: bool = False,
    folder: str | Path | None = None,
) -> StructureMap:
    """Map a sample: look at windows of it, join them to grains, and find each atom's grain.

    Parameters
    ----------
    structure
        Structure, molecule, or ASE's atoms, which need least memory: a polycrystal, a two-phase
        system, a particle; periodic along all, some or none of its axes. Elements do not matter.
    stride
        Distance of neighbouring windows [Å].
    n_atoms
        Number of atoms of a window.
    centers
        Centers of the windows, shape (m, 3) [Å]; a grid if not given.
    convnet
        Trained network; the one that comes with the package if not given.
    executor
        Any executor of `concurrent.futures`, such as that of a Dask cluster; its workers see parts
        of the sample, never all of it.
    progress
        Whether to show progress bars.
    folder
        Where finished windows are kept. The same call goes on where it was stopped.

    Returns
    -------
    StructureMap
        Windows, grains, boundaries, and the grain of each atom.

    Raises
    ------
    ValueError
        If the sample is smaller than a window or than the stride, its atoms are isolated, or the
        folder holds another map.

    Notes
    -----
    Neighbouring windows with one class, lattice and orientation, within 5 degrees, are one grain.
    The grain is classified again as a whole, by up to 1,000 of its atoms: then its orientation is
    more precise, and its average structure is a second witness. An atom belongs to the grain whose
    shortest lattice vectors lead from it and its neighbours to most atoms.

    References
    ----------
    A. Leitherer, A. Ziletti and L. M. Ghiringhelli, Nat. Commun. 12, 6234 (2021), for the idea of
    maps of polycrystals by windows.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> block = build_prototype("fcc", "Cu").make_supercell(7, in_place=False)
    >>> [grain.label for grain in map_structure(block, stride=15.0).grains]
    ['fcc']
    """
    sample, numbers = _sample_and_numbers(structure)
    radius, distance = _sizes(sample, n_atoms)
    centers = _centers(sample, stride, centers)
    windows = survey(
        sample,
        centers,
        stride,
        radius,
        n_atoms,
        convnet,
        executor,
        progress,
        None if folder is None else Path(folder),
    )
    points = sample.fractions @ sample.box
    grains = join_windows(windows, _neighbours(centers, sample, NEIGHBOURS * stride))
    places = Places(points, sample, windows.centers, radius, distance)
    own, _ = grains_of_atoms(places, grains, executor, progress)
    around = Surroundings(points, sample, 3 * radius)
    kept = [grain for grain in grains if (own == grain.number).sum() >= SMALLEST_GRAIN]
    grains = list(_classified(kept, own, around, convnet, executor))
    own, overlaps = grains_of_atoms(places, grains, executor, progress)
    return _finished(sample, numbers, windows, grains, own, overlaps, around, distance)


def _sample_and_numbers(structure):
    if isinstance(structure, Structure | Molecule):
        return sample_of(structure), np.array(structure.atomic_numbers)
    arrays = getattr(structure, "arrays", {})
    if not {"positions", "numbers"} <= set(arrays):
        raise ValueError(
            f"a {type(structure).__name__} is given; a pymatgen Structure or Molecule or ASE's "
            "Atoms are accepted"
        )
    box = np.array(structure.cell.complete())
    return sample_in_box(arrays["positions"], box, np.array(structure.pbc)), arrays["numbers"]


def _sizes(sample, n_atoms):
    """Radius of a window and bond length [Å]."""
    if not FEWEST_ATOMS <= n_atoms <= MOST_ATOMS:
        raise ValueError(f"n_atoms is {n_atoms}; {FEWEST_ATOMS} to {MOST_ATOMS} are accepted")
    if len(sample) < n_atoms:
        raise ValueError(
            f"the sample has {len(sample)} atoms, a window {n_atoms}; a larger sample or smaller "
            "windows are needed"
        )
    nearest = nearest_distances(sample)
    distance = float(nearest[np.isfinite(nearest)].mean()) if np.isfinite(nearest).any() else np.inf
    if not np.isfinite(nearest).mean() > 0.5 or distance > 10:
        raise ValueError("the atoms are isolated; a sample of crystals is accepted")
    places = np.linspace(0, len(sample) - 1, SAMPLES).astype(int)
    points = sample.fractions[places] @ sample.box
    found = [nearest_atoms(sample, point, n_atoms, distance)[1] for point in points]
    return WIDER * float(np.median([np.linalg.norm(v[-1]) for v in found])), distance


def _centers(sample, stride, centers):
    if not 1.0 <= stride <= (longest := float(np.linalg.norm(sample.box, axis=1).max())):
        raise ValueError(
            f"stride is {stride} Å; 1 Å to {longest:.0f} Å, the sample's longest edge, is accepted"
        )
    if centers is None:
        return grid_of_centers(sample, stride)
    centers = np.asarray(centers, float)
    if centers.ndim != 2 or centers.shape[1] != 3 or len(centers) == 0:
        raise ValueError(f"centers have shape {centers.shape}; (n, 3) is accepted")
    return centers


def _neighbours(centers, sample, farthest):
    """Pairs of windows that are neighbours, shape (n, 2)."""
    around = Surroundings(centers, sample, farthest)
    pairs = around.tree.query_pairs(farthest, output_type="ndarray")
    pairs = around.indices[pairs]
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def _classified(grains, own, around, convnet, executor):
    """Yield each grain as its atoms, classified together, say it is; without those of no class."""
    pieces = [_atoms_of(grain, own, around) for grain in grains]
    for grain, answer in zip(grains, classify_each(pieces, convnet, executor), strict=True):
        if isinstance(answer, ValueError) or answer.cell is None:
            yield grain
        elif answer.label is not None:
            yield _as_classified(grain, answer)
        elif answer.reason not in EXCLUDED:
            yield grain


def _as_classified(grain, answer):
    cell = answer.cell
    return replace(
        grain,
        label=answer.label,
        bravais=cell.bravais,
        orientation=orientation_of(cell.matrix, cell.bravais).as_quat(canonical=True),
        basis=cell.primitive,
        overlap=cell.overlap,
        strain=cell.strain,
        space_group=answer.site_space_group,
        symbol=answer.average.site_symbol,
    )


def _atoms_of(grain, own, around):
    """Atoms of a grain, those nearest to its best window."""
    distances, near = around.tree.query(grain.center, k=min(4 * GRAIN_ATOMS, len(around.points)))
    near = near[np.isfinite(distances)]
    near = near[own[around.indices[near]] == grain.number][:GRAIN_ATOMS]
    return Molecule(["Fe"] * len(near), around.points[near])


def _finished(sample, numbers, windows, grains, own, overlaps, around, distance):
    """The map, with grains joined that touch, numbered by size."""
    contacts = _contacts(own, around, distance)
    joined = merged_numbers(grains, boundaries_of(grains, own, contacts))
    own = np.where(own >= 0, joined[own], -1) if len(grains) else own
    sizes = np.bincount(own[own >= 0], minlength=joined.max(initial=-1) + 1)
    order = np.argsort(-sizes, kind="stable")
    rank = np.argsort(order)
    own = np.where(own >= 0, rank[own], -1) if len(grains) else own
    largest = [max(np.flatnonzero(joined == n), key=lambda k: grains[k].n_windows) for n in order]
    final = [
        counted(grains[k], number, int(sizes[n]), float(sizes[n] / len(numbers)))
        for number, (k, n) in enumerate(zip(largest, order, strict=True))
    ]
    boundaries = boundaries_of(final, own, contacts)
    return StructureMap(sample, numbers, windows, tuple(final), tuple(boundaries), own, overlaps)


def _contacts(own, around, distance):
    """Pairs of neighbouring atoms of different grains, shape (n, 2)."""
    originals = np.flatnonzero(~around.is_image & (own[around.indices] >= 0))
    found = [np.zeros((0, 2), int)]
    for start in range(0, len(originals), AT_A_TIME):
        some = originals[start : start + AT_A_TIME]
        distances, near = around.tree.query(
            around.points[some], MOST_CONTACTS, distance_upper_bound=CONTACT * distance
        )
        first, column = np.nonzero(np.isfinite(distances))
        pairs = np.stack([around.indices[some[first]], around.indices[near[first, column]]], axis=1)
        found.append(pairs[own[pairs[:, 0]] != own[pairs[:, 1]]])
    return np.concatenate(found)
