"""CIF, small and large: cell, sites and symmetry of each data block."""

import math
import re
from dataclasses import dataclass
from functools import cache, partial

import gemmi
import numpy as np
from pymatgen.core import Element, Lattice, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import crystal, with_warnings
from crystutor.crystal.reading.parsers import Load, parsing
from crystutor.crystal.structures import MIN_VOLUME, NOT_FINITE, ZERO_VOLUME
from crystutor.crystal.symmetry.blocks import candidate_operators, tag_value
from crystutor.crystal.symmetry.occupancies import ISOTOPES, majority
from crystutor.crystal.symmetry.orbits import ROUNDING, expand, merge

COLUMNS = ("fract_x", "fract_y", "fract_z", "?type_symbol", "?label", "?occupancy", "?calc_flag")
DIFFERENT = 0.02  # share of the atoms that may be more or fewer than formula times Z
UNKNOWN = ("?", ".", "")


def frames_of_cif(text: str) -> list[Load]:
    """Every data block that holds atoms."""
    with parsing("cif"):
        document = _document(text)
    blocks = [block for block in document if _sites_table(block) is not None]
    if not blocks:
        raise InputError(
            "not readable as cif, no atoms with fractional coordinates (_atom_site_fract_x) found"
        )
    return [partial(_structure, block, document) for block in blocks]


def _document(text):
    try:
        return gemmi.cif.read_string(text)
    except RuntimeError as error:
        if "duplicate block name" not in str(error):
            raise
        return gemmi.cif.read_string(text, 0)  # several files in one


def _sites_table(block):
    for category in ("_atom_site_", "_atom_site."):
        table = block.find(category, list(COLUMNS))
        if len(table):
            return table
    return None


@dataclass(frozen=True)
class _Expanded:
    """All atoms of the cell by one choice of the symmetry."""

    fractions: np.ndarray
    occupancies: list[dict[str, float]]
    warnings: tuple[str, ...]
    origin: str
    merged: bool

    def counts(self) -> dict[str, float]:
        counts: dict[str, float] = {}
        for place in self.occupancies:
            for element, share in place.items():
                counts[element] = counts.get(element, 0.0) + share
        return counts


def _structure(block: gemmi.cif.Block, document: gemmi.cif.Document) -> Structure:
    """Expand a block. The document comes along because gemmi keeps the text in it."""
    lattice, warnings = _lattice(block)
    fractions, species, more = _sites(block)
    warnings += more
    matrix = lattice.matrix
    candidates = [
        _expanded(fractions, species, operators, matrix)
        for operators in candidate_operators(block, matrix @ matrix.T)
    ]
    formula, Z = _formula(block)
    best = min(candidates, key=partial(_badness, formula=formula, Z=Z))
    numbers, partly = majority(best.occupancies)
    kept = [index for index, number in enumerate(numbers) if number is not None]
    if not kept:
        raise InputError("all its sites are less than half occupied, no atoms are left")
    chosen = [number for number in numbers if number is not None]
    structure = crystal(lattice, chosen, best.fractions[kept])
    told = _against_formula(best.counts(), formula, Z)
    with_warnings(structure, *warnings, *best.warnings, *partly, told)
    return structure


def _lattice(block):
    lengths = [_cell_number(block, f"length_{name}") for name in "abc"]
    angles = [_cell_number(block, f"angle_{name}") for name in ("alpha", "beta", "gamma")]
    if None in lengths:
        raise InputError("not readable as cif, _cell_length_a, _b and _c are needed")
    warnings = ["angles of the cell not told: 90° taken"] if None in angles else []
    angles = [90.0 if angle is None else angle for angle in angles]
    if not np.isfinite([*lengths, *angles]).all():
        raise InputError(NOT_FINITE)
    if min(lengths) <= 0 or not all(0 < angle < 180 for angle in angles):
        raise InputError(ZERO_VOLUME)
    cosines = np.cos(np.radians(angles))
    if 1 + 2 * cosines.prod() - (cosines**2).sum() <= 1e-6 or np.prod(lengths) < MIN_VOLUME:
        raise InputError(ZERO_VOLUME)
    return Lattice.from_parameters(*lengths, *angles), warnings


def _cell_number(block, name):
    text = tag_value(block, f"_cell_{name}")
    if not text:
        return None
    value = gemmi.cif.as_number(text)
    if np.isnan(value):
        raise InputError(f"_cell_{name} is '{text[:20]}', a number is needed")
    return value


