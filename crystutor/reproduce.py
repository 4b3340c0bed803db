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

FINISH_SHARE, FINISH_EPOCHS, FINISH_RATE = 0.4, 2, 3e-4
CHOICE_CRYSTALS = 350  # that the networks of the training choices are shown
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
    finish : whether two epochs at a small rate follow, on as many of the paper's crystals as make
        two fifths of the others, and on half as many of the others
    """

    name: str
    variety: str
    crystals: float
    epochs: int = 5
    cosine: bool = False
    linear: bool = False
    finish: bool = False


SHIPPED = Recipe("ConvNet", "shipped", 2.5, epochs=6, cosine=True, finish=True)
RECIPES = (
    SHIPPED,
    Recipe("ConvNet, paper's recipe", "paper", 1.0),
    replace(SHIPPED, name="linear softmax", linear=True),
)
CHOICES = (  # each adds one thing to the one before
    Recipe("choice: paper's recipe", "paper", 0.2),
    Recipe("choice: + hypothetical prototypes, full ranges", "wide", 0.2),
    Recipe("choice: + any size, shape and order of axes", "shaped", 0.2),
    Recipe("choice: + mistaken scale", "scaled", 0.2),
    Recipe("choice: + amorphous film", "shipped", 0.2),
    Recipe("choice: + falling learning rate", "shipped", 0.2, cosine=True),
    Recipe(
        "choice: + last epochs on the paper's crystals", "shipped", 0.2, cosine=True, finish=True
    ),
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
            CHOICE_CRYSTALS if recipe in CHOICES else parameters.size,
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
            folder=_network_folder(folder, recipe.name),
        )
    if not recipe.finish:
        return network
    size = max(len(CLASSES), round(FINISH_SHARE * size))
    _, used = split_watched(len(dataset), seed=parameters.seed)
    again = used[: size // 2]
    dataset = Dataset(dataset.images[again], dataset.labels[again], dataset.crystals[again])
    paper = _draw(folder, "paper", size, parameters, executor, progress)
    with timed(folder, f"finish {recipe.name}"):
        return _finish(network, [paper, dataset], recipe.name, folder, parameters.seed, progress)


def finished_network(folder: Path, recipe: Recipe) -> keras.Model:
    """Load the network of a finished run."""
    if recipe.finish:
        path = _network_folder(folder, f"{recipe.name} finish") / f"epoch_{FINISH_EPOCHS}.keras"
    else:
        path = _network_folder(folder, recipe.name) / f"epoch_{recipe.epochs}.keras"
    return keras.models.load_model(path)


def _draw(folder, variety, size, parameters, executor, progress):
    drawn = folder / "crystals" / variety
    with timed(folder, f"draw {variety}"):
        return pristine_dataset(
            size, parameters.seed + 1, VARIETIES[variety], executor, progress, drawn
        )


def _finish(network, datasets, name, folder, seed, progress):
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
        callbacks=_bar(f"{name}, last epochs", progress),
        cosine=True,
        folder=_network_folder(folder, f"{name} finish"),
    )
    last = network.history.history
    network.history.history = {
        key: values + last.get(key, [""] * FINISH_EPOCHS) for key, values in losses.items()
    }
    return network


def _network_folder(folder, name):
    return folder / "networks" / name.replace(" ", "_")


def _bar(name, progress):
    return [TqdmCallback(desc=name, verbose=0)] if progress else []
