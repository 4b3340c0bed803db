"""Data sets of fingerprints: random crystals, perfect or with defects, with their labels."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystutor.arguments import require, require_whole
from crystutor.crystal.defects import displace_atoms, remove_atoms
from crystutor.crystal.space_groups import CLASSES
from crystutor.crystal.structures import bond_length
from crystutor.detector import IMAGE_SHAPE
from crystutor.diffraction import diffraction_channels
from crystutor.executors import map_in_order
from crystutor.files import finished_file
from crystutor.training.beam import film_channels, grain_channels, sample_weights
from crystutor.training.random_crystals import (
    PAPER_VARIETY,
    SHIPPED_VARIETY,
    Variety,
    sample_cluster,
)

BLOCK = 64


@dataclass(frozen=True)
class Dataset:
    """Fingerprints with labels, each traceable to its crystal.

    Attributes
    ----------
    images : shape (n, 64, 64, 3), float16, in [0, 1]
    labels : index into `CLASSES`, shape (n,)
    crystals : JSON text of each crystal: prototype, element, parameters, repeats (of a block),
        n_atoms, scale [1/Å], film, grain
    """

    images: np.ndarray
    labels: np.ndarray
    crystals: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def pristine_dataset(
    size: int,
    seed: int,
    variety: Variety = SHIPPED_VARIETY,
    executor: Executor | None = None,
    progress: bool = False,
    folder: str | Path | None = None,
) -> Dataset:
    """Sample perfect crystals of the seven classes, in equal numbers, with their fingerprints.

    Parameters
    ----------
    size
        Number of crystals.
    seed
        Seed; the same seed gives the same arrays, however the work is divided.
    variety
        How the crystals vary; `PAPER_VARIETY` for those of the paper.
    executor
        Any executor of `concurrent.futures`; without one, the work is done here.
    progress
        Show a progress bar.
    folder
        Where to keep blocks of finished images; those that it holds are not made again.

    Returns
    -------
    Dataset
        Labels in the order 0, 1, ... 6, 0, 1, ...

    Raises
    ------
    ValueError
        If size is smaller than the number of classes.

    Notes
    -----
    Each crystal has a prototype of its class and one of 83 elements (H to Bi). The variety gives
    the shares of the kinds of prototypes; parameters are uniform in their ranges. Spglib confirms
    the label by the paper's rule, see `crystutor.crystal.space_groups.class_by_symmetry`. The
    crystal is turned about three axes by random angles, and its standard cell is found again.

    Examples
    --------
    >>> pristine_dataset(7, seed=1).images.shape
    (7, 64, 64, 3)
    """
    require("variety", variety, isinstance(variety, Variety), "a Variety such as PAPER_VARIETY")
    require_whole("seed", seed)
    return _dataset(partial(_sample_block, seed, variety, None), size, executor, progress, folder)


def defective_dataset(
    size: int,
    seed: int,
    defect: Callable[..., Structure],
    executor: Executor | None = None,
    progress: bool = False,
) -> Dataset:
    """Sample crystals of the paper's variety as `pristine_dataset` does, and damage them.

    Parameters
    ----------
    size, seed, executor, progress
        As in `pristine_dataset`; the same seed gives the same crystals.
    defect
        Called as ``defect(cluster, seed=...)``, for example
        ``partial(remove_atoms, fraction=0.25)``.

    Returns
    -------
    Dataset
        Labels are the classes before the damage.

    Raises
    ------
    ValueError
        If size is smaller than the number of classes.
    """
    example = "a function such as partial(remove_atoms, fraction=0.25)"
    require("defect", defect, callable(defect), example)
    require_whole("seed", seed)
    return _dataset(partial(_sample_block, seed, PAPER_VARIETY, defect), size, executor, progress)


def save_dataset(dataset: Dataset, path: str | Path) -> None:
    """Save a data set as .npz, whole or not at all, without pickles.

    Parameters
    ----------
    dataset
        Images, labels and crystals.
    path
        Of the file.
    """
    require("dataset", dataset, isinstance(dataset, Dataset), "a Dataset")
    require("path", path, isinstance(path, str | Path), "the name of a file")
    with finished_file(Path(path)) as unfinished:
        np.savez(
            unfinished, images=dataset.images, labels=dataset.labels, crystals=dataset.crystals
        )


def load_dataset(path: str | Path) -> Dataset:
    """Load a data set saved by `save_dataset`.

    Parameters
    ----------
    path
        Of the file.
    """
    is_archive = isinstance(path, str | Path) and is_zipfile(path)
    require("path", path, is_archive, "a file that save_dataset has written")
    with np.load(path, allow_pickle=False) as arrays:
        return Dataset(arrays["images"], arrays["labels"], arrays["crystals"])


def _dataset(sample_block, size, executor, progress, folder=None):
    require_whole("size", size, len(CLASSES))
    starts = range(0, size, BLOCK)
    blocks = [np.arange(start, min(start + BLOCK, size)) for start in starts]
    if folder is None:
        found = map_in_order(sample_block, blocks, executor)
    else:
        found = _kept_blocks(sample_block, blocks, executor, Path(folder))
    images, crystals = np.empty((size, *IMAGE_SHAPE), np.float16), []
    with tqdm(total=size, desc="crystals", disable=not progress) as bar:
        for start, block in zip(starts, found, strict=True):
            images[start : start + len(block)] = block.images
            crystals += list(block.crystals)
            bar.update(len(block))
    return Dataset(images, np.arange(size) % len(CLASSES), np.array(crystals))


def _kept_blocks(sample_block, blocks, executor, folder):
    """Yield blocks in order; those that the folder lacks are made and saved first."""
    paths = [folder / f"{block[0]:06d}_{len(block)}.npz" for block in blocks]
    missing = [block for block, path in zip(blocks, paths, strict=True) if not path.exists()]
    made = map_in_order(sample_block, missing, executor)
    for path in paths:
        if not path.exists():
            save_dataset(next(made), path)
        yield load_dataset(path)


def _sample_block(seed, variety, defect, indices):
    sampled = [_sample_image(seed, variety, defect, index) for index in indices]
    images, crystals = zip(*sampled, strict=True)
    return Dataset(np.stack(images), indices % len(CLASSES), np.array(crystals))


def _sample_image(seed, variety, defect, index):
    rng = np.random.default_rng([seed, index])
    cluster, crystal = sample_cluster(CLASSES[index % len(CLASSES)], variety, rng)
    if defect is not None:
        cluster = defect(cluster, seed=rng.integers(2**32))
    scale = float(rng.uniform(*variety.scale))
    film, grain = sample_weights(variety, rng)
    factor = scale / _mistaken_bond_length(cluster, variety, rng)
    positions, numbers = cluster.cart_coords * factor, np.array(cluster.atomic_numbers)
    channels = diffraction_channels(positions, numbers)
    brightest = channels.max()
    if film:
        channels += film * film_channels(positions, numbers[0], rng)
    if grain:
        channels += grain * brightest * grain_channels(variety, numbers[0], rng)
    image = (channels / channels.max()).astype(np.float16)
    crystal |= {"n_atoms": len(cluster), "scale": factor, "film": film, "grain": grain}
    return image, json.dumps(crystal)


def _mistaken_bond_length(cluster, variety, rng):
    """Average nearest-neighbour distance of a damaged copy [Å].

    It scales the image of the perfect cluster. Defects change the distance, in each class
    differently, so that the network learns not to rely on the scale.
    """
    length = bond_length(cluster)
    damaged = cluster
    if variety.displacement and rng.random() < 0.5:
        sigma = rng.uniform(0, variety.displacement) * length
        damaged = displace_atoms(damaged, sigma, rng.integers(2**32))
    if variety.vacancies and rng.random() < 0.5:
        damaged = remove_atoms(damaged, rng.uniform(0, variety.vacancies), rng.integers(2**32))
    return length if damaged is cluster else bond_length(damaged)
