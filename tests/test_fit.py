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
    convnet = train_convnet(*few, epochs=12, validation_fraction=0, seed=1)
    losses = convnet.history.history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_training_repeats_from_a_seed_and_after_a_kill(batch, tmp_path):
    recipe = {"epochs": 2, "batch_size": 7, "seed": 5, "cosine": True}
    whole = train_convnet(batch.images, batch.labels, **recipe)
    with pytest.raises(Killed):
        train_convnet(
            batch.images, batch.labels, folder=tmp_path, callbacks=[KillAtEpoch(1)], **recipe
        )
    resumed = train_convnet(batch.images, batch.labels, folder=tmp_path, **recipe)
    for first, second in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)
    assert resumed.history.history["loss"] == pytest.approx(whole.history.history["loss"])
    assert len(resumed.history.history["val_loss"]) == 2


def test_a_finished_training_is_not_repeated(batch, tmp_path):
    recipe = {"epochs": 1, "seed": 5, "folder": tmp_path}
    few = batch.images[:7], batch.labels[:7]
    first = train_convnet(*few, validation_fraction=0, **recipe)
    again = train_convnet(*few, validation_fraction=0, callbacks=[KillAtEpoch(0)], **recipe)
    np.testing.assert_array_equal(first.get_weights()[0], again.get_weights()[0])


def test_as_many_labels_as_images():
    with pytest.raises(ValueError, match="2 images and 3 labels"):
        train_convnet(np.zeros((2, 64, 64, 3)), np.zeros(3))
