"""Network and average structure, weighed against each other."""

from dataclasses import replace

import numpy as np

from crystutor.crystal.space_groups import CLASS_LATTICES, CLASSES, SPACE_GROUP_CLASSES
from crystutor.verdict.classification import (
    CONTRADICTION,
    DISAGREEMENT,
    OUTSIDE,
    Classification,
)
from crystutor.verdict.evidence import Evidence

OVERLOOKED = 0.05  # expected number of sites that are empty in all cells
STRAINED = {  # subgroups of a cubic class's group with the same places in a strained lattice
    "sc": ("hex/rh",),
    "fcc": ("bct139", "hex/rh"),
    "diam": ("bct141", "hex/rh"),
    "bcc": ("bct139", "hex/rh"),
}
BARELY = 1e-3  # least probability of a class that the network leaves open


def weigh(found: Evidence, probabilities: np.ndarray) -> Classification:
    """Weigh the evidence about a structure against what the network says.

    Parameters
    ----------
    found
        The evidence.
    probabilities
        Of each class for each image, shape (n_clusters, n_cells, 7), in [0, 1].

    Returns
    -------
    Classification
        With the network's label, unless the lattice or the average structure excludes it; or else
        with the most probable class that both allow and the network leaves open; or else with
        none. Of a compound, the network is believed with all atoms alike, or else with their
        elements: some arrangements of places it knows only so.
    """
    average = found.average
    if average is None:
        return Classification(
            None,
            0.0,
            {},
            reason=found.reason,
            note=found.note,
            warnings=found.warnings,
            elements=found.elements,
        )
    weights = np.array([cell.weight for cell in found.cells])
    first, *others = [
        _with_second_witness(_one_answer(found, n, weights @ said / weights.sum()))
        for n, said in enumerate(probabilities)
    ]
    if first.label is not None:
        return first
    for answer in others:
        if answer.label is not None:
            return _with_note(answer, "named by its elements' electrons")
    for answer in (first, *others):
        label = _left_open(answer)
        if label is not None:
            likely = answer.probabilities[label]
            named = replace(answer, label=label, probability=likely, reason=None)
            return _with_note(named, "named by lattice and average structure")
    return first


def _one_answer(found, n, probabilities):
    """What the network says of one cluster, beside the other evidence."""
    average = found.average
    return replace(
        most_probable(probabilities),
        space_group=average.space_group,
        symbol=average.symbol,
        site_space_group=average.site_space_group,
        cell=found.cells[0],
        average=average,
        overlap=found.cells[0].overlap,
        note=found.note,
        warnings=found.warnings,
        elements=found.elements,
        atoms=found.clusters[n],
        image=found.images[n, 0],
    )


def most_probable(probabilities: np.ndarray) -> Classification:
    """Take the network at its word; its probabilities have shape (7,)."""
    named = dict(zip(CLASSES, map(float, probabilities), strict=True))
    label = max(named, key=lambda name: named[name])
    return Classification(label, named[label], named)


def _with_second_witness(answer):
    """Take the label away where lattice or average structure exclude it."""
    if not _has_lattice(answer.label, answer.cell):
        lattice = f"is {answer.cell.bravais}, which that class does not have"
        if answer.cell.bravais == "other":
            lattice = "is less symmetric than any of the classes has"
        return _without_label(answer, CONTRADICTION, f"the lattice {lattice}")
    average = answer.average
    if answer.label in _classes_of(average) or not _is_sure(average):
        return answer
    places = f"the places have space group {average.site_symbol} ({average.site_space_group})"
    if SPACE_GROUP_CLASSES.get(average.site_space_group) is None:
        return _without_label(answer, OUTSIDE, f"{places}, which no class has")
    return _without_label(answer, DISAGREEMENT, f"{places}, which that class does not have")


def _left_open(answer):
    """The most probable class that lattice and average structure allow, and the network, or None.

    A class is a space group. The average structure has one, within the errors of its sites.
    """
    if not _is_sure(answer.average):
        return None
    allowed = [
        label
        for label in CLASSES
        if answer.probabilities[label] >= BARELY
        and label in _classes_of(answer.average)
        and _has_lattice(label, answer.cell)
    ]
    return max(allowed, key=lambda label: answer.probabilities[label], default=None)


def _has_lattice(label, cell):
    """Whether a class has one of the lattices that fit."""
    return bool(set(CLASS_LATTICES[label]) & set(cell.possible))


def _classes_of(average):
    """Classes of the groups that the places may have, in a cubic lattice or a strained one.

    Whether there is a strain, the lattice tells.
    """
    groups = average.possible_site_space_groups & SPACE_GROUP_CLASSES.keys()
    classes = {SPACE_GROUP_CLASSES[group] for group in groups}
    return classes.union(*(STRAINED.get(label, ()) for label in classes))


def _is_sure(average):
    """Whether hardly a site can have been overlooked because it is empty in all cells."""
    shares = [sum(site.values()) for site in average.occupancies]
    vacant = min(1.0, max(0.0, 1 - float(np.mean(shares))))
    return len(shares) * vacant**average.n_cells < OVERLOOKED


def _without_label(answer, reason, why):
    note = f"the network says {answer.label}, {answer.probability:.0%}, but {why}"
    return _with_note(replace(answer, label=None, probability=0.0, reason=reason), note)


def _with_note(answer, note):
    """Put a note in front of those that an answer has."""
    return replace(answer, note="; ".join(filter(None, (note, answer.note))))
