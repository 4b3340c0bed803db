"""Attentive response maps: which parts of a fingerprint a network's filters respond to.

A feature map is sent back to the image through the network's own layers in reverse. Each
convolution becomes its transpose, a fractionally strided convolution. Each pooling puts values
back where the maxima were. Negative values are dropped on the way.
"""

from collections.abc import Sequence

import numpy as np

from crystutor._keras import keras, tf
from crystutor.arguments import as_array, require_network, require_one_of, require_whole
from crystutor.crystal.space_groups import CLASSES
from crystutor.detector import IMAGE_SHAPE


def response_maps(
    convnet: keras.Model, image: np.ndarray, layer: str, n_filters: int = 4
) -> np.ndarray:
    """Attentive response maps of the filters of a layer that respond most to an image.

    Parameters
    ----------
    convnet
        Network built by `crystutor.build_convnet`.
    image
        Fingerprint, shape (64, 64, 3).
    layer
        Name of a convolutional layer, ``"conv1"`` to ``"conv6"``.
    n_filters
        Number of filters: those with the largest summed activation, strongest first.

    Returns
    -------
    ndarray
        Shape (n_filters, 64, 64, 3), float32, not scaled: rows along y, columns along x,
        channels as in the fingerprint. Values are positive where intensity raises the response.

    Raises
    ------
    ValueError
        If there is no such layer, it has fewer filters, or the image has another shape.

    References
    ----------
    M. D. Zeiler and R. Fergus, ECCV 2014, LNCS 8689, 818; D. Kumar, A. Wong and G. W. Taylor,
    CVPR Workshops 2017, 1686; A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Fig. 5.
    """
    images = as_array("image", image, IMAGE_SHAPE, np.float32)[None]
    activations = forward(convnet, images, layer)
    responses = activations[-1].numpy()[0]
    require_whole("n_filters", n_filters, 1, responses.shape[-1])
    strongest = np.argsort(-responses.sum(axis=(0, 1)), kind="stable")[:n_filters]
    maps = [project_back(convnet, activations, layer, number) for number in strongest]
    return np.concatenate(maps)


def class_template(convnet: keras.Model, images: np.ndarray) -> np.ndarray:
    """Show what the last convolutional layer responds to in images of one class.

    Parameters
    ----------
    convnet
        Network built by `crystutor.build_convnet`.
    images
        Fingerprints of the class, shape (n, 64, 64, 3).

    Returns
    -------
    ndarray
        Response maps summed over all filters of the last convolutional layer and averaged over
        the images, shape (64, 64, 3), float32, not scaled; axes as in `response_maps`.

    Raises
    ------
    ValueError
        If the images have another shape.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Fig. 5.
    """
    require_network(convnet)
    images = as_array("images", images, (None, *IMAGE_SHAPE), np.float32)
    layer = _convolutions(convnet)[-1]
    activations = forward(convnet, images, layer)
    maps = [
        project_back(convnet, activations, layer, number).mean(axis=0)
        for number in range(activations[-1].shape[-1])
    ]
    return np.sum(maps, axis=0)


def gradient_saliency(convnet: keras.Model, image: np.ndarray, label: str) -> np.ndarray:
    """Gradient of a class's logarithmic probability with respect to the pixels.

    Parameters
    ----------
    convnet
        Trained network.
    image
        Fingerprint, shape (64, 64, 3).
    label
        One of `CLASSES`.

    Returns
    -------
    ndarray
        Shape (64, 64, 3), float32, axes as in `response_maps`. Values are positive where
        intensity makes the class more probable.

    Raises
    ------
    ValueError
        If the class is unknown, or the image has another shape.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, arXiv:1312.6034 (2013).
    """
    require_network(convnet)
    require_one_of("label", label, CLASSES)
    images = tf.constant(as_array("image", image, IMAGE_SHAPE, np.float32)[None])
    with tf.GradientTape() as tape:
        tape.watch(images)
        target = tf.math.log(convnet(images, training=False)[0, CLASSES.index(label)])
    return tape.gradient(target, images).numpy()[0]


def forward(convnet: keras.Model, images: np.ndarray, layer: str) -> list[tf.Tensor]:
    """Return the images (n, 64, 64, 3) and the output of each layer up to a convolutional one.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    require_network(convnet)
    require_one_of("layer", layer, _convolutions(convnet))
    activations = [tf.constant(images)]
    for step in _layers_up_to(convnet, layer):
        activations.append(step(activations[-1]))
    return activations


def project_back(
    convnet: keras.Model, activations: Sequence[tf.Tensor], layer: str, number: int
) -> np.ndarray:
    """Send one feature map of a layer back to the images, shape (n, 64, 64, 3)."""
    n_filters = activations[-1].shape[-1]
    signal = activations[-1] * tf.one_hot(number, n_filters)
    steps = reversed(_layers_up_to(convnet, layer))
    for step, entered in zip(steps, reversed(activations[:-1]), strict=True):
        if isinstance(step, keras.layers.MaxPooling2D):
            signal = unpool(signal, entered, step.pool_size)
        else:
            signal = transposed_convolution(tf.nn.relu(signal), step.kernel, tf.shape(entered))
    return signal.numpy()


def transposed_convolution(
    signal: tf.Tensor, kernel: tf.Variable, output_shape: tf.Tensor
) -> tf.Tensor:
    """Apply the filters in reverse: each value adds its filter, weighted by it, to the input."""
    return tf.nn.conv2d_transpose(signal, kernel, output_shape, strides=1, padding="SAME")


def unpool(signal: tf.Tensor, entered: tf.Tensor, pool_size: tuple[int, int]) -> tf.Tensor:
    """Put pooled values back where the maxima were, and zero elsewhere."""
    with tf.GradientTape() as tape:
        tape.watch(entered)
        pooled = tf.nn.max_pool2d(entered, pool_size, pool_size, "VALID")
    return tape.gradient(pooled, entered, signal)


def _convolutions(convnet):
    return [layer.name for layer in convnet.layers if isinstance(layer, keras.layers.Conv2D)]


def _layers_up_to(convnet, name):
    names = [layer.name for layer in convnet.layers]
    return convnet.layers[: names.index(name) + 1]
