"""Reproduce Table 1: train, damage, classify, report; each step goes on where it stopped."""

import json
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
from tqdm.keras import TqdmCallback

from crystutor._keras import keras
from crystutor.convnet import build_linear_softmax, predict_probabilities
from crystutor.crystal.space_groups import CLASSES
from crystutor.executors import map_in_order
from crystutor.files import write_text
from crystutor.table1.benchmark import BLOCK, Network, classify_damaged, damaged_block
from crystutor.table1.recipes import (
    CALIBRATION_SIZE,
    FINE_TUNING_EPOCHS,
    FINE_TUNING_RATE,
    FINE_TUNING_SIZE,
    RECIPES,
    VARIETIES,
    Recipe,
)
from crystutor.table1.report import write_report
from crystutor.table1.run_folder import PAPER_RUN, Parameters, claim_folder, timed
from crystutor.training.calibration import apply_temperature, fit_temperature
from crystutor.training.dataset import Dataset, pristine_dataset
from crystutor.training.fit import split_validation, train_convnet


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
        Folder of the run: new, empty, or that of the same run, which then goes on where it
        stopped.
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
        ``training.csv``, ``ablation.md``, ``calibration.csv`` and ``calibration.md`` (how probable
        answers are, and how many are right), ``witnesses.md`` (what `crystutor.classify`, network
        and average structure together, answers, and how many outsiders it names) and
        ``seconds.json``, the time that each step took.

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
        for recipe in RECIPES
    }
    for recipe in RECIPES:
        if recipe.calibrated:
            _calibrate(folder, recipe, parameters, executor)
    networks = [
        Network(
            recipe.name,
            partial(predict_probabilities, finished_network(folder, recipe)),
            recipe.max_images_per_level or parameters.size,
        )
        for recipe in RECIPES
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
    """Sample the crystals of a recipe and train its network, or load what is finished.

    These crystals differ from those that are damaged and classified later.
    """
    size = max(len(CLASSES), round(recipe.relative_size * parameters.size))
    dataset = _sample(folder, recipe.variety, size, parameters, executor, progress)
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
    if not recipe.fine_tuned:
        return network
    size = max(len(CLASSES), round(FINE_TUNING_SIZE * size))
    _, used = split_validation(len(dataset), seed=parameters.seed)
    again = used[: size // 2]
    dataset = Dataset(dataset.images[again], dataset.labels[again], dataset.crystals[again])
    tuning = _sample(folder, "fine-tuning", size, parameters, executor, progress)
    with timed(folder, f"fine-tune {recipe.name}"):
        return _fine_tune(network, [tuning, dataset], recipe, folder, parameters.seed, progress)


def finished_network(folder: Path, recipe: Recipe) -> keras.Model:
    """Load the network of a finished run; a calibrated one has its temperature in its weights."""
    network = _uncalibrated(folder, recipe)
    if recipe.calibrated:
        apply_temperature(network, temperature_of(folder, recipe))
    return network


def temperature_of(folder: Path, recipe: Recipe) -> float:
    """Load the temperature of a calibrated network."""
    return json.loads(_temperature_file(folder, recipe).read_text(encoding="utf-8"))


def _uncalibrated(folder, recipe):
    trained = recipe.folder, recipe.epochs
    tuned = recipe.fine_tuned_folder, FINE_TUNING_EPOCHS
    name, epoch = tuned if recipe.fine_tuned else trained
    return keras.models.load_model(folder / "networks" / name / f"epoch_{epoch}.keras")


def _temperature_file(folder, recipe):
    return folder / "networks" / recipe.fine_tuned_folder / "temperature.json"


def _calibrate(folder, recipe, parameters, executor):
    """Fit the temperature on damaged crystals, neither those of the training nor of the table."""
    path = _temperature_file(folder, recipe)
    if path.exists():
        return
    n = max(len(CLASSES), round(CALIBRATION_SIZE * parameters.size))
    damaged = partial(damaged_block, Parameters(n, n, 0, parameters.seed + 2))
    with timed(folder, f"calibrate {recipe.name}"):
        blocks = map_in_order(damaged, range(0, n, BLOCK), executor)
        seen = [crystal for block in blocks for crystal in block if crystal.image.any()]
        images = np.stack([crystal.image for crystal in seen])
        labels = np.array([CLASSES.index(crystal.label) for crystal in seen])
        said = predict_probabilities(_uncalibrated(folder, recipe), images)
        write_text(path, json.dumps(fit_temperature(said, labels)))


def _sample(folder, variety, size, parameters, executor, progress):
    kept = folder / "crystals" / variety
    with timed(folder, f"sample {variety}"):
        return pristine_dataset(
            size, parameters.seed + 1, VARIETIES[variety], executor, progress, kept
        )


def _fine_tune(network, datasets, recipe, folder, seed, progress):
    """Train further, on the paper's crystals and on some of the first ones."""
    losses = network.history.history
    network.optimizer.learning_rate = FINE_TUNING_RATE
    network = train_convnet(
        np.concatenate([dataset.images for dataset in datasets]),
        np.concatenate([dataset.labels for dataset in datasets]),
        convnet=network,
        epochs=FINE_TUNING_EPOCHS,
        validation_fraction=0,
        seed=seed,
        callbacks=_bar(f"{recipe.name}, fine-tuning", progress),
        cosine=True,
        folder=folder / "networks" / recipe.fine_tuned_folder,
    )
    last = network.history.history
    network.history.history = {
        key: values + last.get(key, [""] * FINE_TUNING_EPOCHS) for key, values in losses.items()
    }
    return network


def _bar(name, progress):
    return [TqdmCallback(desc=name, verbose=0)] if progress else []
