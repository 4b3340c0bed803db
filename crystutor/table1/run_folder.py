"""The folder of a run: its parameters, which run it belongs to, the time of each stage."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from crystutor.arguments import InputError
from crystutor.crystal.space_groups import CLASSES
from crystutor.files import write_text
from crystutor.table1.baselines import BASELINES
from crystutor.table1.damage_levels import LEVELS

FORMAT = 2  # of the blocks; a run goes on with blocks of the same format only


@dataclass(frozen=True)
class Parameters:
    """Parameters that decide the numbers of a run.

    Attributes
    ----------
    size : number of crystals
    extra_size : number of crystals at levels that the paper does not have
    baseline_sample : number of crystals that the slow baselines classify
    seed : seed of all random numbers

    Raises
    ------
    ValueError
        If size is smaller than the number of classes.
    """

    size: int = 10_517
    extra_size: int = 2_000
    baseline_sample: int = 700
    seed: int = 2018

    def __post_init__(self) -> None:
        if self.size < len(CLASSES):
            raise InputError(
                f"size is {self.size}; at least {len(CLASSES)}, one crystal a class, is accepted"
            )

    def limits(self) -> list[int]:
        """How many crystals are damaged at each of `LEVELS`."""
        extra = min(self.extra_size, self.size)
        return [self.size if level.in_paper else extra for level in LEVELS]


PAPER_RUN = Parameters()


def claim_folder(folder: Path, parameters: Parameters) -> None:
    """Make the folder of a run, or check that it holds the same run.

    Raises
    ------
    ValueError
        If the folder holds a run with other parameters, or other files.
    """
    path = folder / "parameters.json"
    installed = [baseline.name for baseline in BASELINES if baseline.is_installed]
    wanted = asdict(parameters) | {"baselines": installed, "format": FORMAT}
    if path.exists():
        found = read_parameters(folder)
        if found != wanted:
            different = ", ".join(
                f"{k} {found.get(k)}" for k in wanted if found.get(k) != wanted[k]
            )
            raise InputError(
                f"{folder} holds a run with other parameters ({different}); repeat them to go on "
                "with it, or name another folder"
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} holds other files; a new or empty folder is accepted")
    else:
        write_text(path, json.dumps(wanted))


def read_parameters(folder: Path) -> dict:
    """Parameters of the run in a folder."""
    return json.loads((folder / "parameters.json").read_text(encoding="utf-8"))


@contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Add the time of a stage to the run's record, even if an error interrupts it."""
    path = folder / "seconds.json"
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - start, 1)
        write_text(path, json.dumps(seconds, indent=2))
