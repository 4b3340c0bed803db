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
    label : class before the damage
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
            more = _more_about(damaged) if index < parameters.baseline_sample else {}
            name = LEVELS[number].name
            yield DamagedCrystal(index, name, label, image.astype(np.float16), milliseconds, **more)


def timed_call(function: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    """Return what a function returns, and the time that it took [ms]."""
    start = time.perf_counter()
    answer = function(argument)
    return answer, 1000 * (time.perf_counter() - start)


def _more_about(structure):
    """Evidence, and the answers of average structure and installed baselines."""
    evidence, milliseconds = timed_call(evidence_or_error, structure)
    answers = {AVERAGE: (_class_of_average(evidence), milliseconds)}
    for baseline in BASELINES:
        if baseline.is_installed:
            answers[baseline.name] = timed_call(baseline.classify, structure)
    return {
        "evidence": evidence,
        "evidence_milliseconds": milliseconds,
        "answers": answers,
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
