"""Reproduce Table 1: draw, train, damage, classify, report; each step goes on where it stopped."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from crystutor.benchmark import (
    PAPER_RUN,
    Network,
    Parameters,
    claim_folder,
    classify_damaged,
    timed,
)
from crystutor.convnet import build_linear_softmax, predict_probabilities
from crystutor.dataset import Dataset, pristine_dataset
from crystutor.quiet import quiet_stderr
from crystutor.random_crystals import PAPER_VARIETY, VARIETY
from crystutor.report import write_report
from crystutor.symmetry import CLASSES
from crystutor.training import split_watched, train_convnet

with quiet_stderr():
    import keras
    from tqdm.keras import TqdmCallback

FINISH_SHARE, FINISH_EPOCHS, FINISH_RATE = 0.5, 2, 3e-4
PAPER_CRYSTALS = 2000  # that the network of the paper's recipe is shown at each level
CHOICE_CRYSTALS = 280  # the same for the networks of the training choices
CHOICE_SHARE = 0.125  # their size, over that of the run
_WIDE = replace(PAPER_VARIETY, shares=VARIETY.shares, spread=VARIETY.spread)
_SHAPED = replace(_WIDE, n_atoms=VARIETY.n_atoms, elongation=VARIETY.elongation)
VARIETIES = {
    "paper": PAPER_VARIETY,
    "wide": _WIDE,
    "shaped": _SHAPED,
    "scaled": replace(VARIETY, background=0.0),
    "shipped": VARIETY,
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    name : of the network in the tables
    variety : of the crystals, a key of `VARIETIES`
    crystals : number of them, over the size of the run
    epochs : number of passes
    cosine : whether the learning rate falls along half a cosine
    linear : whether the network is one linear layer with a softmax
    finish : whether two epochs at a small rate follow, on half as many crystals of the paper's
        kind, and on a quarter of the others once more
    shown : how many damaged crystals it classifies at each level at most
    """

    name: str
    variety: str
    crystals: float
    epochs: int = 5
    cosine: bool = False
    linear: bool = False
    finish: bool = False
    shown: int | None = None

    @property
    def folder(self) -> str:
        """Of the network before the last epochs; recipes that differ only in these share it."""
        kind = "linear" if self.linear else "convnet"
        rate = "cosine" if self.cosine else "constant"
        return f"{kind}_{self.variety}_{self.crystals:g}_{self.epochs}_epochs_{rate}"


SHIPPED = Recipe("ConvNet", "shipped", 1.5, epochs=6, cosine=True, finish=True)
RECIPES = (
    SHIPPED,
    Recipe("ConvNet, paper's recipe", "paper", 1.0, shown=PAPER_CRYSTALS),
    replace(SHIPPED, name="linear softmax", linear=True),
)
_choice = partial(Recipe, crystals=CHOICE_SHARE, shown=CHOICE_CRYSTALS)
CHOICES = (  # each adds one thing to the one before
    _choice("choice: paper's recipe", "paper"),
    _choice("choice: + hypothetical prototypes, full ranges", "wide"),
    _choice("choice: + any size, shape and order of axes", "shaped"),
    _choice("choice: + mistaken scale", "scaled"),
    _choice("choice: + amorphous film", "shipped"),
    _choice("choice: + falling learning rate", "shipped", cosine=True),
    _choice("choice: + last epochs on the paper's crystals", "shipped", cosine=True, finish=True),
)


