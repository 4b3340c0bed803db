"""Polycrystals: Voronoi cells, each filled with a crystal; what an atom probe sees of a sample."""

import math
from collections.abc import Sequence

import numpy as np
from pymatgen.core import Lattice, Structure
from scipy.spatial import Voronoi, cKDTree
from scipy.spatial.transform import Rotation

from crystutor.arguments import (
    InputError,
    Seed,
    random_generator,
    refusal,
    require,
    require_number,
    require_whole,
)
from crystutor.crystal.samples import is_periodic
from crystutor.crystal.structures import MOST_ATOMS, bond_length, build_structure, check_structure

N_GRAINS = 8  # of one crystal
CLOSEST = 0.7  # distance of atoms of different grains, in bond lengths
SPREADING_STEPS = 3  # of Lloyd: each seed moves to the middle of its cell
POINTS_PER_CELL = 500  # that show its middle
FEWEST_ATOMS = 20  # in an average grain


def build_polycrystal(
    structures: Structure | Sequence[Structure],
    edge: float,
    seed: Seed = None,
    n_grains: int | None = None,
) -> Structure:
    """Build a polycrystal: Voronoi grains of one or several crystals in a periodic cube.

    Parameters
    ----------
    structures
        One crystal, or a list; with fewer crystals than grains they take turns.
    edge
        Edge of the cube [Å].
    seed
        Seed of the random numbers.
    n_grains
        Number of grains; as many as crystals are given, or 8 of a single crystal.

    Returns
    -------
    Structure
        Its site property ``grain`` says to which grain each atom belongs, counted from 0 in the
        order of the crystals. Its ``properties["orientations"]`` holds for each grain the rotation
        from the axes of the given crystal to the polycrystal, a quaternion x, y, z, w.

    Raises
    ------
    ValueError
        If a structure is not a crystal, the edge is too short for the grains or too long for a
        million atoms, or there are more crystals than grains.

    Notes
    -----
    The seeds are random points that three steps of Lloyd's algorithm spread, so that no grain is
    tiny: each moves to the middle of its cell. Each crystal has a random orientation and a random
    shift. Of two atoms of different grains that are closer than 0.7 of the mean bond length of
    their crystals, the one of the later grain is left out. The boundaries are not relaxed.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> crystals = [build_prototype("fcc", "Cu"), build_prototype("bcc", "W")]
    >>> len(set(build_polycrystal(crystals, 30.0, seed=1, n_grains=4).site_properties["grain"]))
    4
    """
    crystals = _one_per_grain(structures, n_grains)
    _check_edge(crystals, edge)
    positions, numbers, grains, turns = place_grains(crystals, edge, seed)
    polycrystal = build_structure(np.eye(3) * edge, numbers, positions / edge)
    polycrystal.add_site_property("grain", grains.tolist())
    polycrystal.properties["orientations"] = turns.as_quat().tolist()
    return polycrystal


def place_grains(
    crystals: Sequence[Structure], edge: float, seed: Seed = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Rotation]:
    """Place the atoms of a polycrystal, for samples that are too large for a `Structure`.

    Parameters
    ----------
    crystals
        One for each grain.
    edge
        Edge of the cube [Å].
    seed
        Seed of the random numbers.

    Returns
    -------
    tuple
        Positions, shape (n, 3) [Å], atomic numbers and grains, both of shape (n,), and the
        orientations of the grains; see `build_polycrystal`.
    """
    rng = random_generator(seed)
    seeds = _spread_seeds(len(crystals), rng) * edge
    turns = Rotation.random(len(crystals), rng)
    places, numbers, grains = [], [], []
    for grain, (crystal, turn, radius) in enumerate(
        zip(crystals, turns, _cell_radii(seeds, edge), strict=True)
    ):
        sites, some = _ball(crystal, turn, radius, rng.random(3))
        nearest, _ = cKDTree(seeds, boxsize=edge).query(_into_box(sites + seeds[grain], edge))
        inside = np.linalg.norm(sites, axis=1) <= nearest + 1e-9  # no other seed or image is nearer
        places.append(sites[inside] + seeds[grain])
        numbers.append(some[inside])
        grains.append(np.full(np.count_nonzero(inside), grain))
    where, which = np.concatenate(places), np.concatenate(grains)
    kept = np.setdiff1d(np.arange(len(where)), _too_close(where, which, edge, crystals))
    return _into_box(where[kept], edge), np.concatenate(numbers)[kept], which[kept], turns


