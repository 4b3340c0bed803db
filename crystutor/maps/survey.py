"""All windows of a sample, here or in workers; finished parts survive a kill."""

import hashlib
import json
from concurrent.futures import Executor
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from crystutor.arguments import InputError
from crystutor.crystal.space_groups import CLASSES
from crystutor.executors import map_in_order
from crystutor.files import finished_file, write_text
from crystutor.maps.boxes import WINDOWS_PER_EDGE, Places, boxes_of
from crystutor.maps.windows import Task, Windows, look_at_windows, named_windows

if TYPE_CHECKING:
    from crystutor._keras import keras


def survey(
    places: Places,
    n_atoms: int,
    convnet: "keras.Model | None" = None,
    executor: Executor | None = None,
    progress: bool = False,
    folder: Path | None = None,
) -> Windows:
    """Look at all windows of a sample.

    Parameters
    ----------
    places
        Where atoms and windows are.
    n_atoms
        Number of atoms of a window.
    convnet
        Trained network; the one that comes with the package if not given.
    executor
        Any executor of `concurrent.futures`; its workers do all but the network's part.
    progress
        Whether to show a progress bar.
    folder
        Where finished boxes are kept; those that are there are not looked at again.

    Raises
    ------
    ValueError
        If the folder holds boxes of another sample or other windows.
    """
    boxes = list(boxes_of(places.centers, places.sample, WINDOWS_PER_EDGE * places.stride))
    if folder is not None:
        _claim(folder, places, n_atoms)
    done = [folder is not None and _path(folder, n).exists() for n in range(len(boxes))]
    tasks, asked = tee(_tasks(places, boxes, done, n_atoms))
    found = zip(asked, map_in_order(look_at_windows, tasks, executor), strict=True)
    parts = []
    for n, is_done in enumerate(tqdm(done, desc="windows", unit="box", disable=not progress)):
        if is_done:
            parts.append(_read(_path(folder, n)))
            continue
        task, arrays = next(found)
        parts.append(named_windows(task.centers, arrays, _predicted(arrays, convnet)))
        if folder is not None:
            _write(_path(folder, n), parts[-1])
    order = np.argsort(np.concatenate([box.members for box in boxes]))
    fields = vars(parts[0])
    return Windows(
        *(np.concatenate([vars(part)[name] for part in parts])[order] for name in fields)
    )


def _tasks(places, boxes, done, n_atoms):
    """The windows of each box that is not done, with the atoms around them."""
    for box in (box for box, is_done in zip(boxes, done, strict=True) if not is_done):
        near = places.around.around(box.center, box.radius + places.radius)
        atoms = places.around.points[near]
        yield Task(places.centers[box.members], atoms, places.radius, n_atoms)


def _predicted(arrays, convnet):
    """Probabilities of the classes of the windows with a lattice; 0 for the others."""
    known = arrays["bravais"] != ""
    probabilities = np.zeros((len(known), len(CLASSES)))
    if known.any():
        from crystutor.convnet import predict_probabilities, shared_convnet  # TensorFlow

        convnet = shared_convnet() if convnet is None else convnet
        images = arrays["images"][known].astype(np.float32)
        probabilities[known] = predict_probabilities(convnet, images)
    return probabilities


def _claim(folder, places, n_atoms):
    """Make the folder of a survey, or check that it holds the same one."""
    digest = hashlib.sha256(places.points.tobytes() + places.centers.tobytes()).hexdigest()
    wanted = {"n_atoms": n_atoms, "stride": places.stride, "sample_and_windows": digest}
    path = folder / "survey.json"
    if not path.exists():
        write_text(path, json.dumps(wanted))
    elif json.loads(path.read_text(encoding="utf-8")) != wanted:
        raise InputError(
            f"{folder} holds windows of another sample, stride or number of atoms; repeat those to "
            "go on with it, or name another folder"
        )


def _path(folder, n):
    return folder / f"box_{n:06d}.npz"


def _write(path, windows):
    with finished_file(path) as unfinished:
        np.savez(unfinished, **vars(windows))


def _read(path):
    with np.load(path, allow_pickle=False) as arrays:
        return Windows(**arrays)