def _sites(block):
    """Fractional coordinates, shape (n, 3), occupancies by element, and warnings."""
    fractions, species, left_out = [], [], 0
    for row in _sites_table(block):
        texts = [row.str(i).strip() for i in range(3)]
        symbol, label, occupancy, flag = (
            row.str(i).strip() if row.has(i) else "" for i in range(3, 7)
        )
        share = 1.0 if occupancy in UNKNOWN else gemmi.cif.as_number(occupancy)
        if any(text in UNKNOWN for text in texts) or flag == "dum" or share == 0:
            left_out += 1
            continue
        site = [gemmi.cif.as_number(text) for text in texts]
        if any(map(math.isnan, site)) or not 0 <= share < 100:
            raise InputError(f"atom {label or symbol}: {texts}, {occupancy} are no coordinates")
        fractions.append(site)
        species.append({_element(symbol, label): share})
    if not fractions:
        raise InputError("not readable as cif, it holds no atoms with coordinates")
    if not np.isfinite(fractions).all():
        raise InputError(NOT_FINITE)
    told = [f"{left_out} sites without coordinates or atoms left out"] if left_out else []
    return np.array(fractions), species, told


@cache
def _element(symbol, label):
    """Symbol of the element in "Fe3+", "CU" or, if there is no type, in a label as "Ag1"."""
    text = symbol if symbol not in UNKNOWN else label
    if text.lower().startswith("wat"):
        return "O"
    letters = "".join(re.findall(r"^[A-Za-z]*", text)).capitalize()
    for name in (letters[:2], letters[:1]):
        if Element.is_valid_symbol(name) or name in ISOTOPES:
            return ISOTOPES.get(name, name)
    raise InputError(f"species {text or '?'} is not a chemical element")


def _expanded(fractions, species, operators, matrix):
    atoms, parents, moved = expand(fractions, operators, matrix)
    places, occupancies, n_doubled = merge(atoms, species, parents, matrix)
    warnings = [operators.warning] if operators.warning else []
    if moved > ROUNDING:
        warnings.append(f"images of an atom up to {2 * moved:.1f} Å apart merged")
    if n_doubled:
        warnings.append(f"{n_doubled} atoms merged with others at the same place")
    merged = moved > ROUNDING or n_doubled > 0
    return _Expanded(places, occupancies, tuple(warnings), operators.origin, merged)


def _badness(candidate, formula, Z):
    """Order of choices of the symmetry: by the formula; of origins, by the fewest atoms."""
    different = round(_difference(candidate.counts(), formula, Z), 2)
    if not candidate.origin:
        return different, False, 0
    return different, candidate.merged, len(candidate.fractions)


def _formula(block):
    """Formula, keyed by element, and formula units in the cell; empty and 0 if unknown."""
    text = tag_value(block, "_chemical_formula_sum")
    formula: dict[str, float] = {}
    for element, count in re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", text):
        element = ISOTOPES.get(element, element)
        formula[element] = formula.get(element, 0.0) + (float(count) if count else 1.0)
    units = gemmi.cif.as_number(tag_value(block, "_cell_formula_units_Z") or "?")
    return formula, units if units > 0 else 0.0


def _difference(counts, formula, Z):
    """Share of the atoms that differs from Z times the formula; if not told, Z is any whole number.

    pymatgen and ASE write the contents of the whole cell as the formula, and Z beside it.
    """
    total = sum(formula.values())
    if not total:
        return 0.0
    n_atoms = sum(counts.values())
    factors = [Z or max(1, round(n_atoms / total))]
    if Z and all(count % Z == 0 for count in formula.values()):
        factors.append(1.0)
    elements = {*counts, *formula}
    return min(
        sum(abs(counts.get(e, 0.0) - factor * formula.get(e, 0.0)) for e in elements)
        / max(n_atoms, factor * total)
        for factor in factors
    )


def _against_formula(counts, formula, Z):
    if _difference(counts, formula, Z) <= DIFFERENT:
        return ""
    told = " ".join(f"{element}{count:g}" for element, count in formula.items())
    found = " ".join(f"{element}{count:.4g}" for element, count in sorted(counts.items()))
    return f"the cell holds {found}, the file's formula is {told}" + (f", Z = {Z:g}" if Z else "")
