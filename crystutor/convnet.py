"""The convolutional network of Table 2: build, load, and use it to name crystal classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from pymatgen.core import Structure

from crystutor.average_lattice import NoAverageLatticeError
from crystutor.cells import AverageCell, build_average_cluster
from crystutor.fingerprint import fingerprint
from crystutor.quiet import quiet_stderr
from crystutor.structures import check_structure
from crystutor.symmetry import CLASSES

with quiet_stderr():
    import keras

FILTERS = (32, 32, 16, 16, 8, 8)
KERNEL_SIZE = 7
BATCH = 64
WEIGHTS = {"shipped": "convnet.weights.h5", "paper": "convnet_paper.weights.h5"}


@dataclass(frozen=True)
class Classification:
    """The crystal class of a structure.

    Attributes
    ----------
    label : most probable of `CLASSES`, or None if the structure has no average lattice
    probability : of that class
    probabilities : of all classes, keyed by class
    cell : average cell that was found, or None
    note : why there is no label; else empty
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]
    cell: AverageCell | None = None
    note: str = ""


def build_convnet(learning_rate: float = 1e-3, seed: int | None = None) -> keras.Model:
    """Build and compile the untrained network of Table 2 of the paper.

    Parameters
    ----------
    learning_rate
        Of the Adam optimiser.
    seed
        Seed of the initial weights and of dropout.

    Returns
    -------
    keras.Model
        From images (n, 64, 64, 3) to probabilities (n, 7); 365,719 parameters.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Fig. 3 and Table 2.
    """
    layers, seeds = keras.layers, _seeds(seed)
    convolutions = [_convolution(number, next(seeds)) for number in range(1, len(FILTERS) + 1)]
    convnet = keras.Sequential(
        [
            keras.Input((64, 64, 3), name="fingerprint"),
            *convolutions[:2],
            layers.MaxPooling2D(2, name="pool1"),
            *convolutions[2:4],
            layers.MaxPooling2D(2, name="pool2"),
            *convolutions[4:],
            layers.Flatten(name="flatten"),
            layers.Dropout(0.25, seed=next(seeds), name="dropout"),
            _dense(128, "relu", next(seeds), "dense"),
            layers.BatchNormalization(name="batch_normalization"),
            _dense(len(CLASSES), "softmax", next(seeds), "classes"),
        ],
        name="convnet",
    )
    convnet.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return convnet


def build_linear_softmax(seed: int | None = None) -> keras.Model:
    """Build one linear layer with a softmax on the pixels: what depth is measured against.

    Parameters
    ----------
    seed
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Compiled like `build_convnet`, with 86,023 parameters.
    """
    initializer = keras.initializers.GlorotUniform(seed=seed)
    network = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(len(CLASSES), "softmax", kernel_initializer=initializer),
        ],
        name="linear_softmax",
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


@cache
def load_convnet(training: str = "shipped") -> keras.Model:
    """Load a network with weights that come with the package, once.

    Parameters
    ----------
    training
        ``"shipped"``, trained on crystals of many kinds, sizes and scales, which `classify` uses;
        or ``"paper"``, trained by the paper's recipe on crystals of the paper's kind only.

    Raises
    ------
    ValueError
        If there are no such weights.
    """
    if training not in WEIGHTS:
        raise ValueError(f"training is {training!r}; accepted are {', '.join(WEIGHTS)}")
    convnet = build_convnet()
    with as_file(files("crystutor") / "data" / WEIGHTS[training]) as path:
        convnet.load_weights(path)
    return convnet


def predict_probabilities(convnet: keras.Model, images: np.ndarray) -> np.ndarray:
    """Class probabilities of fingerprints, shape (n, 7), in the order of `CLASSES`.

    Parameters
    ----------
    convnet
        Trained network.
    images
        Shape (n, 64, 64, 3).

    Raises
    ------
    ValueError
        If the images have another shape.
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 4 or images.shape[1:] != (64, 64, 3):
        raise ValueError(f"images have shape {images.shape}; (n, 64, 64, 3) is accepted")
    blocks = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate(
        [np.zeros((0, len(CLASSES)), np.float32), *map(convnet.predict_on_batch, blocks)]
    )


def classify(
    structures: Sequence[Structure], convnet: keras.Model | None = None
) -> list[Classification]:
    """Name the crystal class of structures, perfect or defective, without any tolerance.

    Parameters
    ----------
    structures
        Periodic structures: unit cells, which are replicated, or supercells. See
        `crystutor.build_cluster`.
    convnet
        Trained network; the one that comes with the package if not given.

    Returns
    -------
    list of Classification
        In the order of the structures. Where no average lattice stands out, as in a liquid, the
        label is None and the note says so.

    Raises
    ------
    ValueError
        If a structure cannot be given a fingerprint; see
        `crystutor.structures.check_structure`.
    """
    convnet = load_convnet() if convnet is None else convnet
    structures = [structures] if isinstance(structures, Structure) else list(structures)
    return [
        _classify(structure, convnet, f"structures[{index}]")
        for index, structure in enumerate(structures)
    ]


def _classify(structure, convnet, name):
    try:
        check_structure(structure)
        cluster, cell = build_average_cluster(structure)
    except NoAverageLatticeError as error:
        return Classification(None, 0.0, {}, note=str(error))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    probabilities = predict_probabilities(convnet, fingerprint(cluster)[None])[0]
    best = int(probabilities.argmax())
    named = dict(zip(CLASSES, map(float, probabilities), strict=True))
    return Classification(CLASSES[best], named[CLASSES[best]], named, cell)


def _convolution(number, seed):
    return keras.layers.Conv2D(
        FILTERS[number - 1],
        KERNEL_SIZE,
        padding="same",
        activation="relu",
        kernel_initializer=keras.initializers.Orthogonal(seed=seed),
        name=f"conv{number}",
    )


def _dense(n_units, activation, seed, name):
    initializer = keras.initializers.Orthogonal(seed=seed)
    return keras.layers.Dense(n_units, activation, kernel_initializer=initializer, name=name)


def _seeds(seed):
    """Endless seeds derived from one; without one, every seed is None."""
    rng = None if seed is None else np.random.default_rng(seed)
    while True:
        yield None if rng is None else int(rng.integers(2**31))
