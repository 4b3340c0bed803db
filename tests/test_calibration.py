import numpy as np
import pytest

from crystutor import CLASSES, load_convnet, predict_probabilities
from crystutor.training.calibration import (
    BINS,
    apply_temperature,
    confidence_bin,
    expected_calibration_error,
    fit_temperature,
)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers_of(logits, rng):
    """Labels drawn as the probabilities say: a source that is calibrated by construction."""
    return np.array([rng.choice(len(CLASSES), p=p) for p in softmax(logits)])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_an_exaggerating_source_is_found(temperature):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (4000, len(CLASSES)))
    labels = answers_of(logits, rng)
    assert fit_temperature(softmax(logits * temperature), labels) == pytest.approx(
        temperature, rel=0.08
    )


def test_a_temperature_in_the_weights_is_that_of_the_probabilities():
    network, images = load_convnet(), np.random.default_rng(2).random((5, 64, 64, 3))
    before = predict_probabilities(network, images)
    apply_temperature(network, 2.0)
    after = predict_probabilities(network, images)
    roots = np.sqrt(before)
    np.testing.assert_allclose(after, roots / roots.sum(axis=1, keepdims=True), atol=1e-4)


def test_calibration_error_of_a_calibrated_source_and_of_a_braggart():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.5, 1, 20_000)
    right = rng.random(len(p)) < p
    bins = np.array([confidence_bin(value) for value in p])

    def error(said):
        sums = [[values[bins == b].sum() for b in range(BINS)] for values in (p >= 0, right, said)]
        return expected_calibration_error(*sums)

    assert error(p) < 0.015
    assert error(np.ones(len(p))) == pytest.approx(0.25, abs=0.01)
    assert np.isnan(expected_calibration_error([0], [0], [0.0]))
    assert confidence_bin(1.0) == BINS - 1
