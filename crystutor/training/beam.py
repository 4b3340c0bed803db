"""What else is in the beam of a training image: an amorphous film, a foreign grain."""

import numpy as np

from crystutor.crystal.prototypes import SPECIES
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.structures import bond_length
from crystutor.crystal.supercells import cut_ellipsoid, random_orientation
from crystutor.diffraction import diffraction_channels
from crystutor.training.random_crystals import Variety, sample_crystal

GRAIN_ATOMS = 250
GRAIN_SCALE = (0.85, 1.2)  # bonds of a grain over those of the crystal


def sample_weights(variety: Variety, rng: np.random.Generator) -> tuple[float, float]:
    """Sample the weights of film and grain, see `Variety`; 0 where there is none."""
    film = variety.film * max(0.0, rng.uniform(-0.5, 1)) ** 2
    grain = variety.grain * max(0.0, rng.uniform(-2 / 3, 1)) if variety.grain else 0.0
    return float(film), float(grain)


def film_channels(positions: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Diffraction of an amorphous film: as many atoms as the crystal's, in the box around them.

    Parameters
    ----------
    positions
        Of the crystal's atoms, shape (n_atoms, 3) [bond lengths].
    number
        Atomic number of the crystal.
    rng
        Random numbers.

    Returns
    -------
    ndarray
        Intensities, shape (64, 64, 3). The film's element is random; it scatters forward as
        strongly as one of the crystal's element.
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    places = rng.uniform(low, high, positions.shape)
    Z = int(rng.integers(1, len(SPECIES) + 1))
    film = diffraction_channels(places, np.full(len(places), Z))
    return ((number + 2) / (Z + 2)) ** 2 * film  # as many electrons as Z + 2


def grain_channels(variety: Variety, number: int, rng: np.random.Generator) -> np.ndarray:
    """Diffraction of a grain of any class, a ball of 250 atoms.

    Half of the grains are parallel to the crystal, like precipitates; the others are turned.

    Parameters
    ----------
    variety
        How crystals vary.
    number
        Atomic number of all atoms.
    rng
        Random numbers.

    Returns
    -------
    ndarray
        Intensities, shape (64, 64, 3), brightest spot 1.
    """
    shares, spread = variety.kind_shares, variety.parameter_spread
    crystal, _ = sample_crystal(str(rng.choice(CLASSES)), rng, shares, spread)
    turned = random_orientation(crystal, rng) if rng.random() < 0.5 else crystal
    ball = cut_ellipsoid(turned, np.eye(3), GRAIN_ATOMS, np.ones(3), rng.random(3))
    factor = rng.uniform(*GRAIN_SCALE) / bond_length(crystal)
    channels = diffraction_channels(ball.cart_coords * factor, np.full(len(ball), number))
    return channels / channels.max()
