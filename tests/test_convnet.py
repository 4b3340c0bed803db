import numpy as np
import pytest

from crystutor import (
    CLASSES,
    build_convnet,
    classify,
    load_convnet,
    predict_probabilities,
    train_convnet,
)
from crystutor._keras import keras

TABLE_2 = [
    (7, 7, 3, 32),
    (7, 7, 32, 32),
    (7, 7, 32, 16),
    (7, 7, 16, 16),
    (7, 7, 16, 8),
    (7, 7, 8, 8),
]


def test_table_2():
    convnet = build_convnet()
    kernels = [layer.kernel.shape for layer in convnet.layers if layer.name.startswith("conv")]
    assert kernels == TABLE_2
    assert convnet.count_params() == 365_719
    assert convnet.get_layer("dropout").rate == 0.25
    assert convnet.output_shape == (None, len(CLASSES))


def test_other_networks_fit_in(copper):
    """A smaller network, and one of the user's own, are trained, asked, and used by `classify`."""
    own = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Flatten()])
    own.add(keras.layers.Dense(len(CLASSES), "softmax"))
    own.compile("sgd", "sparse_categorical_crossentropy")
    small = build_convnet(
        0.01, 1, filters=(4, 4, 4, 4, 2, 2), kernel_size=3, n_units=16, dropout=0.5
    )
    assert small.get_layer("conv6").kernel.shape == (3, 3, 2, 2)
    assert small.get_layer("dense").units == 16 and small.get_layer("dropout").rate == 0.5
    images, labels = np.random.default_rng(1).random((14, 64, 64, 3)), np.arange(14) % 7
    for network in (small, own):
        train_convnet(images, labels, network, epochs=1)
        assert classify(copper, network).probabilities.keys() == set(CLASSES)
    with pytest.raises(ValueError, match="a list of six numbers"):
        build_convnet(filters=(8, 8))


def test_probabilities_sum_to_one_in_any_batch():
    images = np.random.default_rng(0).uniform(size=(70, 64, 64, 3))
    probabilities = predict_probabilities(load_convnet(), images)
    assert probabilities.shape == (70, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        predict_probabilities(load_convnet(), images[:1])[0], probabilities[0], atol=1e-4
    )


def test_a_trained_copy_does_not_change_what_classify_says(copper):
    before, own = classify(copper).probabilities, load_convnet()
    own.set_weights([np.zeros_like(weights) for weights in own.get_weights()])
    assert classify(copper).probabilities == before
    assert load_convnet() is not load_convnet()


def test_bad_input():
    with pytest.raises(ValueError, match=r"shape \(2, 32, 32, 3\)"):
        predict_probabilities(load_convnet(), np.zeros((2, 32, 32, 3)))


def test_networks_that_come_with_the_package():
    shipped, paper = load_convnet(), load_convnet("paper")
    assert shipped.count_params() == paper.count_params() == 365_719
    image = np.ones((1, 64, 64, 3), np.float32)
    assert not np.allclose(*(predict_probabilities(net, image) for net in (shipped, paper)))
    with pytest.raises(ValueError, match="accepted are shipped, paper"):
        load_convnet("other")
