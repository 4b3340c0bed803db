"""Classify one structure or many, here or in workers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, overload

import numpy as np
from tqdm.auto import tqdm

from crystutor.arguments import InputError, as_array
from crystutor.crystal.samples import Atoms
from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE
from crystutor.executors import map_in_order
from crystutor.verdict.classification import Classification
from crystutor.verdict.evidence import Evidence, evidence_or_error
from crystutor.verdict.witnesses import most_probable, weigh

if TYPE_CHECKING:  # a script that only imports `classify` starts its workers without TensorFlow
    from concurrent.futures import Executor

    from crystutor._keras import keras

LARGEST_BATCH = 8  # images that the network sees together; few, as the workers wait for it
SMALL = 4096  # atoms; the answer for more of them does not wait for a batch

Many = list[Atoms] | tuple[Atoms, ...] | Iterator[Atoms]


@overload
def classify(
    structures: Atoms,
    convnet: "keras.Model | None" = None,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> Classification: ...


@overload
def classify(
    structures: Many,
    convnet: "keras.Model | None" = None,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> list[Classification]: ...


def classify(
    structures: Atoms | Many,
    convnet: "keras.Model | None" = None,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> Classification | list[Classification]:
    """Name the crystal class of one or more structures, perfect or defective.

    Parameters
    ----------
    structures
        One structure or molecule, or a list, tuple or iterator of them: unit cells, which are
        replicated, supercells, slabs, particles. See `crystutor.build_cluster`.
    convnet
        Trained network; the one that comes with the package if not given.
    executor
        Any executor of `concurrent.futures`, such as a `ProcessPoolExecutor`; its workers do all
        but the network's part. Without one, the work is done here.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Classification, or list of Classification
        One answer for one structure, a list of answers for several. Where the lattice or the
        average structure excludes the network's class, the label is another one that both allow,
        and to which the network gives at least 0.1 %; `note` says so. The label is None where
        there is no such class, and where there is no lattice, as in a liquid, or more than one.
        Then `reason` and `note` say why.

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
    if not isinstance(structures, list | tuple | Iterator):
        (answer,) = classify_each([structures], convnet, executor)
        if isinstance(answer, ValueError):
            raise answer
        return answer
    total = len(structures) if isinstance(structures, list | tuple) else None
    found = classify_each(structures, convnet, executor)
    answers = []
    for index, answer in enumerate(tqdm(found, total=total, disable=not progress)):
        if isinstance(answer, ValueError):
            raise InputError(f"structures[{index}]: {answer}") from answer
        answers.append(answer)
    return answers


def classify_each(
    structures: "Iterable[Atoms | ValueError]",
    convnet: "keras.Model | None" = None,
    executor: "Executor | None" = None,
) -> Iterator[Classification | ValueError]:
    """Yield the answer, or the error, of each structure; only a few are in memory at any time.

    The parameters are those of `classify`. An error among the structures is handed on.
    """
    predict = partial(_ask, convnet)
    batch: list[Evidence | ValueError] = []
    size = 1  # the first answer comes at once
    for found in map_in_order(evidence_or_error, structures, executor):
        batch.append(found)
        small = isinstance(found, Evidence) and found.n_atoms <= SMALL
        if len(batch) >= size or not small:
            yield from answers_of(batch, predict)
            batch, size = [], min(2 * size, LARGEST_BATCH)
    yield from answers_of(batch, predict)


def answers_of(
    batch: "Sequence[Evidence | ValueError]", predict: Callable[[np.ndarray], np.ndarray]
) -> Iterator[Classification | ValueError]:
    """Yield the answers of a batch, for which the network is asked once.

    `predict` turns images (n, 64, 64, 3) into probabilities (n, 7). Errors are handed on.
    """
    images = [found.images for found in batch if isinstance(found, Evidence)]
    flat = [array.reshape(-1, *array.shape[2:]) for array in images]
    probabilities = (
        predict(np.concatenate(flat)) if sum(map(len, flat)) else np.zeros((0, len(CLASSES)))
    )
    for found in batch:
        if isinstance(found, ValueError):
            yield found
            continue
        shape = found.images.shape[:2]
        n = shape[0] * shape[1]
        yield weigh(found, probabilities[:n].reshape(*shape, len(CLASSES)))
        probabilities = probabilities[n:]


def _ask(convnet, images):
    """Ask a network, or the one that comes with the package; only now is TensorFlow imported."""
    from crystutor.convnet import predict_probabilities, shared_convnet

    return predict_probabilities(shared_convnet() if convnet is None else convnet, images)


def classify_image(image: np.ndarray, convnet: "keras.Model") -> Classification:
    """Name the class of a fingerprint, shape (64, 64, 3), whatever it was made from."""
    images = as_array("image", image, IMAGE_SHAPE)[None]
    return replace(most_probable(_ask(convnet, images)[0]), image=image)
