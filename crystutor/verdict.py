"""The verdict: from a structure to the name of its crystal class."""

from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from pymatgen.core import Structure

from crystutor._keras import keras
from crystutor.convnet import predict_probabilities, shared_convnet
from crystutor.crystal.average_cells import AverageCell
from crystutor.crystal.cells import clusters_and_cells
from crystutor.crystal.lattice.translations import REASONS as LATTICE_REASONS
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.samples import Atoms, sample_of
from crystutor.crystal.space_groups import CLASS_LATTICES, CLASSES
from crystutor.crystal.structures import check_structure
from crystutor.diffraction import fingerprint

CONTRADICTION = "class and lattice differ"
REASONS = (*LATTICE_REASONS, CONTRADICTION)
WORTH_A_NOTE = 0.005  # strain


@dataclass(frozen=True, eq=False)
class Classification:
    """The crystal class of a structure.

    Attributes
    ----------
    label : most probable of `CLASSES`, or None
    probability : probability of that class, in [0, 1]; 0 without a label
    probabilities : probability of each class, keyed by class; the network's mean over the
        lattices that fit, by weight; empty if there is no lattice
    cell : average cell of the sample, the weightiest if several lattices fit, or None
    overlap : share of the atoms that the lattice's vectors move onto atoms; 0 without a lattice
    reason : one of `REASONS` if the label is None; else None
    note : why there is no label, or what to beware of; may be empty
    warnings : what was guessed about the input
    cluster : the atoms that were given to `fingerprint`, or None
    image : their fingerprint, shape (64, 64, 3), float32, in [0, 1], or None
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]
    cell: AverageCell | None = None
    overlap: float = 0.0
    reason: str | None = None
    note: str = ""
    warnings: tuple[str, ...] = ()
    cluster: Structure | None = field(default=None, repr=False)
    image: np.ndarray | None = field(default=None, repr=False)


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
        there is no lattice, as in a liquid, more than one, or one that the class does not have.
        Then `reason` and `note` say so.

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
    sample = sample_of(structure)
    warnings = tuple(f"vacuum along {axis}: taken as finite along {axis}" for axis in sample.vacuum)
    try:
        found = clusters_and_cells(structure)
    except NoAverageLatticeError as error:
        note = str(error)
        return Classification(None, 0.0, {}, reason=error.reason, note=note, warnings=warnings)
    images = np.stack([fingerprint(cluster) for cluster, _ in found])
    weights = np.array([cell.weight for _, cell in found])
    probabilities = weights @ predict_probabilities(convnet, images) / weights.sum()
    cluster, cell = found[0]
    answer = replace(
        _named(probabilities),
        cell=cell,
        overlap=cell.overlap,
        note=_remarks(sample, cell),
        warnings=warnings,
        cluster=cluster,
        image=images[0],
    )
    return answer if _may_be(answer.label, cell) else _without_label(answer)


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


def _may_be(label, cell):
    """Whether a class may have a lattice that fits, or a higher one that is little strained."""
    return bool(set(CLASS_LATTICES[label]) & set(cell.possible))


def _without_label(answer):
    """Take the label away: the lattice is none that the class may have."""
    note = (
        f"the network says {answer.label}, {answer.probability:.0%}, but the lattice is "
        f"{answer.cell.bravais}, which that class does not have"
    )
    note = "; ".join(filter(None, (note, answer.note)))
    return replace(answer, label=None, probability=0.0, reason=CONTRADICTION, note=note)
