"""The verdict: from a structure to the name of its crystal class."""

from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from pymatgen.core import Structure

from crystutor._keras import keras
from crystutor.convnet import predict_probabilities, shared_convnet
from crystutor.crystal.average.cell import AverageCell, average_cells_of
from crystutor.crystal.average.structure import AverageStructure, average_structure_of
from crystutor.crystal.cells import cluster_of
from crystutor.crystal.lattice.translations import REASONS as LATTICE_REASONS
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.samples import Atoms, sample_of
from crystutor.crystal.space_groups import CLASS_LATTICES, CLASSES, SPACE_GROUP_CLASSES
from crystutor.crystal.structures import bond_length, build_structure, check_structure
from crystutor.diffraction import fingerprint

CONTRADICTION = "class and lattice differ"
OUTSIDE = "none of the classes"
DISAGREEMENT = "class and average structure differ"
REASONS = (*LATTICE_REASONS, CONTRADICTION, OUTSIDE, DISAGREEMENT)
OVERLOOKED = 0.05  # expected number of sites that are empty in all cells
N_ATOMS = 250  # of the cluster
WORTH_A_NOTE = 0.005  # strain


@dataclass(frozen=True, eq=False, repr=False)
class Classification:
    """The crystal class of a structure, and the space group of its average.

    The class is that of the places of the atoms: it does not see elements.

    Attributes
    ----------
    label : most probable of `CLASSES`, or None
    probability : probability of that class, in [0, 1]; 0 without a label
    probabilities : probability of each class, keyed by class; the network's mean over the
        lattices that fit, by weight; empty if there is no lattice
    space_group : international number of the average structure, with its elements, or None
    symbol : its Hermann-Mauguin symbol, or ""
    site_space_group : the number with all atoms alike, or None
    cell : average cell of the places, the weightiest if several lattices fit, or None
    average : average structure, or None
    overlap : share of the atoms that the lattice's vectors move onto atoms; 0 without a lattice
    reason : one of `REASONS` if the label is None; else None
    note : why there is no label, or what to beware of; may be empty
    warnings : what was guessed about the input
    elements : chemical symbols
    cluster : the atoms that were given to `fingerprint`, or None
    image : their fingerprint, shape (64, 64, 3), float32, in [0, 1], or None
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]
    space_group: int | None = None
    symbol: str = ""
    site_space_group: int | None = None
    cell: AverageCell | None = None
    average: AverageStructure | None = None
    overlap: float = 0.0
    reason: str | None = None
    note: str = ""
    warnings: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    cluster: Structure | None = None
    image: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"<Classification: {self.describe()}>"

    def describe(self) -> str:
        """Say it in one line: of a compound, the crystal leads; of an element, the class."""
        named = f"no class: {self.note}"
        if self.label is not None:
            *_, runner_up, _ = sorted(self.probabilities, key=lambda name: self.probabilities[name])
            named = f"{self.label} {self.probability:.2%}"
            if len(self.elements) < 2:
                named += f", next {runner_up} {self.probabilities[runner_up]:.2%}"
            named += f"; {self.note}" if self.note else ""
        if self.space_group is None or self.average is None:
            return named
        group = f"space group {self.symbol} ({self.space_group})"
        if len(self.elements) < 2:
            return f"{named}; {group}"
        lattice = f"lattice {self.average.bravais} {_edges(self.average)} Å"
        return f"{group}, {lattice}; sites with elements ignored: {named}"


def _edges(average):
    """Lengths of the edges of a conventional cell that its symmetry leaves different."""
    free = {"c": [0], "t": [0, 2], "h": [0, 2]}.get(average.bravais[0], [0, 1, 2])
    return " x ".join(f"{average.lengths[edge]:.2f}" for edge in free)


@overload
def classify(structures: Atoms, convnet: keras.Model | None = None) -> Classification: ...


@overload
def classify(
    structures: list[Atoms] | tuple[Atoms, ...], convnet: keras.Model | None = None
) -> list[Classification]: ...


def classify(
    structures: Atoms | list[Atoms] | tuple[Atoms, ...],
    convnet: keras.Model | None = None,
) -> Classification | list[Classification]:
    """Name the crystal class of one or more structures, perfect or defective.

    Parameters
    ----------
    structures
        One structure or molecule, or a list or tuple of them: unit cells, which are replicated,
        supercells, slabs, particles. See `crystutor.build_cluster`.
    convnet
        Trained network; the one that comes with the package if not given.

    Returns
    -------
    Classification, or list of Classification
        One answer for one structure, a list of answers for a list. The label is None where
        there is no lattice, as in a liquid, more than one, or one that the class does not have,
        and where the average structure excludes the class. Then `reason` and `note` say so.

    Raises
    ------
    ValueError
        If a structure cannot be given a fingerprint; see
        `crystutor.crystal.structures.check_structure`.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> classify(build_prototype("diamond")).label
    'diam'
    """
    convnet = shared_convnet() if convnet is None else convnet
    if not isinstance(structures, list | tuple):
        return _classify_one(structures, convnet)
    answers = []
    for index, structure in enumerate(structures):
        try:
            answers.append(_classify_one(structure, convnet))
        except ValueError as error:
            raise ValueError(f"structures[{index}]: {error}") from error
    return answers


def classify_image(image: np.ndarray, convnet: keras.Model) -> Classification:
    """Name the class of a fingerprint, shape (64, 64, 3), whatever it was made from."""
    return replace(_named(predict_probabilities(convnet, image[None])[0]), image=image)


def _classify_one(structure, convnet):
    check_structure(structure)
    sample, distance = sample_of(structure), bond_length(structure)
    warnings = tuple(f"vacuum along {axis}: taken as finite along {axis}" for axis in sample.vacuum)
    elements = tuple(sorted({species.symbol for species in structure.species}))
    empty = Classification(None, 0.0, {}, warnings=warnings, elements=elements)
    try:
        cells = average_cells_of(sample, distance)
    except NoAverageLatticeError as error:
        return replace(empty, reason=error.reason, note=str(error))
    clusters = [alike(cluster_of(structure, cell, N_ATOMS, distance)) for cell in cells]
    images = np.stack([fingerprint(cluster) for cluster in clusters])
    weights = np.array([cell.weight for cell in cells])
    probabilities = weights @ predict_probabilities(convnet, images) / weights.sum()
    average = average_structure_of(structure, sample, distance, cells[0])
    answer = replace(
        _named(probabilities),
        space_group=average.space_group,
        symbol=average.symbol,
        site_space_group=average.site_space_group,
        cell=cells[0],
        average=average,
        overlap=cells[0].overlap,
        note=_remarks(sample, cells[0]),
        warnings=warnings,
        elements=elements,
        cluster=clusters[0],
        image=images[0],
    )
    return _with_second_witness(answer)


def alike(structure: Structure) -> Structure:
    """Give all atoms of a structure its commonest element: a class is that of their places."""
    numbers, counts = np.unique(structure.atomic_numbers, return_counts=True)
    if len(numbers) == 1:
        return structure
    same = np.full(len(structure), numbers[counts.argmax()])
    return build_structure(structure.lattice, same, structure.frac_coords)


def _named(probabilities):
    named = dict(zip(CLASSES, map(float, probabilities), strict=True))
    label = max(named, key=lambda name: named[name])
    return Classification(label, named[label], named)


def _remarks(sample, cell):
    """What to beware of: finite axes, a strained cell."""
    finite = [axis for axis, repeats in zip("abc", sample.periodic, strict=True) if not repeats]
    remarks = [f"finite along {' and '.join(finite)}"] if 0 < len(finite) < 3 else []
    remarks += ["a finite sample"] if len(finite) == 3 else []
    remarks += [f"strained by {cell.strain:.1%}"] if cell.strain > WORTH_A_NOTE else []
    return "; ".join(remarks)


def _with_second_witness(answer):
    """Take the label away where lattice or average structure exclude it."""
    if not set(CLASS_LATTICES[answer.label]) & set(answer.cell.possible):
        lattice = f"is {answer.cell.bravais}, which that class does not have"
        if answer.cell.bravais == "other":
            lattice = "is less symmetric than any of the classes has"
        return _without_label(answer, CONTRADICTION, f"the lattice {lattice}")
    average = answer.average
    classes = {SPACE_GROUP_CLASSES.get(group) for group in average.possible_site_space_groups}
    if answer.label in classes or not _is_sure(average):
        return answer
    places = f"the places have space group {average.site_symbol} ({average.site_space_group})"
    if SPACE_GROUP_CLASSES.get(average.site_space_group) is None:
        return _without_label(answer, OUTSIDE, f"{places}, which no class has")
    return _without_label(answer, DISAGREEMENT, f"{places}, which that class does not have")


def _is_sure(average):
    """Whether hardly a site can have been overlooked because it is empty in all cells."""
    shares = [sum(site.values()) for site in average.occupancies]
    vacant = min(1.0, max(0.0, 1 - float(np.mean(shares))))
    return len(shares) * vacant**average.n_cells < OVERLOOKED


def _without_label(answer, reason, why):
    note = f"the network says {answer.label}, {answer.probability:.0%}, but {why}"
    note = "; ".join(filter(None, (note, answer.note)))
    return replace(answer, label=None, probability=0.0, reason=reason, note=note)
