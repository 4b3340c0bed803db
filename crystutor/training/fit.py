"""Train the network: batches in a reproducible order, checkpoints after every epoch."""

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from crystutor._keras import keras
from crystutor.arguments import (
    InputError,
    as_array,
    described,
    require_network,
    require_number,
    require_several,
    require_whole,
)
from crystutor.convnet import build_convnet
from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE
from crystutor.files import write_text

MOST_VALIDATED = 0.9  # of the images; the others are trained on
LARGEST_SEED = 2**32 - 1  # of Keras


def train_convnet(
    images: np.ndarray,
    labels: np.ndarray,
    convnet: keras.Model | None = None,
    epochs: int = 5,
    batch_size: int = 32,
    validation_fraction: float = 0.1,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    cosine: bool = False,
    folder: str | Path | None = None,
) -> keras.Model:
    """Train a network on fingerprints.

    Parameters
    ----------
    images
        Fingerprints, shape (n, 64, 64, 3).
    labels
        Index into `CLASSES`, shape (n,).
    convnet
        Compiled network, which is trained in place; a new one of Table 2 if not given.
    epochs, batch_size
        Number of passes and of images in a batch; the defaults are those of the paper.
    validation_fraction
        Fraction of the images, chosen at random, in the validation set; 0 for no such set.
    seed
        Seed of the initial weights, of the order of the images and of dropout.
    callbacks
        Keras callbacks, for example a progress bar.
    cosine
        Let the learning rate fall along half a cosine, epoch by epoch.
    folder
        Where to keep the state after each epoch. If it holds one, training goes on from there,
        with a new network, and ends with the same weights as if it had never been stopped.

    Returns
    -------
    keras.Model
        The trained network; losses and accuracies of each epoch are in its ``history.history``.

    Raises
    ------
    ValueError
        If images and labels differ in number, or an argument is not accepted.
    """
    images, labels = _checked_data(images, labels)
    _require_recipe(convnet, epochs, batch_size, validation_fraction, seed, callbacks)
    keras.utils.set_random_seed(seed)
    convnet = build_convnet(seed=seed) if convnet is None else convnet
    validated, used = split_validation(len(images), validation_fraction, seed)
    rate = float(convnet.optimizer.learning_rate)
    batches = Batches(images, labels, used, batch_size)
    checkpoint = Checkpoint(folder, batches, seed)
    convnet = checkpoint.restore(convnet)
    schedule = keras.callbacks.LearningRateScheduler(partial(_cosine, rate, epochs))
    validation = Batches(images, labels, validated, batch_size) if len(validated) else None
    convnet.fit(
        batches,
        epochs=epochs,
        initial_epoch=len(checkpoint.logs),
        shuffle=False,  # Batches does it, in an order that follows from seed and epoch
        validation_data=validation,
        callbacks=[checkpoint, *([schedule] if cosine else []), *callbacks],
        verbose=0,
    )
    for shown in filter(None, (batches, validation)):
        shown.images = np.empty(0)  # TensorFlow keeps the batches, and their images, for good
    convnet.history.history = {
        name: [logs[name] for logs in checkpoint.logs] for name in checkpoint.logs[-1]
    }
    return convnet


def _checked_data(images, labels):
    """Return fingerprints and a class for each as arrays, images on disk as they are."""
    if not isinstance(images, np.ndarray):
        images = as_array("images", images, (None, *IMAGE_SHAPE), np.float32)
    if images.shape[1:] != IMAGE_SHAPE or len(images) == 0:
        raise InputError(f"images have shape {images.shape}; (n, 64, 64, 3) is accepted")
    if len(images) != np.size(labels):
        raise InputError(f"{len(images)} images and {np.size(labels)} labels; as many are needed")
    for label in np.ravel(labels).tolist():
        accepted = "whole numbers from 0 to 6, indices into CLASSES, are accepted"
        if label not in range(len(CLASSES)):
            raise InputError(f"labels hold {described(label)}; {accepted}")
    return images, as_array("labels", labels, (len(images),), int)


def _require_recipe(convnet, epochs, batch_size, validation_fraction, seed, callbacks):
    if convnet is not None:
        require_network(convnet)
    require_whole("epochs", epochs, 1)
    require_whole("batch_size", batch_size, 1)
    require_number("validation_fraction", validation_fraction, 0, MOST_VALIDATED)
    require_whole("seed", seed, 0, LARGEST_SEED)
    require_several("callbacks", callbacks, keras.callbacks.Callback, "a Keras callback")


def split_validation(
    n: int, validation_fraction: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Split n images as `train_convnet` does.

    Returns
    -------
    validated, used : ndarray
        Indices of the validation set and of the training set, each in random order.
    """
    order = np.random.default_rng(seed).permutation(n)
    validated, used = np.split(order, [int(validation_fraction * n)])
    return validated, used


class Batches(keras.utils.PyDataset):
    """Batches of images and labels.

    Images are read one batch at a time: they may be an array on disk.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, chosen: np.ndarray, batch_size: int
    ) -> None:
        super().__init__()
        self.images, self.labels, self.chosen = images, labels, chosen
        self.batch_size = batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.chosen) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.sort(self.chosen[index * self.batch_size : (index + 1) * self.batch_size])
        return self.images[rows].astype(np.float32), self.labels[rows]

    def shuffle(self, seed: int, epoch: int) -> None:
        """Put the images into the order of an epoch."""
        self.chosen = np.random.default_rng([seed, epoch]).permutation(np.sort(self.chosen))


class Checkpoint(keras.callbacks.Callback):
    """Start every epoch from its own seed, and keep the state after it in a folder if given.

    Attributes
    ----------
    logs : losses and accuracies of each finished epoch
    """

    def __init__(self, folder: str | Path | None, batches: Batches, seed: int) -> None:
        super().__init__()
        self.folder = None if folder is None else Path(folder)
        self.batches, self.seed = batches, seed
        self.logs: list[dict[str, float]] = []

    def restore(self, convnet: keras.Model) -> keras.Model:
        """Return the network after the last finished epoch, or the given one."""
        if self.folder is None or not (self.folder / "epochs.json").exists():
            return convnet
        self.logs = json.loads((self.folder / "epochs.json").read_text(encoding="utf-8"))
        return keras.models.load_model(self.folder / f"epoch_{len(self.logs)}.keras")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Shuffle the images, and set the state of dropout."""
        self.batches.shuffle(self.seed, epoch)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([self.seed % 2**31, epoch])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write network, optimiser and losses; the epoch counts once the last file is there."""
        self.logs.append({name: float(value) for name, value in logs.items()})
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model.save(self.folder / f"epoch_{epoch + 1}.keras")
        write_text(self.folder / "epochs.json", json.dumps(self.logs))
        (self.folder / f"epoch_{epoch}.keras").unlink(missing_ok=True)


def _cosine(rate, epochs, epoch, _):
    return rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
