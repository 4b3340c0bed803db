"""Map a sample: which crystal is where, and how it is turned."""

import math
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pymatgen.core import Molecule, Structure
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from crystutor.arguments import InputError, as_array, refusal, require_number, require_whole
from crystutor.crystal.average.folding import fitted_basis
from crystutor.crystal.samples import (
    LONGEST,
    Atoms,
    finite_sample,
    nearest_atoms,
    nearest_distances,
    sample_in_box,
    sample_of,
)
from crystutor.crystal.structures import LONGEST_BOND
from crystutor.maps.atoms import atom_task, find_grains_of_atoms, grains_of_atoms
from crystutor.maps.boxes import Surroundings, places_of
from crystutor.maps.grains import boundaries_of, join_windows, joined_grain, joined_numbers
from crystutor.maps.orientations import orientation_of
from crystutor.maps.structure_map import StructureMap
from crystutor.maps.survey import survey
from crystutor.maps.windows import FEWEST_ATOMS, grid_of_centers
from crystutor.verdict.classification import Classification
from crystutor.verdict.classifier import classify_each

if TYPE_CHECKING:
    import ase

    from crystutor._keras import keras

STRIDE = 8.0  # [Å]
MOST_ATOMS = 2000  # of a window
SAMPLES = 12  # places where the size of a window is measured
WIDER = 1.15  # than a window on the average may be one with many vacancies
NEIGHBOURS = 1.8  # distance of neighbouring windows [strides]
GRAIN_ATOMS = 600  # of a grain that are classified together
INNER_ATOMS = (200, 100)  # of them, where a part of them does not follow the rest
DEEP_INSIDE = 0.85  # share of the grain's overlap that these reach
SMALLEST_GRAIN = 50  # atoms
LINK = 1.5  # distance of atoms that hang together [bond lengths]
CONTACT = 1.35  # distance of neighbouring atoms [bond lengths]
MOST_CONTACTS = 10
AT_A_TIME = 100_000  # atoms whose neighbours are looked for


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
    Up to 600 of its inner atoms are classified together: then its orientation is more precise, and
    its average structure is a second witness. An atom belongs to the grain whose shortest lattice
    vectors lead from it and its neighbours to most atoms.

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
    places = places_of(sample, _centers(sample, stride, centers), stride, radius, distance)
    kept = None if folder is None else Path(folder)
    windows = survey(places, n_atoms, convnet, executor, progress, kept)
    grains = join_windows(windows, _neighbours(places))
    grains = list(_classified(grains, places, convnet, executor))
    own, overlaps = grains_of_atoms(places, grains, executor, progress)
    return _finished(places, numbers, windows, grains, own, overlaps)


def _sample_and_numbers(structure):
    if isinstance(structure, Structure | Molecule):
        return sample_of(structure), np.array(structure.atomic_numbers)
    arrays = getattr(structure, "arrays", {})
    if not {"positions", "numbers"} <= set(arrays):
        accepted = "a pymatgen Structure or Molecule or ASE's Atoms are accepted"
        raise refusal("structure", structure, accepted)
    box = np.array(structure.cell.complete())
    return sample_in_box(arrays["positions"], box, np.array(structure.pbc)), arrays["numbers"]


def _sizes(sample, n_atoms):
    """Radius of a window and bond length [Å]."""
    require_whole("n_atoms", n_atoms, FEWEST_ATOMS, MOST_ATOMS)
    if len(sample) < n_atoms:
        raise InputError(
            f"the sample has {len(sample)} atoms, a window {n_atoms}; a larger sample or smaller "
            "windows are needed"
        )
    places = np.linspace(0, len(sample) - 1, SAMPLES).astype(int)
    points = sample.fractions[places] @ sample.box
    spacing = np.cbrt(abs(np.linalg.det(sample.box)) / len(sample))
    balls = [nearest_atoms(sample, point, n_atoms, spacing)[1] for point in points]
    nearest = np.concatenate([nearest_distances(finite_sample(ball)) for ball in balls])
    distance = float(np.minimum(nearest, LONGEST).mean())
    if distance > LONGEST_BOND:
        raise InputError("the atoms are isolated; a sample of crystals is accepted")
    return WIDER * float(np.median([np.linalg.norm(ball[-1]) for ball in balls])), distance


def _centers(sample, stride, centers):
    longest = float(np.linalg.norm(sample.box, axis=1).max())
    edge = " (the sample's longest edge)"
    require_number("stride", stride, 1.0, math.ceil(10 * longest) / 10, "Å", hint=edge)
    if centers is None:
        return grid_of_centers(sample, stride)
    centers = as_array("centers", centers, (None, 3))
    if len(centers) == 0:
        raise InputError("centers hold no place; one or more are accepted")
    return centers


