"""Random crystals: drawn from the prototypes, turned, cut into clusters of random shape."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from ase.data import covalent_radii
from pymatgen.core import Element, Structure
from scipy.spatial.transform import Rotation

from crystutor.blocks import choose_repeats, cut_block
from crystutor.cells import bond_length, find_average_cell
from crystutor.detector import PAPER_DETECTOR
from crystutor.prototypes import KINDS, PROTOTYPES, build_prototype, scale_shortest_distance
from crystutor.structures import build_structure
from crystutor.symmetry import SPACE_GROUP_CLASSES, class_by_symmetry

SPECIES = tuple(Element.from_Z(Z).symbol for Z in range(1, 84))  # H to Bi, 83 as in the paper
MOST_DRAWS = 50
SHORTEST_IN_SOLIDS = 1.4  # [Å]; twice the radius of hydrogen is the bond of its molecule
WEAK = 0.9  # intensity of the reflections that body-centring forbids, over that of the others
MOLECULAR = 4.0  # volume per atom over the cubed nearest-neighbour distance


@dataclass(frozen=True)
class Variety:
    """How the clusters of a data set differ beyond their crystal; all of them are perfect.

    Attributes
    ----------
    n_atoms : (fewest, most) atoms aimed at, drawn evenly in the logarithm
    elongation : standard deviation of the logarithm by which each edge is stretched
    scale : (smallest, largest) factor on all positions
    vacancies, displacement : the average nearest-neighbour distance, by which positions are
        divided, is that of a damaged copy: vacancies up to this fraction in half of the copies,
        displacements up to this standard deviation [bond lengths] in half of them
    background : highest weight of the scattering from as many atoms of any element at random
        places, an amorphous film in the beam; 0 for a third of the images, the others have
        background u^2, u drawn evenly from (0, 1)
    shares : of crystals of prototypes of each of `KINDS`
    spread : part of the ranges of a prototype's parameters that is drawn from, about its
        example's values
    """

    n_atoms: tuple[int, int] = (100, 420)
    elongation: float = 0.15
    scale: tuple[float, float] = (0.97, 1.03)
    vacancies: float = 0.6
    displacement: float = 0.08
    background: float = 8.0
    shares: tuple[float, float, float] = (0.5, 0.15, 0.35)
    spread: float = 1.0


VARIETY = Variety()  # of the shipped network's training
PAPER_VARIETY = Variety(
    n_atoms=(250, 250),
    elongation=0.0,
    scale=(1.0, 1.0),
    vacancies=0.0,
    displacement=0.0,
    background=0.0,
    shares=(1.0, 0.0, 0.0),
    spread=0.5,
)


def draw_cluster(label: str, variety: Variety, rng: np.random.Generator) -> tuple[Structure, dict]:
    """Draw a crystal, turn it at random, find its standard cell again and cut a cluster.

    The cluster's size and shape are random; with it comes what it was made from.
    """
    structure, crystal = draw_crystal(label, rng, variety.shares, variety.spread)
    structure = random_orientation(structure, rng)
    cell = find_average_cell(structure)
    n_atoms = np.exp(rng.uniform(*np.log(variety.n_atoms)))
    stretch = np.exp(rng.normal(0, variety.elongation, 3)) if variety.elongation else np.ones(3)
    volume = structure.volume / len(structure) * n_atoms
    repeats = choose_repeats(cell.matrix / stretch[:, None], volume / stretch.prod())
    return cut_block(structure, cell.matrix, repeats), crystal | {"repeats": repeats}


def draw_crystal(
    label: str, rng: np.random.Generator, shares: tuple[float, ...], spread: float = 1.0
) -> tuple[Structure, dict]:
    """Draw a perfect crystal of a class: its conventional cell, and what it was made from.

    For shares and spread see `Variety`. The shortest distance is two covalent radii of the
    element, but for crystals of dumbbells, which keep their prototype's lengths. Simple cubic
    crystals that are nearly body-centred are not drawn: whether weak forbidden reflections make
    bcc simple cubic is a question that the network shall be asked, not taught.
    """
    for _ in range(MOST_DRAWS):
        prototype = PROTOTYPES[rng.choice(_names(label, str(rng.choice(KINDS, p=shares))))]
        element = str(rng.choice(SPECIES))
        parameters = _draw_parameters(prototype, spread, rng)
        structure = build_prototype(
            prototype.name, element, a=prototype.parameters["a"], **parameters
        )
        if not _is_molecular(structure):
            distance = max(2 * covalent_radii[Element(element).Z], SHORTEST_IN_SOLIDS)
            structure = scale_shortest_distance(structure, distance)
        if label == "sc" and _is_nearly_body_centered(structure):
            continue
        if _class_of(prototype, structure) == label:
            return structure, {
                "prototype": prototype.name,
                "element": element,
                "parameters": parameters,
            }
    raise RuntimeError(f"no prototype of class {label} kept its space group")


def random_orientation(structure: Structure, rng: np.random.Generator) -> Structure:
    """Turn a structure about x, y and z by three random angles."""
    rotation = Rotation.from_euler("xyz", rng.uniform(0, 2 * np.pi, 3)).as_matrix()
    matrix = structure.lattice.matrix @ rotation.T
    return build_structure(matrix, structure.atomic_numbers, structure.frac_coords)


def random_supercell(
    structure: Structure, rng: np.random.Generator, n_atoms: tuple[int, int] = (150, 400)
) -> Structure:
    """Supercell of the primitive cell, of random shape, orientation and number of atoms."""
    primitive = structure.get_primitive_structure(tolerance=1e-3)
    fewest, most = n_atoms
    edges = np.cbrt(np.sqrt(fewest * most) / len(primitive) * primitive.volume)
    repeats = np.maximum(1, edges / np.array(primitive.lattice.abc))
    while True:
        matrix = np.diag(np.round(repeats * rng.uniform(0.6, 1.6, 3))).astype(int)
        matrix += rng.integers(-2, 3, (3, 3))
        if fewest <= len(primitive) * abs(round(np.linalg.det(matrix))) <= most:
            supercell = primitive.make_supercell(matrix, in_place=False)
            return random_orientation(supercell, rng)


def _draw_parameters(prototype, spread, rng):
    drawn = {name: rng.uniform(*range_) for name, range_ in prototype.ranges.items()}
    examples = prototype.parameters
    return {name: float(examples[name] + spread * (drawn[name] - examples[name])) for name in drawn}


def _class_of(prototype, structure):
    """Class by symmetry; of a prototype without free parameters only once, as its size is all
    that varies.
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
    """Prototypes of a class and kind; published ones where the class has none of the kind."""
    chosen = [
        name
        for name, prototype in PROTOTYPES.items()
        if SPACE_GROUP_CLASSES[prototype.space_group] == label and prototype.kind == kind
    ]
    return chosen or _names(label, "published")
