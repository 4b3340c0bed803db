"""Make the shipped network: draw perfect crystals, train, write weights and their record.

    python tools/train_weights.py --out build/weights

Killed and started again, it goes on: with the data set if that is finished, and after the last
finished epoch.
"""

import argparse
import json
import platform
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np

from crystutor.convnet import build_convnet, train_convnet
from crystutor.dataset import Variety, load_dataset, pristine_dataset, save_dataset

DATA = Path(__file__).parents[1] / "crystutor" / "data"
PACKAGES = ("numpy", "spglib", "gemmi", "pymatgen", "keras", "tensorflow-cpu")


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    dataset = make_dataset(options)
    convnet = train(dataset, options)
    shipped = build_convnet()  # without the optimiser's memory
    shipped.set_weights(convnet.get_weights())
    shipped.save_weights(options.out / "convnet.weights.h5")
    (options.out / "convnet.weights.h5").replace(DATA / "convnet.weights.h5")
    record = {
        "command": f"python tools/train_weights.py --size {options.size} "
        f"--epochs {options.epochs} --seed {options.seed}",
        "seed": options.seed,
        "crystals": options.size,
        "epochs": options.epochs,
        "variety": vars(Variety()),
        "last epoch": {name: values[-1] for name, values in convnet.history.history.items()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    (DATA / "convnet.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for unfinished work")
    parser.add_argument("--size", type=int, default=24_500, help="number of crystals")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def make_dataset(options):
    path = options.out / f"pristine_{options.size}_{options.seed}.npz"
    if not path.exists():
        with ProcessPoolExecutor(options.workers) as executor:
            dataset = pristine_dataset(options.size, options.seed, executor=executor, progress=True)
        save_dataset(dataset, path)
    return load_dataset(path)


def train(dataset, options):
    import keras
    from tqdm.keras import TqdmCallback

    def decay(epoch, _):
        return 1e-3 * (1 + np.cos(np.pi * epoch / options.epochs)) / 2

    callbacks = [
        keras.callbacks.LearningRateScheduler(decay),
        keras.callbacks.BackupAndRestore(options.out / "epochs"),
        keras.callbacks.CSVLogger(options.out / "history.csv", append=True),
        TqdmCallback(verbose=0),
    ]
    return train_convnet(
        dataset.images,
        dataset.labels,
        epochs=options.epochs,
        seed=options.seed,
        callbacks=callbacks,
    )


if __name__ == "__main__":
    main()