def reproduce_table1(
    folder: str | Path,
    parameters: Parameters = PAPER_RUN,
    executor: Executor | None = None,
    progress: bool = True,
) -> Path:
    """Reproduce Table 1 of the paper, and more, in a folder.

    Parameters
    ----------
    folder
        Of the run; new, empty, or that of the same run, which then goes on where it stopped.
    parameters
        Sizes and seed.
    executor
        Any executor of `concurrent.futures` for all but the networks.
    progress
        Show progress bars.

    Returns
    -------
    Path
        The folder, with ``table1.csv`` (level, method, class, n, correct, milliseconds),
        ``table1.md`` and ``table1.png``, ``confusion.csv`` and ``confusion.png``,
        ``training.csv``, ``choices.md`` and ``seconds.json``, the time that each step took.

    Raises
    ------
    ValueError
        If the size is too small, or the folder holds something else.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Table 1.
    """
    folder = Path(folder)
    claim_folder(folder, parameters)
    histories = {  # the networks themselves are loaded below, without their images
        recipe.name: train_network(folder, recipe, parameters, executor, progress).history.history
        for recipe in (*RECIPES, *CHOICES)
    }
    networks = [
        Network(
            recipe.name,
            partial(predict_probabilities, finished_network(folder, recipe)),
            recipe.shown or parameters.size,
        )
        for recipe in (*RECIPES, *CHOICES)
    ]
    with timed(folder, "damage and classify"):
        counts = classify_damaged(folder / "blocks", parameters, networks, executor, progress)
    write_report(folder, counts, histories)
    return folder


def train_network(
    folder: Path,
    recipe: Recipe,
    parameters: Parameters,
    executor: Executor | None = None,
    progress: bool = True,
) -> keras.Model:
    """Draw the crystals of a recipe and train its network, or load what is finished.

    They are other crystals than those that are damaged and classified later.
    """
    size = max(len(CLASSES), round(recipe.crystals * parameters.size))
    dataset = _draw(folder, recipe.variety, size, parameters, executor, progress)
    with timed(folder, f"train {recipe.name}"):
        network = train_convnet(
            dataset.images,
            dataset.labels,
            convnet=build_linear_softmax(parameters.seed) if recipe.linear else None,
            epochs=recipe.epochs,
            seed=parameters.seed,
            callbacks=_bar(recipe.name, progress),
            cosine=recipe.cosine,
            folder=folder / "networks" / recipe.folder,
        )
    if not recipe.finish:
        return network
    size = max(len(CLASSES), round(FINISH_SHARE * size))
    _, used = split_watched(len(dataset), seed=parameters.seed)
    again = used[: size // 2]
    dataset = Dataset(dataset.images[again], dataset.labels[again], dataset.crystals[again])
    paper = _draw(folder, "paper", size, parameters, executor, progress)
    with timed(folder, f"finish {recipe.name}"):
        return _finish(network, [paper, dataset], recipe, folder, parameters.seed, progress)


def finished_network(folder: Path, recipe: Recipe) -> keras.Model:
    """Load the network of a finished run."""
    networks = folder / "networks"
    path = networks / recipe.folder / f"epoch_{recipe.epochs}.keras"
    finished = networks / f"{recipe.folder}_finished" / f"epoch_{FINISH_EPOCHS}.keras"
    return keras.models.load_model(finished if recipe.finish else path)


def _draw(folder, variety, size, parameters, executor, progress):
    drawn = folder / "crystals" / variety
    with timed(folder, f"draw {variety}"):
        return pristine_dataset(
            size, parameters.seed + 1, VARIETIES[variety], executor, progress, drawn
        )


def _finish(network, datasets, recipe, folder, seed, progress):
    """Last epochs: the paper's crystals, and some that the network has been trained on before."""
    losses = network.history.history
    network.optimizer.learning_rate = FINISH_RATE
    network = train_convnet(
        np.concatenate([dataset.images for dataset in datasets]),
        np.concatenate([dataset.labels for dataset in datasets]),
        convnet=network,
        epochs=FINISH_EPOCHS,
        validation_fraction=0,
        seed=seed,
        callbacks=_bar(f"{recipe.name}, last epochs", progress),
        cosine=True,
        folder=folder / "networks" / f"{recipe.folder}_finished",
    )
    last = network.history.history
    network.history.history = {
        key: values + last.get(key, [""] * FINISH_EPOCHS) for key, values in losses.items()
    }
    return network


def _bar(name, progress):
    return [TqdmCallback(desc=name, verbose=0)] if progress else []
