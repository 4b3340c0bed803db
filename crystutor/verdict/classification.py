"""The answer of `classify`, and how it is said in one line."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from crystutor.crystal.average.cell import AverageCell
from crystutor.crystal.average.structure import AverageStructure
from crystutor.crystal.lattice.translations import REASONS as LATTICE_REASONS
from crystutor.crystal.structures import BareStructure

CONTRADICTION = "class and lattice differ"
OUTSIDE = "none of the classes"
DISAGREEMENT = "class and average structure differ"
WORTH_NAMING = 5e-5  # probability of a second class in the line: 0.01 % or more, rounded
SUREST = 0.9999  # no line says 100 %: the network can be wrong
REASONS = (*LATTICE_REASONS, CONTRADICTION, OUTSIDE, DISAGREEMENT)


@dataclass(frozen=True, eq=False, repr=False)
class Classification:
    """The crystal class of a structure, and the space group of its average.

    The class is that of the places of the atoms: it does not see elements.

    Attributes
    ----------
    label : most probable of `CLASSES` for the network, or else of those that lattice and average
        structure allow, or None
    probability : probability of that class, in [0, 1]; 0 without a label
    probabilities : probability of each class, keyed by class; the network's mean over the
        lattices that fit, by weight; empty if there is no lattice
    space_group : international number of the average structure, with its elements, or None
    symbol : its Hermann-Mauguin symbol, or ""
    site_space_group : the number with all atoms alike, or None
    cell : average cell of the places, the weightiest if several lattices fit, or None
    average : average structure, or None
    overlap : share of the atoms that the lattice's vectors move onto atoms; 0 without a lattice
    reason : one of `REASONS` if the label is None; else None
    note : why there is no label, or what to beware of; may be empty
    warnings : what was guessed about the input
    elements : chemical symbols
    atoms : the atoms that were given to `fingerprint`, as arrays, or None
    image : their fingerprint, shape (64, 64, 3), float32, in [0, 1], or None
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]
    space_group: int | None = None
    symbol: str = ""
    site_space_group: int | None = None
    cell: AverageCell | None = None
    average: AverageStructure | None = None
    overlap: float = 0.0
    reason: str | None = None
    note: str = ""
    warnings: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    atoms: BareStructure | None = None
    image: np.ndarray | None = None

    @property
    def cluster(self) -> Structure | None:
        """The atoms that were given to `fingerprint`, or None."""
        return None if self.atoms is None else self.atoms.structure

    def __repr__(self) -> str:
        return f"<Classification: {self.describe()}>"

    def describe(self) -> str:
        """Say it in one line: of a compound, the crystal leads; of an element, the class."""
        named = f"no class: {self.note}"
        if self.label is not None:
            rest = [name for name in self.probabilities if name != self.label]
            runner_up = max(rest, key=lambda name: self.probabilities[name])
            named = f"{self.label} {min(self.probability, SUREST):.2%}"
            worth_naming = WORTH_NAMING <= self.probabilities[runner_up] <= self.probability
            if len(self.elements) < 2 and worth_naming:
                named += f", next {runner_up} {self.probabilities[runner_up]:.2%}"
            named += f"; {self.note}" if self.note else ""
        if self.space_group is None or self.average is None:
            return named
        group = f"space group {self.symbol} ({self.space_group})"
        if len(self.elements) < 2:
            return f"{named}; {group}"
        lattice = f"lattice {self.average.bravais} {_edges(self.average)} Å"
        return f"{group}, {lattice}; sites with elements ignored: {named}"


def _edges(average):
    """Lengths of the edges of a conventional cell that its symmetry leaves different."""
    free = {"c": [0], "t": [0, 2], "h": [0, 2]}.get(average.bravais[0], [0, 1, 2])
    return " x ".join(f"{average.lengths[edge]:.2f}" for edge in free)