def simulate_atom_probe(
    structure: Structure,
    efficiency: float = 0.6,
    lateral_noise: float = 0.3,
    depth_noise: float = 0.05,
    seed: Seed = None,
) -> Structure:
    """Simulate what an atom probe sees of a sample: some of its atoms, near their places.

    Parameters
    ----------
    structure
        Sample; its z axis is the direction of the measurement.
    efficiency
        Detection efficiency: share of the atoms that are detected; 0.4 to 0.8 in instruments.
    lateral_noise
        Standard deviation of the displacements along x and along y [Å].
    depth_noise
        Standard deviation of the displacements along z [Å]; in instruments the smaller one.
    seed
        Seed of the random numbers.

    Returns
    -------
    Structure
        Finite sample: its lattice is a box that does not repeat. Site properties are kept; the
        input is not changed.

    Raises
    ------
    ValueError
        If the efficiency is not above 0 and at most 1, or a noise is negative.

    Notes
    -----
    Detection and displacements are independent of the atom, its element and its neighbours, as
    they are not in a real reconstruction, where trajectories cross near poles and zone lines.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> crystal = build_prototype("bcc", "W").make_supercell(5)
    >>> len(crystal), len(simulate_atom_probe(crystal, 0.4, seed=1))
    (250, 100)
    """
    require("structure", structure, isinstance(structure, Structure), "a pymatgen Structure")
    require_number("efficiency", efficiency, 0, 1, above=True)
    require_number("lateral_noise", lateral_noise, 0, unit="Å")
    require_number("depth_noise", depth_noise, 0, unit="Å")
    noise = np.array([lateral_noise, lateral_noise, depth_noise])
    rng = random_generator(seed)
    detected = np.sort(rng.permutation(len(structure))[: round(efficiency * len(structure))])
    if len(detected) == 0:
        raise InputError(f"efficiency {efficiency} leaves none of {len(structure)} atoms")
    positions = structure.cart_coords[detected] + rng.normal(size=(len(detected), 3)) * noise
    box = Lattice(structure.lattice.matrix, pbc=(False, False, False))
    numbers = np.array(structure.atomic_numbers)[detected]
    probed = build_structure(box, numbers, box.get_fractional_coords(positions))
    for name, values in structure.site_properties.items():
        probed.add_site_property(name, [values[k] for k in detected])
    return probed


def _one_per_grain(structures, n_grains):
    """The crystals in turn, one for each grain, after a check."""
    several = isinstance(structures, list | tuple)
    given = list(structures) if several else [structures]
    if not given:
        raise refusal("structures", structures, "one or more are accepted")
    for number, structure in enumerate(given):
        name = f"structures[{number}]" if several else "structures"
        check_structure(structure, name)
        if not is_periodic(structure):
            raise refusal(name, structure, "a crystal that repeats along all axes is accepted")
    if n_grains is None:
        n_grains = N_GRAINS if len(given) == 1 else len(given)
    require_whole("n_grains", n_grains, len(given))
    return [given[k % len(given)] for k in range(n_grains)]


def _check_edge(crystals, edge):
    densities = [len(crystal) / crystal.volume for crystal in crystals]
    shortest = math.floor(10 * np.cbrt(FEWEST_ATOMS * len(crystals) / min(densities))) / 10
    longest = math.floor(10 * np.cbrt(MOST_ATOMS / np.mean(densities))) / 10
    room = f" ({len(crystals)} grains of {FEWEST_ATOMS} atoms; up to {MOST_ATOMS:,} atoms)"
    require_number("edge", edge, shortest, longest, "Å", hint=room)


def _spread_seeds(n_grains, rng):
    """Random points of a periodic cube of edge 1 that keep apart, shape (n, 3)."""
    seeds = rng.random((n_grains, 3))
    points = rng.random((n_grains * POINTS_PER_CELL, 3))
    for _ in range(SPREADING_STEPS):
        _, cell = cKDTree(seeds, boxsize=1.0).query(points)
        vectors = points - seeds[cell]
        vectors -= np.round(vectors)
        sums = np.stack([np.bincount(cell, v, n_grains) for v in vectors.T], axis=1)
        seeds += sums / np.maximum(np.bincount(cell, minlength=n_grains), 1)[:, None]
        seeds = _into_box(seeds, 1.0)
    return seeds


def _cell_radii(seeds, edge):
    """Distance of the farthest corner of each seed's Voronoi cell, shape (n,) [Å]."""
    shifts = np.indices((3, 3, 3)).reshape(3, -1).T - 1
    shifts = shifts[np.argsort(np.abs(shifts).sum(axis=1))]  # the seeds themselves come first
    cells = Voronoi((seeds + shifts[:, None] * edge).reshape(-1, 3))
    corners = [cells.vertices[cells.regions[k]] for k in cells.point_region[: len(seeds)]]
    pairs = zip(corners, seeds, strict=True)
    return [np.linalg.norm(corner - seed, axis=1).max() for corner, seed in pairs]


def _ball(crystal, turn, radius, shift):
    """Sites of a turned, shifted crystal within a radius of the origin, and their numbers."""
    matrix = crystal.lattice.matrix @ turn.as_matrix().T
    fractions = np.mod(crystal.frac_coords + shift, 1.0)
    reach = radius * np.linalg.norm(np.linalg.inv(matrix), axis=0)
    ranges = [np.arange(-np.ceil(r) - 1, np.ceil(r) + 1) for r in reach]
    cells = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sites = ((cells + fractions) @ matrix).reshape(-1, 3)
    near = np.einsum("ij,ij->i", sites, sites) <= radius**2
    return sites[near], np.tile(crystal.atomic_numbers, len(cells))[near]


def _too_close(positions, grains, edge, crystals):
    """Atoms, counted from 0, that are too close to one of an earlier grain."""
    bonds = {id(crystal): bond_length(crystal) for crystal in crystals}
    limits = CLOSEST * np.array([bonds[id(crystal)] for crystal in crystals])
    tree = cKDTree(_into_box(positions, edge), boxsize=edge)
    first, second = tree.query_pairs(limits.max(), output_type="ndarray").T
    apart = positions[first] - positions[second]
    across = np.abs(apart).max(axis=1) > edge / 2  # a grain may meet its own image
    apart -= np.round(apart / edge) * edge
    limit = (limits[grains[first]] + limits[grains[second]]) / 2
    strangers = (grains[first] != grains[second]) | across
    return np.maximum(first, second)[strangers & (np.linalg.norm(apart, axis=1) < limit)]


def _into_box(positions, edge):
    """Positions in [0, edge); rounding may give the edge itself, which a tree refuses."""
    inside = np.mod(positions, edge)
    return np.where(inside < edge, inside, 0.0)
