"""Grains: neighbouring windows of one class and orientation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from crystutor.crystal.space_groups import CLASSES
from crystutor.maps.orientations import mean_orientation, misorientations
from crystutor.maps.windows import Windows

SAME = 5.0  # misorientation within one grain [degree]
WELL_INSIDE = 0.75  # quantile of the windows of a grain, for its overlap
ALMOST_BEST = 0.7  # overlap of a window of one grain, in that of the best window beside it


@dataclass(frozen=True, eq=False)
class Grain:
    """A piece of one crystal.

    Attributes
    ----------
    number : its number
    label : its class
    bravais : Bravais lattice in Pearson's two letters
    orientation : quaternion x, y, z, w, from the standard axes of the cell (a along x, b in the xy
        plane, c up) to the sample, reduced by the symmetry 432, 422, 622 or 32, shape (4,)
    basis : primitive vectors as rows, shape (3, 3) [Å]
    overlap : share of the atoms that the lattice's vectors move onto atoms
    strain : largest strain to a lattice of the symmetry
    probability : of the class, mean over its windows; if they name another, that of its atoms
    space_group : number of the average structure, or None if it was not found
    symbol : its Hermann-Mauguin symbol, or ""
    center : of its best window, shape (3,) [Å]
    windows : numbers of its windows, shape (n_windows,)
    n_atoms : number of atoms
    volume_share : its atoms' share of all
    """

    number: int
    label: str
    bravais: str
    orientation: np.ndarray
    basis: np.ndarray
    overlap: float
    strain: float
    probability: float
    center: np.ndarray
    windows: np.ndarray
    space_group: int | None = None
    symbol: str = ""
    n_atoms: int = 0
    volume_share: float = 0.0

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.windows)


@dataclass(frozen=True, eq=False)
class Boundary:
    """Where two grains touch.

    Attributes
    ----------
    grains : numbers of the two
    misorientation : smallest angle that turns one into the other, reduced by their symmetry
        [degree]; nan between lattices of different symmetry
    n_contacts : number of pairs of neighbouring atoms across it
    """

    grains: tuple[int, int]
    misorientation: float
    n_contacts: int


def are_one_crystal(first: tuple, second: tuple) -> bool:
    """Whether two (label, bravais, orientation) are the same within 5 degrees."""
    return first[:2] == second[:2] and turn_between(first, second) < SAME


def turn_between(first: tuple, second: tuple) -> float:
    """Misorientation of two (label, bravais, orientation) [degree]; nan between two symmetries."""
    if first[1] != second[1] or np.isnan([first[2], second[2]]).any():
        return float("nan")
    one, other = (Rotation.from_quat(each[2]) for each in (first, second))
    return float(misorientations(one, other, first[1])[0])


def join_windows(windows: Windows, pairs: np.ndarray) -> list[Grain]:
    """Join neighbouring windows of one class and orientation, the largest grain first.

    Parameters
    ----------
    windows
        All windows.
    pairs
        Numbers of windows that are neighbours, shape (n, 2).

    Notes
    -----
    A window on a boundary may have a lattice that two grains share. It moves far fewer atoms onto
    atoms than that of a window beside it, and is left out.
    """
    named = (windows.labels != "") & ~np.isnan(windows.orientations).any(axis=1)
    named &= windows.overlaps > ALMOST_BEST * _best_near(windows.overlaps, pairs)
    first, second = pairs[named[pairs].all(axis=1)].T
    same = (windows.labels[first] == windows.labels[second]) & (
        windows.bravais[first] == windows.bravais[second]
    )
    first, second = first[same], second[same]
    for bravais in np.unique(windows.bravais[first]):
        chosen = np.flatnonzero(windows.bravais[first] == bravais)
        turns = Rotation.from_quat(windows.orientations[first[chosen]]).inv()
        turns = turns * Rotation.from_quat(windows.orientations[second[chosen]])
        apart = misorientations(Rotation.identity(), turns, bravais) >= SAME
        first, second = np.delete(first, chosen[apart]), np.delete(second, chosen[apart])
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(windows),) * 2)
    _, component = connected_components(links, directed=False)
    members = [np.flatnonzero(named & (component == c)) for c in np.unique(component[named])]
    members.sort(key=len, reverse=True)
    inside = np.bincount(np.concatenate([first, second]), minlength=len(windows))
    return [_grain(number, windows, chosen, inside) for number, chosen in enumerate(members)]


def _best_near(overlaps, pairs):
    """The largest overlap of each window and its neighbours, shape (n,)."""
    best = overlaps.copy()
    np.maximum.at(best, pairs.ravel(), overlaps[pairs[:, ::-1]].ravel())
    return best


def _grain(number, windows, chosen, n_neighbours):
    """The mean of some windows, by their overlaps; the best has most neighbours in the grain."""
    overlaps = windows.overlaps[chosen]
    best = chosen[(n_neighbours[chosen] + overlaps).argmax()]
    bravais = str(windows.bravais[best])
    rotations = Rotation.from_quat(windows.orientations[chosen])
    label = str(windows.labels[best])
    return Grain(
        number,
        label,
        bravais,
        mean_orientation(rotations, overlaps**4, bravais).as_quat(canonical=True),
        windows.bases[best],
        float(np.quantile(overlaps, WELL_INSIDE)),
        float(windows.strains[best]),
        float(windows.probabilities[chosen, CLASSES.index(label)].mean()),
        windows.centers[best],
        chosen,
    )


def boundaries_of(grains: Sequence[Grain], own: np.ndarray, contacts: np.ndarray) -> list[Boundary]:
    """Boundaries of grains, those with most contacts first.

    Parameters
    ----------
    grains
        In the order of their numbers.
    own
        Number of each atom's grain, -1 for none, shape (n_atoms,).
    contacts
        Pairs of atoms that may touch across a boundary, shape (n, 2).
    """
    pairs = np.sort(own[contacts], axis=1)
    pairs = pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] != pairs[:, 1])]
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    return [
        Boundary((int(i), int(j)), turn_between(_crystal(grains[i]), _crystal(grains[j])), int(n))
        for (i, j), n in sorted(zip(found, counts, strict=True), key=lambda pair: -pair[1])
    ]


def _crystal(grain):
    return grain.label, grain.bravais, grain.orientation


def joined_numbers(grains: Sequence[Grain], boundaries: Sequence[Boundary]) -> np.ndarray:
    """Numbers that touching grains of one class and orientation share, shape (n_grains,)."""
    same = [
        boundary.grains
        for boundary in boundaries
        if are_one_crystal(*(_crystal(grains[n]) for n in boundary.grains))
    ]
    first, second = np.array(same, int).reshape(-1, 2).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(grains),) * 2)
    return connected_components(links, directed=False)[1]


def joined_grain(parts: Sequence[Grain], number: int, own: np.ndarray) -> Grain:
    """One grain of several, as the one with most windows says; its atoms are counted.

    The numbers of the atoms' grains have shape (n_atoms,).
    """
    n_atoms = int((own == number).sum())
    return replace(
        max(parts, key=lambda grain: grain.n_windows),
        number=number,
        windows=np.concatenate([grain.windows for grain in parts]),
        n_atoms=n_atoms,
        volume_share=n_atoms / len(own),
    )
