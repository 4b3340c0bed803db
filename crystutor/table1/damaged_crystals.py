"""Damaged crystals, and all that workers find out about them without a network."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pymatgen.core import Structure

from crystutor.crystal.space_groups import CLASSES, SPACE_GROUP_CLASSES
from crystutor.detector import IMAGE_SHAPE
from crystutor.diffraction import fingerprint
from crystutor.table1.baselines import BASELINES
from crystutor.table1.damage_levels import LEVELS
from crystutor.table1.outsiders import OUTSIDE, sample_outsider
from crystutor.table1.run_folder import Parameters
from crystutor.training.random_crystals import PAPER_VARIETY, sample_cluster
from crystutor.verdict.evidence import Evidence, evidence_or_error

AVERAGE, BOTH = "average structure", "both witnesses"  # in the tables; both are `classify`


@dataclass(frozen=True, eq=False)
class DamagedCrystal:
    """A crystal at one level of damage.

    Attributes
    ----------
    index : number of the crystal
    level : name of the level
    label : class before the damage, or `OUTSIDE`
    image : fingerprint, shape (64, 64, 3), float16, in [0, 1]
    milliseconds : time to make the image
    evidence : what `crystutor.classify` finds out before it asks the network, an error, or None if
        it is not asked for
    evidence_milliseconds : time to find it
    answers : class or None, and milliseconds, of each method that needs no network, by name
    """

    index: int
    level: str
    label: str
    image: np.ndarray
    milliseconds: float
    evidence: Evidence | ValueError | None = None
    evidence_milliseconds: float = 0.0
    answers: dict[str, tuple[str | None, float]] = field(default_factory=dict)


def damage_crystal(parameters: Parameters, index: int) -> Iterator[DamagedCrystal]:
    """Sample a crystal, and damage it at all levels that want it."""
    rng = np.random.default_rng([parameters.seed, index])
    label = CLASSES[index % len(CLASSES)]
    cluster, _ = sample_cluster(label, PAPER_VARIETY, rng)
    for number, limit in enumerate(parameters.limits()):
        if index < limit:
            level_rng = np.random.default_rng([parameters.seed, index, number])
            damaged = LEVELS[number].damage(cluster, level_rng)
            image, milliseconds = timed_call(_fingerprint_or_nothing, damaged)
            more = {}
            if index < parameters.baseline_sample:
                more = _evidence_about(damaged)
                more["answers"] |= _answers_of_baselines(damaged)
            name = LEVELS[number].name
            yield DamagedCrystal(index, name, label, image.astype(np.float16), milliseconds, **more)


def damage_outsider(parameters: Parameters, index: int) -> Iterator[DamagedCrystal]:
    """Sample a crystal that no class is right for, and damage it at all levels.

    Its image is the one that `crystutor.classify` makes; it is black if there is no lattice.
    """
    seeds = [parameters.seed, index, len(LEVELS)]  # beside those of the levels
    crystal = sample_outsider(np.random.default_rng(seeds))
    for number, level in enumerate(LEVELS):
        damaged = level.damage(crystal, np.random.default_rng([*seeds, number]))
        more = _evidence_about(damaged)
        found, milliseconds = more["evidence"], more["evidence_milliseconds"]
        images = found.images if isinstance(found, Evidence) else np.zeros((0, 0))
        image = images[0, 0] if images.size else np.zeros(IMAGE_SHAPE)
        image = image.astype(np.float16)
        yield DamagedCrystal(index, level.name, OUTSIDE, image, milliseconds, **more)


def timed_call(function: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    """Return what a function returns, and the time that it took [ms]."""
    start = time.perf_counter()
    answer = function(argument)
    return answer, 1000 * (time.perf_counter() - start)


def _evidence_about(structure):
    """Evidence, and the answer of the average structure."""
    evidence, milliseconds = timed_call(evidence_or_error, structure)
    return {
        "evidence": evidence,
        "evidence_milliseconds": milliseconds,
        "answers": {AVERAGE: (_class_of_average(evidence), milliseconds)},
    }


def _answers_of_baselines(structure):
    return {
        baseline.name: timed_call(baseline.classify, structure)
        for baseline in BASELINES
        if baseline.is_installed
    }


def _class_of_average(found):
    """Class of the group of the places; None if there is none."""
    average = found.average if isinstance(found, Evidence) else None
    return SPACE_GROUP_CLASSES.get(average.site_space_group or 0) if average else None


def _fingerprint_or_nothing(structure: Structure) -> np.ndarray:
    """A fingerprint, or a black image where two atoms were moved onto each other."""
    try:
        return fingerprint(structure)
    except ValueError:
        return np.zeros(IMAGE_SHAPE, np.float32)
