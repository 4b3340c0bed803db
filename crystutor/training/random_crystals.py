"""Random crystals: sampled from the prototypes, turned, cut into clusters of random shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from ase.data import covalent_radii
from pymatgen.core import Element, Structure

from crystutor.crystal.average.cell import find_average_cell
from crystutor.crystal.prototypes import (
    KINDS,
    PROTOTYPES,
    SPECIES,
    build_prototype,
    scale_shortest_distance,
)
from crystutor.crystal.samples import sample_of
from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES, class_by_symmetry
from crystutor.crystal.structures import bond_length
from crystutor.crystal.supercells import (
    choose_repeats,
    cut_block,
    cut_ellipsoid,
    random_orientation,
)
from crystutor.detector import PAPER_DETECTOR

MAX_ATTEMPTS = 50
SHORTEST_IN_SOLIDS = 1.4  # [Å]; twice the radius of hydrogen is the bond of its molecule
WEAK = 0.3  # intensity of the reflections that body-centring forbids, over that of the others
MOLECULAR = 4.0  # volume per atom over the cubed nearest-neighbour distance


@dataclass(frozen=True)
class Variety:
    """How the crystals of a data set vary, and the clusters cut from them; all are perfect.

    Attributes
    ----------
    n_atoms : (fewest, most) wanted atoms, log-uniform
    edge_spread : standard deviation of the logarithm by which each edge is stretched
    ball_share : share of the clusters that are balls, stretched in the same way; others are blocks
    scale : (smallest, largest) factor on all positions
    vacancies, displacement : damage of a copy whose average nearest-neighbour distance divides
        the positions: half of the copies have vacancies up to this fraction, and half have
        displacements up to this standard deviation [bond lengths]
    film : highest weight of an amorphous film in the beam: as many atoms, of any element, at random
        places. A third of the images have no film; in the others its weight is film u^2 with u
        uniform in (0, 1)
    grain : highest weight of a foreign grain in the beam: 250 atoms of any class, parallel to the
        crystal or turned. Two fifths of the images have none; in the others its brightest spot has
        grain u times the crystal's, with u uniform in (0, 1)
    kind_shares : share of the crystals for each of `KINDS`; a kind that is not named has none
    parameter_spread : share of each parameter's range that is sampled, around the example's value
    """

    n_atoms: tuple[int, int] = (100, 420)
    edge_spread: float = 0.15
    ball_share: float = 0.25
    scale: tuple[float, float] = (0.97, 1.03)
    vacancies: float = 0.6
    displacement: float = 0.15
    film: float = 8.0
    grain: float = 0.4
    kind_shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "published": 0.4,
            "compound": 0.15,
            "hypothetical": 0.12,
            "enumerated": 0.33,
        }
    )
    parameter_spread: float = 1.0


SHIPPED_VARIETY = Variety()  # of the shipped network's training
PAPER_VARIETY = Variety(
    n_atoms=(250, 250),
    edge_spread=0.0,
    ball_share=0.0,
    scale=(1.0, 1.0),
    vacancies=0.0,
    displacement=0.0,
    film=0.0,
    grain=0.0,
    kind_shares={"published": 1.0},
    parameter_spread=0.5,
)


def sample_cluster(
    label: str, variety: Variety, rng: np.random.Generator
) -> tuple[Structure, dict]:
    """Sample a crystal, turn it at random, find its standard cell again and cut a cluster.

    Returns
    -------
    cluster : Structure
        Of random size and shape, as the variety says.
    made_from : dict
        Prototype, element, parameters, and repeats of a block.
    """
    structure, crystal = sample_crystal(label, rng, variety.kind_shares, variety.parameter_spread)
    structure = random_orientation(structure, rng)
    cell = find_average_cell(structure)
    n_atoms = np.exp(rng.uniform(*np.log(variety.n_atoms)))
    stretch = np.exp(rng.normal(0, variety.edge_spread, 3)) if variety.edge_spread else np.ones(3)
    if variety.ball_share and rng.random() < variety.ball_share:
        center = rng.random(3)
        return cut_ellipsoid(structure, cell.matrix, int(n_atoms), stretch, center), crystal
    volume = structure.volume / len(structure) * n_atoms
    repeats = choose_repeats(cell.matrix / stretch[:, None], volume / stretch.prod())
    return cut_block(structure, cell.matrix, repeats), crystal | {"repeats": repeats}


def sample_crystal(
    label: str,
    rng: np.random.Generator,
    kind_shares: Mapping[str, float],
    parameter_spread: float = 1.0,
) -> tuple[Structure, dict]:
    """Sample a perfect crystal of a class.

    Parameters
    ----------
    label
        One of `CLASSES`.
    rng
        Random numbers.
    kind_shares, parameter_spread
        As in `Variety`.

    Returns
    -------
    cell : Structure
        Conventional cell.
    made_from : dict
        Prototype, element and parameters.

    Notes
    -----
    The shortest distance is two covalent radii of the element; crystals of dumbbells keep the
    lengths of their prototype. Simple cubic crystals that are nearly body-centred are left out.
    Their forbidden reflections are as weak as those of a foreign grain, see `Variety`. Both decide
    where bcc becomes simple cubic, the question of Fig. 4b of the paper. Layers so far
    apart that they count as slabs are left out, too.
    """
    shares = [kind_shares.get(kind, 0.0) for kind in KINDS]
    for _ in range(MAX_ATTEMPTS):
        prototype = PROTOTYPES[rng.choice(_names(label, str(rng.choice(KINDS, p=shares))))]
        element = str(rng.choice(SPECIES))
        parameters = _sample_parameters(prototype, parameter_spread, rng)
        structure = build_prototype(
            prototype.name, element, a=prototype.parameters["a"], **parameters
        )
        if not _is_molecular(structure):
            distance = max(2 * covalent_radii[Element(element).Z], SHORTEST_IN_SOLIDS)
            structure = scale_shortest_distance(structure, distance)
        if label == "sc" and _is_nearly_body_centered(structure):
            continue
        if sample_of(structure).vacuum:
            continue
        if _class_of(prototype, structure) == label:
            return structure, {
                "prototype": prototype.name,
                "element": element,
                "parameters": parameters,
            }
    raise RuntimeError(f"no prototype of class {label} kept its space group")


def _sample_parameters(prototype, spread, rng):
    """Values of the free parameters, around the example's."""
    sampled = {name: rng.uniform(*range_) for name, range_ in prototype.ranges.items()}
    example = prototype.parameters
    return {
        name: float(example[name] + spread * (value - example[name]))
        for name, value in sampled.items()
    }


