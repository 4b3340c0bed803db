"""How sure a difference or a coincidence is."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crystutor.crystal.lattice.moved_atoms import Landing, MovedAtoms

SURELY = 5.0  # standard errors
SHARPEST = 0.02  # places are compared within that or more [bond lengths]


def squared_misses(moved: MovedAtoms, landing: Landing) -> np.ndarray:
    """Squared distances from where atoms land to the atoms there, (n_vectors, n_atoms) [Å^2]."""
    least = SHARPEST * moved.bond_length
    return (landing.misses**2).sum(axis=2) + landing.hits * least**2


def sure_gain(
    values: np.ndarray, counts: np.ndarray, chosen: np.ndarray, sign: int, least: float
) -> float:
    """Compare the mean value after some moves with that after the rest.

    Parameters
    ----------
    values, counts
        Of each move and atom, shape (n_vectors, n_atoms); the mean is over what counts.
    chosen
        Which vectors are compared with the rest, shape (n_vectors,), bool.
    sign
        1 if the rest should have larger values, -1 if it should have smaller ones.
    least
        Smallest difference that matters, as a share of the mean after the chosen moves.

    Returns
    -------
    float
        The difference as a share, if it is larger than `least` and than five standard errors; else
        0. Only atoms that count in both groups are taken: near a surface, some vectors lead out.
    """
    groups = (chosen, ~chosen)
    totals = [max(1e-9, values[group].sum() / max(1, counts[group].sum())) for group in groups]
    if not chosen.any() or sign * (totals[1] / totals[0] - 1) < least:
        return 0.0
    number = [counts[group].sum(axis=0) for group in groups]
    both = (number[0] > 0) & (number[1] > 0)
    kept, left = (
        values[group][:, both].sum(axis=0) / count[both]
        for group, count in zip(groups, number, strict=True)
    )
    if len(kept) < 2:
        return 0.0
    difference, mean = sign * (left - kept), max(kept.mean(), 1e-9)
    gain, error = difference.mean() / mean, difference.std() / mean / np.sqrt(len(difference))
    return gain if gain > max(least, SURELY * error) else 0.0


def coincidences(moved: MovedAtoms, basis: np.ndarray) -> float:
    """How improbable it is that so many atoms lie on so few sites of a cell, -log(p)."""
    fractions = moved.origins @ np.linalg.inv(basis)
    separations = fractions[:, None] - fractions
    separations = (separations - np.round(separations)) @ basis
    near = np.linalg.norm(separations, axis=2) < moved.tolerance
    n_sites, site = connected_components(coo_array(near), directed=False)
    first = np.unique(site, return_index=True)[1][site]
    offsets = separations[np.arange(len(site)), first]
    counts = np.bincount(site)
    means = np.stack([np.bincount(site, x) / counts for x in offsets.T], axis=1)
    spread = np.sqrt(((offsets - means[site]) ** 2).sum() / 3 / max(1, len(site) - n_sites))
    radius = 2.5 * max(spread, SHARPEST * moved.bond_length)
    share = n_sites * 4 / 3 * np.pi * radius**3 / abs(np.linalg.det(basis))
    return (len(site) - n_sites) * np.log(1 / min(1.0, share))
