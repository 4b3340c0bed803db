"""Calibration: one temperature, so that a probability is the share of right answers."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from crystutor._keras import keras

BINS = 20  # of probabilities, equally wide
RANGE = (0.1, 10.0)  # of temperatures
LEAST = 1e-30  # probability whose logarithm is taken


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature whose probabilities have the lowest cross-entropy.

    Parameters
    ----------
    probabilities
        Of each class, shape (n, 7).
    labels
        Index into `CLASSES`, shape (n,).

    Returns
    -------
    float
        Above 1 if the network is too sure, below 1 if it is too unsure; from 0.1 to 10.

    Notes
    -----
    The logarithms of the probabilities are divided by the temperature T and normalised again:
    p_k(T) = p_k^(1/T) / sum_j p_j^(1/T). The most probable class stays the same.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, Proc. Mach. Learn. Res. 70, 1321 (2017).

    Examples
    --------
    >>> sure = np.tile([0.98, 0.02], (4, 1))
    >>> round(fit_temperature(sure, np.array([0, 0, 0, 1])), 2)  # 98 % sure, 75 % right
    3.54
    """
    logits = np.log(np.maximum(probabilities, LEAST).astype(float))
    rows = np.arange(len(labels))

    def cross_entropy(logarithm):
        scaled = logits / np.exp(logarithm)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[rows, labels]))

    return float(np.exp(minimize_scalar(cross_entropy, bounds=np.log(RANGE)).x))


def apply_temperature(convnet: keras.Model, temperature: float) -> None:
    """Divide the weights of the last layer, and with them the logits, by a temperature."""
    last = convnet.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])


def confidence_bin(probability: float) -> int:
    """Number of the bin of a probability, from 0 to 19."""
    return min(int(probability * BINS), BINS - 1)


def expected_calibration_error(n: ArrayLike, right: ArrayLike, confidence: ArrayLike) -> float:
    """Sum up the gaps between probability and accuracy, weighed by how many answers a bin has.

    Parameters
    ----------
    n, right, confidence
        Number of answers, number of right ones and sum of the probabilities in each bin.

    Returns
    -------
    float
        In [0, 1]; nan without answers.

    Notes
    -----
    ECE = sum_b |confidence_b - right_b| / sum_b n_b.

    References
    ----------
    M. P. Naeini, G. F. Cooper and M. Hauskrecht, Proc. AAAI 29, 2901 (2015).

    Examples
    --------
    >>> expected_calibration_error([10, 10], [10, 6], [9.5, 7.5])
    0.1
    """
    total = np.sum(n)
    gaps = np.abs(np.subtract(confidence, right)).sum()
    return float(gaps / total) if total else float("nan")
