"""The convolutional network of Table 2: build it, load it, predict with it."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from crystutor._keras import keras
from crystutor.arguments import (
    as_array,
    random_generator,
    require,
    require_network,
    require_number,
    require_one_of,
    require_whole,
)
from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE

FILTERS = (32, 32, 16, 16, 8, 8)
KERNEL_SIZE = 7
BATCH = 64
WEIGHTS = {"shipped": "convnet.weights.h5", "paper": "convnet_paper.weights.h5"}


def build_convnet(
    learning_rate: float = 1e-3,
    seed: int | None = None,
    *,
    filters: Sequence[int] = FILTERS,
    kernel_size: int = KERNEL_SIZE,
    n_units: int = 128,
    dropout: float = 0.25,
) -> keras.Model:
    """Build and compile an untrained network, as in Table 2 of the paper if nothing is changed.

    Parameters
    ----------
    learning_rate
        Of the Adam optimiser, above 0.
    seed
        Seed of the initial weights and of dropout.
    filters
        Number of filters of each of the six convolutional layers.
    kernel_size
        Edge of the filters [pixel].
    n_units
        Number of units of the dense layer.
    dropout
        Fraction of the values that are dropped before the dense layer, in [0, 1).

    Returns
    -------
    keras.Model
        From images (n, 64, 64, 3) to probabilities (n, 7); 365,719 parameters by default.

    Raises
    ------
    ValueError
        If a number is out of range, or filters are not six.

    Notes
    -----
    Any other Keras network of the same input and output can take its place in `train_convnet`,
    `predict_probabilities` and `classify`. Its last layer is a softmax over `CLASSES`. Labels are
    integers, so compile it with the loss ``"sparse_categorical_crossentropy"``.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Fig. 3 and Table 2.

    Examples
    --------
    >>> build_convnet().count_params()
    365719
    >>> small = build_convnet(filters=(8, 8, 8, 8, 4, 4), kernel_size=5, n_units=32)
    >>> small.output_shape
    (None, 7)
    """
    _require_sizes(filters, kernel_size, n_units)
    require_number("learning_rate", learning_rate, 0, above=True)
    require_number("dropout", dropout, 0, 1)
    layers, seeds = keras.layers, _seeds(seed)
    convolutions = [
        _convolution(number, n_filters, kernel_size, next(seeds))
        for number, n_filters in enumerate(filters, start=1)
    ]
    convnet = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE, name="fingerprint"),
            *convolutions[:2],
            layers.MaxPooling2D(2, name="pool1"),
            *convolutions[2:4],
            layers.MaxPooling2D(2, name="pool2"),
            *convolutions[4:],
            layers.Flatten(name="flatten"),
            layers.Dropout(dropout, seed=next(seeds), name="dropout"),
            _dense(n_units, "relu", next(seeds), "dense"),
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
    """Build one linear layer with a softmax on the pixels, the reference for a deep network.

    Parameters
    ----------
    seed
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Compiled as in `build_convnet`; from images (n, 64, 64, 3) to probabilities (n, 7);
        86,023 parameters.
    """
    if seed is not None:
        require_whole("seed", seed)
    initializer = keras.initializers.GlorotUniform(seed=seed)
    network = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            keras.layers.Flatten(),
            keras.layers.Dense(len(CLASSES), "softmax", kernel_initializer=initializer),
        ],
        name="linear_softmax",
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def load_convnet(training: str = "shipped") -> keras.Model:
    """Load a network with weights that come with the package.

    Parameters
    ----------
    training
        ``"shipped"``, which `classify` uses, trained on crystals of many kinds, sizes and scales;
        or ``"paper"``, trained by the paper's recipe on crystals of the paper's kind only.

    Returns
    -------
    keras.Model
        A new network each time: training it does not change what `classify` says.

    Raises
    ------
    ValueError
        If there are no such weights.
    """
    require_one_of("training", training, WEIGHTS)
    convnet = build_convnet()
    with as_file(files("crystutor") / "data" / WEIGHTS[training]) as path:
        convnet.load_weights(path)
    return convnet


@cache
def shared_convnet() -> keras.Model:
    """Load the shipped network once, for all callers that predict with it and never train it."""
    return load_convnet()


def predict_probabilities(convnet: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predict the class probabilities of fingerprints.

    Parameters
    ----------
    convnet
        Trained network.
    images
        Fingerprints, shape (n, 64, 64, 3).

    Returns
    -------
    ndarray
        Shape (n, 7), float32, in [0, 1], classes in the order of `CLASSES`.

    Raises
    ------
    ValueError
        If the images have another shape.
    """
    require_network(convnet)
    images = as_array("images", images, (None, *IMAGE_SHAPE), np.float32)
    blocks = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate(
        [np.zeros((0, len(CLASSES)), np.float32), *map(convnet.predict_on_batch, blocks)]
    )


def _require_sizes(filters, kernel_size, n_units):
    six = isinstance(filters, list | tuple | np.ndarray) and len(filters) == len(FILTERS)
    require("filters", filters, six, f"a list of six numbers, such as {FILTERS},")
    for number, value in enumerate(filters):
        require_whole(f"filters[{number}]", value, 1)
    require_whole("kernel_size", kernel_size, 1, IMAGE_SHAPE[0])
    require_whole("n_units", n_units, 1)


def _convolution(number, n_filters, kernel_size, seed):
    return keras.layers.Conv2D(
        n_filters,
        kernel_size,
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
    rng = None if seed is None else random_generator(seed)
    while True:
        yield None if rng is None else int(rng.integers(2**31))
