"""The two paths of Fig. 4 of the paper: bcc to simple cubic, and the rhombohedral path."""

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystutor._keras import keras
from crystutor.arguments import require_numbers, require_several, require_whole
from crystutor.convnet import predict_probabilities, shared_convnet
from crystutor.crystal.cells import build_cluster
from crystutor.crystal.defects import remove_body_centers
from crystutor.crystal.prototypes import MU_LIMITS, SPECIES, build_prototype, build_rhombohedral
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.supercells import choose_repeats, cut_block
from crystutor.diffraction import fingerprint
from crystutor.verdict.classifier import classify

BCC_ELEMENTS = SPECIES[10:42]  # Na to Mo; lengths cancel, form factors do not
FRACTIONS = tuple(np.round(np.arange(0, 1.01, 0.1), 1).tolist())
CUBIC_POINTS = {"bcc": np.sqrt(3 / 8), "sc": np.sqrt(3 / 2), "fcc": np.sqrt(6)}
LOWEST_MU, HIGHEST_MU = CUBIC_POINTS["bcc"], 5 * CUBIC_POINTS["bcc"]


def bcc_to_sc(
    fractions: Sequence[float] | np.ndarray = FRACTIONS,
    elements: Sequence[str] = BCC_ELEMENTS,
    seed: int = 0,
    convnet: keras.Model | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Class probabilities of bcc crystals on the way to simple cubic, Fig. 4b of the paper.

    Parameters
    ----------
    fractions
        Fractions of the centre atoms that are removed, each in [0, 1].
    elements
        Chemical symbols. Each gives a crystal of 250 atoms, with its own order of removal.
    seed
        Seed of these orders.
    convnet
        Trained network; the one that comes with the package if not given.
    progress
        Show a progress bar.

    Returns
    -------
    ndarray
        Shape (n_elements, n_fractions, 7), in [0, 1], classes in the order of `CLASSES`.

    Notes
    -----
    The fraction at which the class changes depends on the network: none was trained on crystals
    between bcc and simple cubic. The network of `classify` changes its answer at about 77 % of the
    centres: in its training, spots of up to 0.4 of the brightest could be those of a foreign grain.
    The network trained as in the paper changes it at about 84 %.
    """
    require_numbers("fractions", fractions, 0, 1)
    require_several("elements", elements, str, "a chemical symbol", fewest=1)
    require_whole("seed", seed)
    convnet = shared_convnet() if convnet is None else convnet
    found = np.zeros((len(elements), len(fractions), len(CLASSES)))
    for number, element in enumerate(tqdm(elements, desc="crystals", disable=not progress)):
        crystal = build_cluster(build_prototype("bcc", element))
        images = [
            fingerprint(remove_body_centers(crystal, fraction, seed=seed + number))
            for fraction in fractions
        ]
        found[number] = predict_probabilities(convnet, np.stack(images))
    return found


def rhombohedral_path(
    ratios: Sequence[float] | np.ndarray,
    convnet: keras.Model | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Class probabilities of the beta-Po structure for ratios mu = c/a, Fig. 4d of the paper.

    Parameters
    ----------
    ratios
        Values of mu, for example from `LOWEST_MU` to `HIGHEST_MU`; see `CUBIC_POINTS`.
    convnet
        Trained network; the one that `classify` uses if not given.
    progress
        Show a progress bar.

    Returns
    -------
    ndarray
        Shape (n, 7), in [0, 1], classes in the order of `CLASSES`.

    Notes
    -----
    The standard cell is found anew for each ratio. At the three cubic points it is cubic.
    """
    require_numbers("ratios", ratios, *MU_LIMITS)
    answers = [
        classify(build_rhombohedral(mu), convnet)
        for mu in tqdm(ratios, desc="ratios", disable=not progress)
    ]
    return np.array([[answer.probabilities[label] for label in CLASSES] for answer in answers])


def hexagonal_cluster(mu: float) -> Structure:
    """Build a cluster of about 250 atoms of the beta-Po structure from its hexagonal cell."""
    cell = build_rhombohedral(mu)
    matrix = cell.lattice.matrix
    return cut_block(cell, matrix, choose_repeats(matrix, cell.volume / len(cell) * 250))
