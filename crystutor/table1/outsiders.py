"""Outsiders: published crystals that belong to none of the seven classes."""

from functools import cache

import numpy as np
from pymatgen.core import Element, Structure

from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES, space_group
from crystutor.crystal.structures import MAX_ATOMIC_NUMBER, build_structure
from crystutor.crystal.supercells import random_supercell
from crystutor.table1.baselines import SPGLIB_TOLERANCES

OUTSIDE = "outside"  # in place of a class in the tables
EXACT = 1e-3  # tolerance of Spglib for perfect crystals [Å]
TOLERANCES = (EXACT, *SPGLIB_TOLERANCES)  # [Å]


def sample_outsider(rng: np.random.Generator) -> Structure:
    """Sample an outsider, a supercell of 150 to 400 atoms in a random orientation."""
    crystals = outsiders()
    return random_supercell(crystals[rng.integers(len(crystals))], rng)


@cache
def outsiders() -> tuple[Structure, ...]:
    """Prototypes of the AFLOW library that no class is right for, 176 primitive cells.

    Neither their space group nor that of their places, all atoms alike, is one of the eight, at any
    of the tolerances of the table. Eight more prototypes have one of them within 0.1 Å, such as
    CuFeS2 and two polytypes of SiC: no answer to these is right or wrong.

    References
    ----------
    M. J. Mehl et al., Comput. Mater. Sci. 136, S1 (2017), as they come with pymatgen.
    """
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY  # takes seconds

    cells = [_primitive(entry["snl"].structure) for entry in AFLOW_PROTOTYPE_LIBRARY]
    return tuple(cell for cell in cells if cell is not None and _is_outside(cell))


def _primitive(structure):
    """Primitive cell of bare elements, or None if there is no form factor for one of them."""
    if max(Element(str(symbol)).Z for symbol in structure.symbol_set) > MAX_ATOMIC_NUMBER:
        return None
    cell = structure.get_primitive_structure(tolerance=EXACT)
    return build_structure(cell.lattice, cell.atomic_numbers, cell.frac_coords)


def _is_outside(cell):
    alike = build_structure(cell.lattice, [6] * len(cell), cell.frac_coords)
    groups = {space_group(each, symprec) for each in (cell, alike) for symprec in TOLERANCES}
    return not groups & set(SPACE_GROUP_CLASSES)
