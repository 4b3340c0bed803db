import keras
import numpy as np
import pytest

from crystutor import pristine_dataset, train_convnet


class Killed(Exception):
    pass


class KillAtEpoch(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


@pytest.fixture(scope="module")
def batch():
    return pristine_dataset(14, seed=2)


def test_an_overfit_batch(batch):
    few = batch.images[:7], batch.labels[:7]
    convnet = train_convnet(*few, epochs=9, validation_fraction=0, seed=1)
    losses = convnet.history.history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def small_network():
    """Quickly trained, and with dropout, whose state is part of what must repeat."""
    layers = [keras.Input((64, 64, 3)), keras.layers.MaxPooling2D(8), keras.layers.Flatten()]
    layers += [keras.layers.Dropout(0.25), keras.layers.Dense(7, "softmax")]
    network = keras.Sequential(layers)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.set_weights([np.zeros((192, 7)), np.zeros(7)])
    return network


def test_training_repeats_from_a_seed_and_after_a_kill(batch, tmp_path):
    data = batch.images, batch.labels
    recipe = {"epochs": 3, "batch_size": 7, "seed": 5, "cosine": True}
    whole = train_convnet(*data, small_network(), **recipe)
    kept, kill = {"folder": tmp_path}, KillAtEpoch(2)
    with pytest.raises(Killed):
        train_convnet(*data, small_network(), callbacks=[kill], **kept, **recipe)
    resumed = train_convnet(*data, small_network(), **kept, **recipe)
    for first, second in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)
        assert np.abs(first).max() > 1e-3
    assert resumed.history.history["loss"] == pytest.approx(whole.history.history["loss"])
    assert len(resumed.history.history["val_loss"]) == 3
    other = train_convnet(*data, small_network(), **recipe | {"seed": 6})
    assert not np.allclose(other.get_weights()[0], whole.get_weights()[0], atol=1e-6)


def test_a_finished_training_is_not_repeated(batch, tmp_path):
    data = batch.images, batch.labels
    recipe = {"epochs": 1, "seed": 5, "folder": tmp_path}
    first = train_convnet(*data, small_network(), **recipe)
    again = train_convnet(*data, small_network(), callbacks=[KillAtEpoch(0)], **recipe)
    np.testing.assert_array_equal(first.get_weights()[0], again.get_weights()[0])


def test_as_many_labels_as_images():
    with pytest.raises(ValueError, match="2 images and 3 labels"):
        train_convnet(np.zeros((2, 64, 64, 3)), np.zeros(3))
