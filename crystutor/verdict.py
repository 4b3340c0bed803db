"""The verdict: from a structure to the name of its crystal class."""

from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from pymatgen.core import Structure

from crystutor._keras import keras
from crystutor.convnet import predict_probabilities, shared_convnet
from crystutor.crystal.average_lattice import NoAverageLatticeError
from crystutor.crystal.cells import AverageCell, cluster_and_cell
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.structures import check_structure
from crystutor.diffraction import fingerprint


@dataclass(frozen=True, eq=False)
class Classification:
    """The crystal class of a structure.

    Attributes
    ----------
    label : most probable of `CLASSES`, or None if the structure has no average lattice
    probability : probability of that class, in [0, 1]; 0 without a label
    probabilities : probability of each class, keyed by class; empty without a label
    cell : average cell of the structure, or None
    note : why there is no label; else empty
    cluster : the atoms that were given to `fingerprint`, or None
    image : their fingerprint, shape (64, 64, 3), float32, in [0, 1], or None
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]
    cell: AverageCell | None = None
    note: str = ""
    cluster: Structure | None = field(default=None, repr=False)
    image: np.ndarray | None = field(default=None, repr=False)


@overload
def classify(structures: Structure, convnet: keras.Model | None = None) -> Classification: ...


@overload
def classify(
    structures: list[Structure] | tuple[Structure, ...], convnet: keras.Model | None = None
) -> list[Classification]: ...


def classify(
    structures: Structure | list[Structure] | tuple[Structure, ...],
    convnet: keras.Model | None = None,
) -> Classification | list[Classification]:
    """Name the crystal class of one or more structures, perfect or defective.

    Parameters
    ----------
    structures
        One periodic structure, or a list or tuple of them: unit cells, which are replicated, or
        supercells. See `crystutor.build_cluster`.
    convnet
        Trained network; the one that comes with the package if not given.

    Returns
    -------
    Classification, or list of Classification
        One answer for one structure, a list of answers for a list. If no average lattice stands
        out, as in a liquid, the label is None and the note says so.

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
    probabilities = predict_probabilities(convnet, image[None])[0]
    named = dict(zip(CLASSES, map(float, probabilities), strict=True))
    label = max(named, key=lambda name: named[name])
    return Classification(label, named[label], named, image=image)


def _classify_one(structure, convnet):
    check_structure(structure)
    try:
        cluster, cell = cluster_and_cell(structure)
    except NoAverageLatticeError as error:
        return Classification(None, 0.0, {}, note=str(error))
    answer = classify_image(fingerprint(cluster), convnet)
    return replace(answer, cell=cell, cluster=cluster)
