"""The convolutional network of Table 2: build it, load it, predict with it."""

from functools import cache
from importlib.resources import as_file, files

import numpy as np

from crystutor._keras import keras
from crystutor.arguments import (
    as_array,
    random_generator,
    require_network,
    require_one_of,
    require_whole,
)
from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE

FILTERS = (32, 32, 16, 16, 8, 8)
KERNEL_SIZE = 7
BATCH = 64
WEIGHTS = {"shipped": "convnet.weights.h5", "paper": "convnet_paper.weights.h5"}


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
            keras.Input(IMAGE_SHAPE, name="fingerprint"),
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
def shared_convnet(training: str = "shipped") -> keras.Model:
    """Load a network once, for all callers that predict with it and never train it."""
    return load_convnet(training)


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
    rng = None if seed is None else random_generator(seed)
    while True:
        yield None if rng is None else int(rng.integers(2**31))