def _neighbours(places):
    """Pairs of windows that are neighbours, shape (n, 2)."""
    farthest = NEIGHBOURS * places.stride
    around = Surroundings(places.centers, places.sample, farthest)
    pairs = around.tree.query_pairs(farthest, output_type="ndarray")
    pairs = around.indices[pairs]
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def _classified(grains, places, convnet, executor):
    """Yield each grain as its atoms, classified together, say it is; without those of no class.

    Where a part of the atoms does not follow the rest, those nearest to the middle are asked alone.
    """
    pieces = [_atoms_of(grain, places) for grain in grains]
    answers = _answers(pieces, convnet, executor)
    for fewer in INNER_ATOMS:
        uneven = [n for n, answer in enumerate(answers) if answer.reason == "not one crystal"]
        again = [pieces[n][:fewer] for n in uneven]
        for n, piece, answer in zip(uneven, again, _answers(again, convnet, executor), strict=True):
            pieces[n], answers[n] = piece, answer
    for grain, piece, answer in zip(grains, pieces, answers, strict=True):
        if answer.label is not None:
            yield _as_classified(grain, answer, piece, places.distance)


def _answers(pieces, convnet, executor):
    """What pieces of one crystal are; atoms that make no sample have no class."""
    molecules = (Molecule(["Fe"] * len(piece), piece) for piece in pieces)
    found = classify_each(molecules, convnet, executor)
    nothing = Classification(None, 0.0, {})
    return [nothing if isinstance(answer, ValueError) else answer for answer in found]


def _atoms_of(grain, places):
    """Places of atoms deep inside a grain, those nearest to its best window, shape (n, 3) [Å]."""
    tree = places.around.tree
    _, near = tree.query(grain.center, k=min(3 * GRAIN_ATOMS, tree.n))
    found = places.around.points[near]
    _, shares = find_grains_of_atoms(atom_task(places, found, len(found), [grain]))
    deep = found[shares > DEEP_INSIDE * grain.overlap]
    return _largest_piece(deep, LINK * places.distance)[:GRAIN_ATOMS]


def _largest_piece(points, reach):
    """The most points that hang together by steps up to a reach [Å], in the same order."""
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(points),) * 2)
    _, piece = connected_components(links, directed=False)
    return points[piece == np.bincount(piece, minlength=1).argmax()]


def _as_classified(grain, answer, atoms, distance):
    cell = answer.cell
    basis = fitted_basis(atoms, cell.primitive, distance)
    matrix = np.round(cell.matrix @ np.linalg.inv(cell.primitive)) @ basis
    same = answer.label == grain.label
    return replace(
        grain,
        label=answer.label,
        probability=grain.probability if same else answer.probability,
        bravais=cell.bravais,
        orientation=orientation_of(matrix, cell.bravais).as_quat(canonical=True),
        basis=basis,
        overlap=cell.overlap,
        strain=cell.strain,
        space_group=answer.site_space_group,
        symbol=answer.average.site_symbol,
    )


def _finished(places, numbers, windows, grains, own, overlaps):
    """The map: small grains left out, grains that touch joined, numbered by size."""
    sizes = np.bincount(own[own >= 0], minlength=len(grains))
    own = np.append(np.where(sizes >= SMALLEST_GRAIN, np.arange(len(grains)), -1), -1)[own]
    contacts = _contacts(own, places)
    joined = joined_numbers(grains, boundaries_of(grains, own, contacts))
    sizes = np.bincount(joined[own[own >= 0]], minlength=len(grains))
    order = [n for n in np.argsort(-sizes, kind="stable") if sizes[n]]
    rank = np.full(len(grains), -1)
    rank[order] = np.arange(len(order))
    own = np.append(rank[joined], -1)[own]
    final = tuple(
        joined_grain([grains[k] for k in np.flatnonzero(joined == n)], number, own)
        for number, n in enumerate(order)
    )
    boundaries = boundaries_of(final, own, contacts)
    return StructureMap(places.sample, numbers, windows, final, tuple(boundaries), own, overlaps)


def _contacts(own, places):
    """Pairs of neighbouring atoms of different grains, shape (n, 2)."""
    around = places.around
    originals = np.flatnonzero(~around.is_image & (own[around.indices] >= 0))
    found = [np.zeros((0, 2), int)]
    for start in range(0, len(originals), AT_A_TIME):
        some = originals[start : start + AT_A_TIME]
        distances, near = around.tree.query(
            around.points[some], MOST_CONTACTS, distance_upper_bound=CONTACT * places.distance
        )
        first, column = np.nonzero(np.isfinite(distances))
        pairs = np.stack([around.indices[some[first]], around.indices[near[first, column]]], axis=1)
        found.append(pairs[own[pairs[:, 0]] != own[pairs[:, 1]]])
    return np.concatenate(found)
