"""The symmetry of a CIF block: operators, or the space group's Hall symbol, name or number."""

import re
from dataclasses import dataclass, replace
from functools import partial

import gemmi
import numpy as np
from pymatgen.core.operations import SymmOp

GRID = 240  # translations of operators are multiples of 1/240: 1/2, 1/3, 1/5, 1/16
METRIC_TOLERANCE = 5e-3  # relative, of the cell under the operators
OPERATORS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop_magn_operation_mxmymz",
)
MAGNETIC = ("_space_group_symop_magn_operation.xyz", "_space_group_symop.magn_operation_xyz")
CENTERINGS = (
    "_space_group_symop_magn_centering.xyz",
    "_space_group_symop_magn_centering_xyz",
    "_space_group_symop.magn_centering_xyz",
)
HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
NAME = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_full",
    "_space_group_name_H-M_ref",
)
NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
SUFFIXES = {"S": ":1", "Z": ":2", "H": ":H", "R": ":R", "1": ":1", "2": ":2"}


@dataclass(frozen=True)
class Operators:
    """Symmetry operators x -> rotation @ x + translation, in fractional coordinates.

    Attributes
    ----------
    rotations : shape (n, 3, 3)
    translations : shape (n, 3)
    warning : what was guessed, in one clause
    origin : "1" or "2" if the file leaves the choice of the origin open, else ""
    """

    rotations: np.ndarray
    translations: np.ndarray
    warning: str = ""
    origin: str = ""

    def __len__(self) -> int:
        return len(self.rotations)


IDENTITY = Operators(np.eye(3)[None], np.zeros((1, 3)))


def tag_value(block: gemmi.cif.Block, *tags: str) -> str:
    """First value that is neither missing nor "?" nor "."; tags with "_" and with "."."""
    for tag in tags:
        for spelled in {tag: None, _dotted(tag): None}:
            value = block.find_value(spelled)
            text = gemmi.cif.as_string(value).strip() if value else ""
            if text and text not in "?.":
                return text
    return ""


def _dotted(tag):
    """Spelling of DDLm and mmCIF: _space_group.name_Hall."""
    category = next((c for c in ("_space_group", "_symmetry", "_cell") if tag.startswith(c)), None)
    return tag if category is None else f"{category}.{tag[len(category) + 1 :]}"


def candidate_operators(block: gemmi.cif.Block, metric: np.ndarray) -> list[Operators]:
    """Find the symmetry of a block, or several that it leaves open, the likeliest first.

    Parameters
    ----------
    block
        Data block of a CIF.
    metric
        Scalar products of the cell's edges, shape (3, 3) [Å^2].

    Raises
    ------
    ValueError
        If the symmetry that the file tells cannot be expanded.
    """
    listed, problem = _listed(block)
    named, group = _named(block, metric)
    if listed is None:
        if named:
            return [_also(one, problem) for one in named]
        if problem or group:
            raise ValueError(problem or f"space group {group} is unknown and has no operators")
        return [replace(IDENTITY, warning="no symmetry in the file: taken as P 1")]
    fits = [one for one in named if len(one) == len(listed)]
    if not named or fits:
        return [_also(listed, _misfit(listed, metric))]
    differ = f"{len(listed)} operators are listed, {group} has {len(named[0])}"
    if len(listed) == 1:
        return [_also(one, f"{differ}: its name is taken") for one in named] + [
            _also(listed, f"{differ}: those listed are taken")
        ]
    return [_also(listed, f"{differ}: those listed are taken")] + [
        _also(one, f"{differ}: its name is taken") for one in named
    ]


def _also(operators, warning):
    return replace(operators, warning=", ".join(filter(None, (operators.warning, warning))))


def _listed(block):
    """Operators that the file lists, or None and, if there are some, what is wrong with them."""
    texts = next((list(c) for c in map(partial(_column, block), OPERATORS + MAGNETIC) if c), [])
    if not texts:
        return None, ""
    try:
        operators = _parsed(texts)
        centerings = next((c for c in map(partial(_column, block), CENTERINGS) if c), [])
        if centerings:
            operators = _product(_parsed(centerings), operators)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
        return None, "an operator of symmetry is not readable"
    operators = _distinct(operators)
    if not _is_closed(operators):
        return None, "the operators of symmetry are incomplete or wrong"
    return operators, ""


def _column(block, tag):
    for spelled in (tag, _dotted(tag)):
        values = [gemmi.cif.as_string(value).strip() for value in block.find_values(spelled)]
        if any(value not in "?." for value in values):
            return values
    return []


def _parsed(texts):
    """Operators from texts such as "x, -y+1/2, z" or, with time reversal, "x,y,z,+1"."""
    for text in texts:
        if not re.fullmatch(r"[xyzXYZ0-9+\-*/., ]+", text) or text.count(",") not in (2, 3):
            raise ValueError(text)
    operations = [SymmOp.from_xyz_str(",".join(text.split(",")[:3])) for text in texts]
    translations = np.array([operation.translation_vector for operation in operations])
    on_grid = np.round(translations * GRID) / GRID
    near = abs(on_grid - translations) < 0.2 / GRID  # 0.333 is 1/3
    return Operators(
        np.array([operation.rotation_matrix for operation in operations]),
        np.where(near, on_grid, translations),
    )


