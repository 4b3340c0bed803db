"""Lay all cells of a crystal on top of each other, and find the sites."""

from dataclasses import dataclass, replace

import numpy as np
from pymatgen.core import Lattice

AT_A_TIME = 30  # places; their arrays stay in the processor's cache
N_SEEDS = 300  # folded atoms from which sites are looked for
CROWDED = 0.2  # radius within which folded atoms are counted [bond lengths]
NEAR = 0.25  # radius of the mean that a site moves to [bond lengths]
APART = 0.3  # least distance of two sites [bond lengths]
FAR = 0.45  # an atom farther from all sites belongs to none [bond lengths]
STEPS = 6
RARE = 0.1  # share of the atoms of the fullest site; with fewer it is no site


@dataclass(frozen=True, eq=False)
class Folded:
    """Atoms of a crystal, folded into one cell.

    Attributes
    ----------
    basis : the cell, shape (3, 3) [Å]
    centers : places of the sites, shape (n_sites, 3) [Å]
    sites : number of the site that each atom takes, -1 for none, shape (n_atoms,)
    cells : in which cell, shape (n_atoms, 3), integers
    offsets : vectors from the site to the atom, shape (n_atoms, 3) [Å]
    """

    basis: np.ndarray
    centers: np.ndarray
    sites: np.ndarray
    cells: np.ndarray
    offsets: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Number of atoms on each site, shape (n_sites,)."""
        return np.bincount(self.sites[self.sites >= 0], minlength=len(self.centers))

    @property
    def scatter(self) -> np.ndarray:
        """Standard deviation of the atoms about their site per component, shape (n_sites,) [Å].

        Zero on a site with one atom, whose mean is the atom itself.
        """
        squares = (self.offsets**2).sum(axis=1)[self.sites >= 0]
        sums = np.bincount(self.sites[self.sites >= 0], squares, minlength=len(self.centers))
        return np.sqrt(sums / 3 / np.maximum(1, self.counts - 1))

    def without_interstitials(self) -> "Folded":
        """The same without the atoms that take no site."""
        taken = self.sites >= 0
        return replace(
            self, sites=self.sites[taken], cells=self.cells[taken], offsets=self.offsets[taken]
        )


def fold(positions: np.ndarray, basis: np.ndarray, distance: float) -> Folded:
    """Fold atoms into one cell of their lattice, and find the sites where they gather.

    Parameters
    ----------
    positions
        Shape (n, 3) [Å].
    basis
        Cell vectors as rows, shape (3, 3) [Å].
    distance
        Bond length [Å].

    Returns
    -------
    Folded
        With the sites at the mean places of their atoms.

    Notes
    -----
    The crowded places are taken first, and moved to the mean of the atoms near them. Sites with
    less than a tenth of the atoms of the fullest one are left out: their atoms are interstitials.
    """
    reduced = Lattice(basis).get_lll_reduced_lattice().matrix
    centers = _crowded_places(positions, reduced, distance)
    for _ in range(2):
        sites, offsets = _nearest(positions, centers, reduced, FAR * distance)
        counts = np.bincount(sites[sites >= 0], minlength=len(centers))
        shifts = [np.bincount(sites[sites >= 0], x[sites >= 0], len(centers)) for x in offsets.T]
        centers = centers + np.stack(shifts, axis=1) / np.maximum(1, counts)[:, None]
        centers = centers[counts > RARE * counts.max()]
    sites, offsets = _nearest(positions, centers, reduced, FAR * distance)
    inverse = np.linalg.inv(basis)
    home = np.where(sites >= 0, sites, 0)
    cells = np.round((positions - offsets - centers[home]) @ inverse).astype(int)
    return Folded(basis, centers, sites, cells, offsets)


def fitted_basis(positions: np.ndarray, basis: np.ndarray, distance: float) -> np.ndarray:
    """Fit a cell to atoms that fold into it, by least squares, shape (3, 3) [Å].

    The parameters are those of `fold`. Atoms far apart tell the cell best: after n cells, an error
    of it has grown n times.
    """
    folded = fold(positions, basis, distance)
    taken = folded.sites >= 0
    cells, sites = folded.cells[taken], np.eye(len(folded.centers))[folded.sites[taken]]
    return np.linalg.lstsq(np.hstack([cells, sites]), positions[taken], rcond=None)[0][:3]


def _crowded_places(positions, basis, distance):
    """Places where folded atoms gather, the most crowded first, shape (n, 3) [Å]."""
    chosen = np.unique(np.linspace(0, len(positions) - 1, N_SEEDS).astype(int))
    seeds = positions[chosen]
    crowds = np.concatenate(
        [
            _crowds(seeds[start : start + AT_A_TIME], positions, basis, CROWDED * distance)
            for start in range(0, len(seeds), AT_A_TIME)
        ]
    )
    centers = np.zeros((0, 3))
    closest = np.full(len(seeds), np.inf)  # to a center
    for seed in np.argsort(-crowds, kind="stable"):
        place = seeds[seed]
        if closest[seed] < APART * distance:
            continue
        for _ in range(STEPS):
            away = _separations(place[None], positions, basis)[0]
            place = place + away[(away**2).sum(axis=1) < (NEAR * distance) ** 2].mean(axis=0)
        if len(centers) == 0 or _closest(place, centers, basis) > APART * distance:
            centers = np.vstack([centers, place])
            away = _separations(place[None], seeds, basis)[0]
            closest = np.minimum(closest, np.linalg.norm(away, axis=1))
    return centers


def _crowds(places, positions, basis, radius):
    """Number of folded atoms within a radius of each of some places, shape (n,)."""
    separations = _separations(places, positions, basis)
    squares = np.einsum("ijk,ijk->ij", separations, separations)
    return (squares < radius**2).sum(axis=1)


def _nearest(positions, centers, basis, farthest):
    """The site nearest to each atom, -1 if it is too far, and the vector from it."""
    separations = -_separations(positions, centers, basis)
    squares = np.einsum("ijk,ijk->ij", separations, separations)
    sites = squares.argmin(axis=1)
    atoms = np.arange(len(positions))
    offsets = separations[atoms, sites]
    return np.where(squares[atoms, sites] < farthest**2, sites, -1), offsets


def _closest(place, centers, basis):
    return np.linalg.norm(_separations(place[None], centers, basis)[0], axis=1).min()


def _separations(first, second, basis):
    """Shortest vectors from the images of points to points, shape (n, m, 3) [Å]."""
    inverse = np.linalg.inv(basis)
    fractions = (second @ inverse)[None] - (first @ inverse)[:, None]
    return (fractions - np.round(fractions)) @ basis
