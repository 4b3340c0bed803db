import keras
import numpy as np
import pytest
import tensorflow as tf

from crystutor import (
    CLASSES,
    build_convnet,
    class_template,
    fingerprint,
    load_convnet,
    response_maps,
)
from crystutor.attention import forward, gradient_saliency, project_back, unpool


@pytest.fixture(scope="module")
def image(copper):
    return fingerprint(copper)


def one_convolution():
    layers = [keras.Input((64, 64, 3)), keras.layers.Conv2D(4, 7, padding="same", name="conv1")]
    return keras.Sequential(layers)


def test_one_convolution_is_the_explicit_transpose():
    convnet = one_convolution()
    image = np.zeros((1, 64, 64, 3), np.float32)
    image[0, 30, 40] = 1.0
    activations = forward(convnet, image, "conv1")
    kernel = convnet.layers[0].kernel.numpy()  # (7, 7, 3, 4)
    for number in range(4):
        feature = np.maximum(activations[-1].numpy()[0, :, :, number], 0)
        expected = np.zeros((70, 70, 3))
        for (y, x), value in np.ndenumerate(feature):
            expected[y : y + 7, x : x + 7] += value * kernel[..., number]
        found = project_back(convnet, activations, "conv1", number)[0]
        np.testing.assert_allclose(found, expected[3:67, 3:67], atol=1e-5)


def test_the_way_back_of_a_linear_layer_is_its_vector_jacobian_product():
    convnet = one_convolution()
    image = tf.random.stateless_uniform((1, 64, 64, 3), (1, 2))
    with tf.GradientTape() as tape:
        tape.watch(image)
        features = convnet(image)
    activations = [image, tf.nn.relu(features)]
    seed = activations[-1] * tf.one_hot(2, 4)
    expected = tape.gradient(features, image, seed).numpy()
    found = project_back(convnet, activations, "conv1", 2)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_unpooling_puts_values_only_where_the_maxima_were():
    entered = tf.random.stateless_uniform((1, 8, 8, 2), (3, 4))
    signal = tf.random.stateless_uniform((1, 4, 4, 2), (5, 6))
    restored = unpool(signal, entered, (2, 2)).numpy()
    pooled = tf.nn.max_pool2d(entered, 2, 2, "VALID").numpy()
    at_maximum = entered.numpy() == np.repeat(np.repeat(pooled, 2, axis=1), 2, axis=2)
    assert at_maximum.sum() == pooled.size
    assert not restored[~at_maximum].any()
    np.testing.assert_allclose(restored.sum(), signal.numpy().sum(), rtol=1e-6)


@pytest.mark.parametrize("layer", ["conv1", "conv3", "conv6"])
def test_maps_are_of_the_strongest_filters(image, layer):
    maps = response_maps(load_convnet(), image, layer)
    assert maps.shape == (4, 64, 64, 3)
    assert np.isfinite(maps).all() and np.abs(maps[0]).max() > 0
    responses = forward(load_convnet(), image[None], layer)[-1].numpy().sum(axis=(0, 1, 2))
    strongest = int(responses.argmax())
    activations = forward(load_convnet(), image[None], layer)
    expected = project_back(load_convnet(), activations, layer, strongest)[0]
    np.testing.assert_allclose(maps[0], expected, atol=1e-5)


def test_forward_is_the_network(image):
    convnet = build_convnet(seed=1)
    submodel = keras.Model(convnet.inputs[0], convnet.get_layer("conv6").output)
    found = forward(convnet, image[None], "conv6")[-1]
    np.testing.assert_allclose(found, submodel(image[None]), atol=1e-5)


def test_the_template_of_one_image_is_the_sum_of_its_maps(image):
    template = class_template(load_convnet(), image[None])
    maps = response_maps(load_convnet(), image, "conv6", n_filters=8)
    np.testing.assert_allclose(template, maps.sum(axis=0), atol=1e-4)


def test_saliency_is_the_slope(image):
    convnet, label = load_convnet(), "fcc"
    slope = gradient_saliency(convnet, image, label)
    y, x, channel = np.unravel_index(np.abs(slope).argmax(), slope.shape)
    step = np.zeros_like(image)
    step[y, x, channel] = 0.02
    ends = convnet.predict_on_batch(np.stack([image - step, image + step]))
    logarithms = np.log(ends[:, CLASSES.index(label)].astype(float))
    assert (logarithms[1] - logarithms[0]) / 0.04 == pytest.approx(
        slope[y, x, channel], rel=0.3, abs=2e-3
    )


def test_bad_input(image):
    convnet = build_convnet()
    with pytest.raises(ValueError, match="layer is 'conv7'; accepted are conv1, conv2"):
        response_maps(convnet, image, "conv7")
    with pytest.raises(ValueError, match="n_filters is 9; a whole number from 1 to 8 is accepted"):
        response_maps(convnet, image, "conv6", n_filters=9)
    with pytest.raises(ValueError, match=r"shape \(32, 32, 3\)"):
        response_maps(convnet, image[:32, :32], "conv1")
    with pytest.raises(ValueError, match="label is 'hcp'; accepted are bct139"):
        gradient_saliency(convnet, image, "hcp")
