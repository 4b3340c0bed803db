"""From the sites of a CIF to all atoms of its cell."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from crystutor.crystal.structures import check_number
from crystutor.crystal.symmetry.operators import Operators

SAME_PLACE = 0.5  # [Å]; atoms that are closer are one: rounded coordinates, disorder
ROUNDING = 0.1  # how far rounded coordinates put an atom off its place [Å]


def expand(
    fractions: np.ndarray, operators: Operators, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Apply symmetry operators to sites.

    Parameters
    ----------
    fractions
        Of the sites, shape (n, 3).
    operators
        Of the space group.
    matrix
        Edges of the cell as rows, shape (3, 3) [Å].

    Returns
    -------
    atoms : shape (m, 3)
        Fractional coordinates in [0, 1).
    parents : shape (m,)
        Index of the site of each.
    moved : float
        Largest distance that a site was moved onto a special position [Å].

    Notes
    -----
    Coordinates of few digits, as 0.33 for 1/3, put an atom beside its special position, and its
    images beside each other. The mean over images within 0.5 Å lies on the special position.
    """
    check_number(len(fractions))
    if len(operators) == 1:
        return _wrapped(fractions), np.arange(len(fractions)), 0.0
    atoms, parents, moved, total = [], [], 0.0, 0
    for index, site in enumerate(fractions):
        orbit, distance = _orbit(site, operators, matrix)
        atoms.append(orbit)
        parents.append(np.full(len(orbit), index))
        moved, total = max(moved, distance), total + len(orbit)
        check_number(total)
    return np.concatenate(atoms), np.concatenate(parents), moved


def _orbit(site, operators, matrix):
    """Distinct images of a site, and how far it was moved onto a special position [Å]."""
    images = operators.rotations @ site + operators.translations
    steps = images - site
    steps -= np.round(steps)
    near = np.linalg.norm(steps @ matrix, axis=1) < SAME_PLACE
    shift = steps[near].mean(axis=0)
    images = operators.rotations @ (site + shift) + operators.translations
    keys = np.floor((images * 1e4 + 0.317) % 1e4)  # the offset keeps 0.3333 off the edge of a bin
    _, first = np.unique(keys, axis=0, return_index=True)
    return _wrapped(images[np.sort(first)]), float(np.linalg.norm(shift @ matrix))


def _wrapped(fractions):
    wrapped = np.mod(fractions, 1.0)
    return np.where(wrapped >= 1, 0.0, wrapped)


def merge(
    fractions: np.ndarray,
    species: Sequence[Mapping[str, float]],
    parents: np.ndarray,
    matrix: np.ndarray,
) -> tuple[np.ndarray, list[dict[str, float]], int]:
    """Unite atoms at the same place: elements that share a site, or an atom listed twice.

    Parameters
    ----------
    fractions
        Of the atoms, shape (n, 3).
    species
        Occupancy of each element on each site.
    parents
        Index of the site of each atom, shape (n,).
    matrix
        Edges of the cell as rows, shape (3, 3) [Å].

    Returns
    -------
    fractions : shape (m, 3)
    occupancies : of each element in each place
    n_doubled : number of atoms of the same element that coincided with a full one
    """
    labels = _places(fractions, matrix)
    _, first = np.unique(labels, return_index=True)
    order = {label: place for place, label in enumerate(labels[np.sort(first)])}
    if len(order) == len(fractions):
        return fractions, [dict(species[parent]) for parent in parents], 0
    occupancies: list[dict[str, float]] = [{} for _ in order]
    shifts, weights = np.zeros((len(order), 3)), np.zeros(len(order))
    centers = fractions[np.sort(first)]
    n_doubled = 0
    for fraction, label, parent in zip(fractions, labels, parents, strict=True):
        place = order[label]
        n_doubled += _add(occupancies[place], species[parent])
        weight = sum(species[parent].values())
        step = fraction - centers[place]
        shifts[place] += weight * (step - np.round(step))
        weights[place] += weight
    return _wrapped(centers + shifts / weights[:, None]), occupancies, n_doubled


def _add(place, species):
    """Add occupancies to those of a place; tell if a full atom was there twice."""
    doubled = False
    for element, share in species.items():
        total = place.get(element, 0.0) + share
        doubled |= element in place and total > 1.01
        place[element] = min(total, 1.0) if element in place else total
    return doubled


def _places(fractions, matrix):
    """Label of the place of each atom; atoms within 0.5 Å share one."""
    reach = min(SAME_PLACE * np.linalg.norm(np.linalg.inv(matrix), 2), 0.49)
    pairs = cKDTree(fractions, boxsize=1.0).query_pairs(reach, output_type="ndarray")
    steps = fractions[pairs[:, 0]] - fractions[pairs[:, 1]]
    steps -= np.round(steps)
    pairs = pairs[np.linalg.norm(steps @ matrix, axis=1) < SAME_PLACE]
    n = len(fractions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]