def _product(outer, inner):
    """All operators of the outer after all of the inner."""
    rotations = np.einsum("iab,jbc->ijac", outer.rotations, inner.rotations)
    translations = np.einsum("iab,jb->ija", outer.rotations, inner.translations)
    translations += outer.translations[:, None]
    return Operators(rotations.reshape(-1, 3, 3), translations.reshape(-1, 3))


def _codes(operators):
    """A number for each operator; equal up to lattice translations means equal."""
    rotations = np.rint(operators.rotations).astype(np.int64).reshape(-1, 9) + 3
    translations = np.rint(operators.translations * GRID).astype(np.int64) % GRID
    code = np.zeros(len(operators), np.int64)
    for digits, base in ((rotations.T, 7), (translations.T, GRID)):
        for digit in digits:
            code = code * base + digit
    return code


def _distinct(operators):
    _, first = np.unique(_codes(operators), return_index=True)
    first = np.sort(first)
    return replace(
        operators, rotations=operators.rotations[first], translations=operators.translations[first]
    )


def _is_closed(operators):
    """Whether the product of any two is one of them: whether they are a group."""
    if len(operators) > 400:
        return False
    return bool(np.isin(_codes(_product(operators, operators)), _codes(operators)).all())


def _named(block, metric):
    """Operators by Hall symbol, name or number, and how the file calls the group."""
    hall, name, number = (tag_value(block, *tags) for tags in (HALL, NAME, NUMBER))
    found, told = _by_hall(hall), f"'{hall}'"
    if not name:
        found = [_also(one, "symmetry from the Hall symbol") for one in found]
    if not found and name:
        found, told = _by_name(name, metric), f"'{name}'"
    if not found and number:
        found, told = _by_number(number, metric), f"number {number}"
    return found, told if hall or name or number else ""


def _by_hall(symbol):
    if not symbol:
        return []
    try:
        operators = _from_gemmi(gemmi.symops_from_hall(symbol))
    except RuntimeError:
        return []
    return [operators]


def _by_name(name, metric):
    name = re.sub(r"\(.*\)|_", "", name).strip()
    short = re.match(r"(.*[^\s:])(?:\s*:\s*|\s+)([SZHR12])$", name)
    settings = []
    if short:  # "F d -3 m :1", "F d -3 m S"
        settings = [gemmi.find_spacegroup_by_name(short[1].strip() + SUFFIXES[short[2]])]
    group = next((one for one in settings if one), None)
    if group is not None:
        return [_from_gemmi(group.operations())]
    group = gemmi.find_spacegroup_by_name(name)
    return _settings(lambda one: one.hm == group.hm, metric) if group else []


def _by_number(number, metric):
    if not number.isdecimal() or not 1 <= int(number) <= 230:
        return []
    reference = gemmi.find_spacegroup_by_number(int(number))
    found = _settings(lambda one: one.hm == reference.hm, metric)
    if found[0].warning.startswith("the cell"):
        every = _settings(lambda one: one.number == reference.number, metric)
        found = every[:1] if not every[0].warning.startswith("the cell") else found
    return [_also(one, "symmetry from the number of the space group") for one in found]


def _settings(belongs, metric):
    """Settings of a group in gemmi's table that fit the cell; all origins that it may have."""
    groups = [one for one in gemmi.spacegroup_table() if belongs(one)]
    every = [_from_gemmi(one.operations()) for one in groups]
    fitting = [
        (one, operators)
        for one, operators in zip(groups, every, strict=True)
        if not _misfit(operators, metric)
    ]
    if not fitting:
        return [_also(every[0], _misfit(every[0], metric))]
    first = fitting[0][0]
    if first.ext not in ("1", "2"):
        return [fitting[0][1]]
    choices = [(one.ext, operators) for one, operators in fitting if one.hm == first.hm]
    return [
        replace(operators, origin=ext, warning=f"origin not told: choice {ext} taken")
        for ext, operators in sorted(choices, key=lambda choice: choice[0], reverse=True)
    ]


def _misfit(operators, metric):
    """Say so if the cell does not have the symmetry of the operators."""
    R = operators.rotations
    turned = np.einsum("nba,bc,ncd->nad", R, metric, R)
    scale = np.sqrt(np.outer(metric.diagonal(), metric.diagonal()))
    if (abs(turned - metric) > METRIC_TOLERANCE * scale).any():
        return "the cell's edges or angles do not fit its symmetry"
    return ""


def _from_gemmi(group):
    operations = list(group)
    return Operators(
        np.array([operation.rot for operation in operations]) / gemmi.Op.DEN,
        np.array([operation.tran for operation in operations]) / gemmi.Op.DEN,
    )
