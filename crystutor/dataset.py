"""Data sets of fingerprints: crystals drawn from the prototypes, perfect or with defects."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from ase.data import covalent_radii
from pymatgen.core import Element, Structure
from scipy.spatial.transform import Rotation
from tqdm.auto import tqdm

from crystutor.blocks import choose_repeats, cut_block
from crystutor.cells import bond_length, find_average_cell
from crystutor.fingerprint import diffraction_channels
from crystutor.prototypes import PROTOTYPES, build_prototype, scale_shortest_distance
from crystutor.symmetry import CLASSES, SPACE_GROUP_CLASSES, class_by_symmetry

SPECIES = tuple(Element.from_Z(Z).symbol for Z in range(1, 84))  # H to Bi, 83 as in the paper
BLOCK = 64
MOST_DRAWS = 50
SHORTEST_IN_SOLIDS = 1.4  # [Å]; twice the radius of hydrogen is the bond of its molecule
MOLECULAR = 4.0  # volume per atom over the cubed nearest-neighbour distance


@dataclass(frozen=True)
class Variety:
    """How the clusters of a data set differ beyond their crystal; all of them are perfect.

    Attributes
    ----------
    n_atoms : (fewest, most) atoms aimed at, drawn evenly in the logarithm
    elongation : standard deviation of the logarithm by which each edge is stretched
    scale : (smallest, largest) factor on all positions, for the error that defects make in the
        average nearest-neighbour distance
    background : weight of the scattering from as many atoms at random places, an amorphous film
        in the beam: drawn from (0, background) for half of the images, 0 for the others
    hypothetical : share of crystals of the hypothetical prototypes
    """

    n_atoms: tuple[int, int] = (100, 420)
    elongation: float = 0.15
    scale: tuple[float, float] = (0.88, 1.16)
    background: float = 2.5
    hypothetical: float = 0.5


PAPER_VARIETY = Variety(
    n_atoms=(250, 250), elongation=0.0, scale=(1.0, 1.0), background=0.0, hypothetical=0.0
)


@dataclass(frozen=True)
class Dataset:
    """Fingerprints with labels, each traceable to its crystal.

    Attributes
    ----------
    images : shape (n, 64, 64, 3), float16, in [0, 1]
    labels : index into `CLASSES`, shape (n,)
    crystals : JSON text of each crystal: prototype, element, parameters, repeats, n_atoms, scale,
        background
    """

    images: np.ndarray
    labels: np.ndarray
    crystals: np.ndarray

    def __len__(self):
        return len(self.labels)


def pristine_dataset(
    size: int,
    seed: int,
    variety: Variety = Variety(),
    executor: Executor | None = None,
    progress: bool = False,
) -> Dataset:
    """Draw perfect crystals of the seven classes, in equal numbers, and their fingerprints.

    Parameters
    ----------
    size
        Number of crystals.
    seed
        Seed; the same seed gives the same arrays, however the work is divided.
    variety
        Sizes, shapes and scales of the clusters; `PAPER_VARIETY` for one size and no scale.
    executor
        Any executor of `concurrent.futures`; without one, the work is done here.
    progress
        Show a progress bar.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If size is smaller than the number of classes.

    Notes
    -----
    Each crystal takes a prototype of its class (half of them hypothetical ones by default), one
    of 83 elements (H to Bi) and parameters evenly from the prototype's ranges. Its label is
    confirmed with Spglib by the paper's rule, see `crystutor.symmetry.class_by_symmetry`. It is
    turned about three axes by random angles, and its standard cell is found again.

    Examples
    --------
    >>> pristine_dataset(7, seed=1).images.shape
    (7, 64, 64, 3)
    """
    return _dataset(partial(_draw_block, seed, variety, None), size, executor, progress)


def defective_dataset(
    size: int,
    seed: int,
    defect: Callable[..., Structure],
    executor: Executor | None = None,
    progress: bool = False,
) -> Dataset:
    """Draw crystals as `pristine_dataset` with the paper's variety, and damage them.

    Parameters
    ----------
    size, seed, executor, progress
        As in `pristine_dataset`; the same seed draws the same crystals.
    defect
        Called as ``defect(cluster, seed=...)``, for example
        ``partial(remove_atoms, fraction=0.25)``.

    Returns
    -------
    Dataset
    """
    return _dataset(partial(_draw_block, seed, PAPER_VARIETY, defect), size, executor, progress)


def save_dataset(dataset: Dataset, path: str | Path) -> None:
    """Save a data set as .npz, whole or not at all, without pickles."""
    path = Path(path)
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, images=dataset.images, labels=dataset.labels, crystals=dataset.crystals)
    unfinished.replace(path)


def load_dataset(path: str | Path) -> Dataset:
    """Load a data set saved by `save_dataset`."""
    with np.load(path, allow_pickle=False) as arrays:
        return Dataset(arrays["images"], arrays["labels"], arrays["crystals"])


def draw_crystal(
    label: str, rng: np.random.Generator, hypothetical: float = 0.0
) -> tuple[Structure, dict]:
    """Draw a perfect crystal of a class: its conventional cell, and what it was made from.

    `hypothetical` is the probability to take one of the hypothetical prototypes. The shortest
    distance is two covalent radii of the element, but for crystals of dumbbells, which keep their
    prototype's lengths.
    """
    for _ in range(MOST_DRAWS):
        prototype = PROTOTYPES[rng.choice(_prototype_names(label, rng.random() < hypothetical))]
        element = str(rng.choice(SPECIES))
        parameters = {
            name: float(rng.uniform(*range_)) for name, range_ in prototype.ranges.items()
        }
        structure = build_prototype(
            prototype.name, element, a=prototype.parameters["a"], **parameters
        )
        if not _is_molecular(structure):
            distance = max(2 * covalent_radii[Element(element).Z], SHORTEST_IN_SOLIDS)
            structure = scale_shortest_distance(structure, distance)
        if class_by_symmetry(structure) == label:
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
    return Structure(matrix, structure.atomic_numbers, structure.frac_coords)


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


def _is_molecular(structure):
    return structure.volume / len(structure) > MOLECULAR * bond_length(structure) ** 3


@cache
def _prototype_names(label, hypothetical):
    names = [
        name
        for name, prototype in PROTOTYPES.items()
        if SPACE_GROUP_CLASSES[prototype.space_group] == label
    ]
    chosen = [name for name in names if name.startswith("hypothetical ") == hypothetical]
    return chosen or names


def _dataset(draw_block, size, executor, progress):
    if size < len(CLASSES):
        raise ValueError(f"size is {size}; at least one crystal for each of {len(CLASSES)} classes")
    blocks = [range(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    run = map if executor is None else executor.map
    images, crystals = np.empty((size, 64, 64, 3), np.float16), []
    with tqdm(total=size, desc="crystals", disable=not progress) as bar:
        for block, (block_images, block_crystals) in zip(
            blocks, run(draw_block, blocks), strict=True
        ):
            images[block.start : block.stop] = block_images
            crystals += block_crystals
            bar.update(len(block))
    return Dataset(images, np.arange(size) % len(CLASSES), np.array(crystals))


def _draw_block(seed, variety, defect, indices):
    drawn = [_draw_image(seed, variety, defect, index) for index in indices]
    images, crystals = zip(*drawn, strict=True)
    return np.stack(images), list(crystals)


def _draw_image(seed, variety, defect, index):
    rng = np.random.default_rng([seed, index])
    structure, crystal = draw_crystal(CLASSES[index % len(CLASSES)], rng, variety.hypothetical)
    structure = random_orientation(structure, rng)
    cluster, repeats = _draw_cluster(structure, variety, rng)
    if defect is not None:
        cluster = defect(cluster, seed=rng.integers(2**32))
    scale = float(rng.uniform(*variety.scale))
    weight = float(max(0.0, rng.uniform(-1, 1)) * variety.background)
    image = _image_with_background(cluster, scale / bond_length(cluster), weight, rng)
    crystal |= {
        "repeats": repeats,
        "n_atoms": len(cluster),
        "scale": scale,
        "background": weight,
    }
    return image.astype(np.float16), json.dumps(crystal)


def _image_with_background(cluster, factor, weight, rng):
    """Fingerprint of a cluster, scaled, on an amorphous film of as many atoms."""
    numbers = np.array(cluster.atomic_numbers)
    channels = diffraction_channels(cluster.cart_coords * factor, numbers)
    if weight:
        places = rng.random((len(cluster), 3)) @ cluster.lattice.matrix
        channels += weight * diffraction_channels(places * factor, numbers)
    return channels / channels.max()


def _draw_cluster(structure, variety, rng):
    """Cut a cluster of random size and shape; its axes are those of the standard cell."""
    cell = find_average_cell(structure)
    n_atoms = np.exp(rng.uniform(*np.log(variety.n_atoms)))
    stretch = np.exp(rng.normal(0, variety.elongation, 3)) if variety.elongation else np.ones(3)
    volume = structure.volume / len(structure) * n_atoms
    repeats = choose_repeats(cell.matrix / stretch[:, None], volume / stretch.prod())
    return cut_block(structure, cell.matrix, repeats), repeats
