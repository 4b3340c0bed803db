"""The levels of damage of Table 1 of the paper, and beyond."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from crystutor.crystal.defects import displace_atoms, remove_atoms, substitute_atoms


@dataclass(frozen=True)
class Level:
    """A level of damage.

    Attributes
    ----------
    name : name in the tables
    displacement : standard deviation per Cartesian component [Å]
    vacancies : fraction of atoms removed
    substitution : fraction of atoms replaced, by one or two elements with equal probability
    in_paper : whether Table 1 of the paper has the level
    """

    name: str
    displacement: float = 0.0
    vacancies: float = 0.0
    substitution: float = 0.0
    in_paper: bool = False

    def damage(self, cluster: Structure, rng: np.random.Generator) -> Structure:
        """Damage a cluster; the given one is not changed."""
        n_species = int(rng.integers(1, 3))
        if self.substitution:
            cluster = substitute_atoms(cluster, self.substitution, n_species, rng.integers(2**32))
        if self.displacement:
            cluster = displace_atoms(cluster, self.displacement, rng.integers(2**32))
        if self.vacancies:
            cluster = remove_atoms(cluster, self.vacancies, rng.integers(2**32))
        return cluster


LEVELS = (
    Level("pristine", in_paper=True),
    *(Level(f"{s} Å", s, in_paper=True) for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.06)),
    *(Level(f"{x:.0%}", vacancies=x, in_paper=True) for x in (0.01, 0.02, 0.15, 0.25)),
    *(Level(f"{s} Å", s) for s in (0.08, 0.1, 0.2)),
    *(Level(f"{x:.0%}", vacancies=x) for x in (0.4, 0.5, 0.6, 0.7)),
    *(Level(f"{x:.0%} substituted", substitution=x) for x in (0.1, 0.25, 0.5)),
    Level("0.06 Å + 25%", 0.06, 0.25),
    Level("0.1 Å + 40%", 0.1, 0.4),
)
