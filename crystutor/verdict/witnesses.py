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
        Without a label where lattice or average structure exclude it. Of a compound, the network
        is believed with all atoms alike, or else with their elements: some arrangements of places
        it knows only so.
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
    for answer in others:
        if first.label is None and answer.label is not None:
            note = "; ".join(filter(None, ("named by its elements' electrons", answer.note)))
            return replace(answer, note=note)
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
    if not set(CLASS_LATTICES[answer.label]) & set(answer.cell.possible):
        lattice = f"is {answer.cell.bravais}, which that class does not have"
        if answer.cell.bravais == "other":
            lattice = "is less symmetric than any of the classes has"
        return _without_label(answer, CONTRADICTION, f"the lattice {lattice}")
    average = answer.average
    classes = {SPACE_GROUP_CLASSES.get(group) for group in average.possible_site_space_groups}
    if answer.label in classes or not _is_sure(average):
        return answer
    places = f"the places have space group {average.site_symbol} ({average.site_space_group})"
    if SPACE_GROUP_CLASSES.get(average.site_space_group) is None:
        return _without_label(answer, OUTSIDE, f"{places}, which no class has")
    return _without_label(answer, DISAGREEMENT, f"{places}, which that class does not have")


def _is_sure(average):
    """Whether hardly a site can have been overlooked because it is empty in all cells."""
    shares = [sum(site.values()) for site in average.occupancies]
    vacant = min(1.0, max(0.0, 1 - float(np.mean(shares))))
    return len(shares) * vacant**average.n_cells < OVERLOOKED


def _without_label(answer, reason, why):
    note = f"the network says {answer.label}, {answer.probability:.0%}, but {why}"
    note = "; ".join(filter(None, (note, answer.note)))
    return replace(answer, label=None, probability=0.0, reason=reason, note=note)