def _class_of(prototype, structure):
    """Class by symmetry.

    Without free parameters only the size of a prototype varies: it is classified once.
    """
    return class_by_symmetry(structure) if prototype.ranges else _class_by_name(prototype.name)


@cache
def _class_by_name(name):
    return class_by_symmetry(build_prototype(name))


def _is_molecular(structure):
    return structure.volume / len(structure) > MOLECULAR * bond_length(structure) ** 3


def _is_nearly_body_centered(cubic):
    edge = cubic.lattice.a / bond_length(cubic)
    q = np.linalg.norm(PAPER_DETECTOR.scattering_vectors, axis=1)
    most = int(q.max() * edge / (2 * np.pi))
    hkl = np.indices((most + 1,) * 3).reshape(3, -1).T  # an octant stands for all
    length = 2 * np.pi * np.linalg.norm(hkl, axis=1) / edge
    hkl = hkl[(length > q.min()) & (length < q.max())]
    intensity = abs(np.exp(2j * np.pi * hkl @ cubic.frac_coords.T).sum(axis=1)) ** 2
    odd = hkl.sum(axis=1) % 2 == 1
    return intensity[odd].sum() < WEAK * intensity[~odd].sum()


@cache
def _names(label, kind):
    """Prototypes of a class and kind; published ones if the class has none of the kind."""
    chosen = [
        name
        for name, prototype in PROTOTYPES.items()
        if SPACE_GROUP_CLASSES[prototype.space_group] == label and prototype.kind == kind
    ]
    return chosen or _names(label, "published")
