"""The symmetry of a CIF block: operators, or the space group's Hall symbol, name or number."""

from dataclasses import replace
from functools import partial

import gemmi
import numpy as np

from crystutor.arguments import InputError
from crystutor.crystal.symmetry.operators import (
    IDENTITY,
    Operators,
    distinct,
    is_group,
    misfit,
    parse_operators,
    product,
    with_warning,
)
from crystutor.crystal.symmetry.tables import by_hall, by_name, by_number

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
            return [with_warning(one, problem or misfit(one, metric)) for one in named]
        if problem or group:
            raise InputError(problem or f"space group {group} is unknown and has no operators")
        return [replace(IDENTITY, warning="no symmetry in the file: taken as P 1")]
    fits = [one for one in named if len(one) == len(listed)]
    if not named or fits:
        return [with_warning(listed, misfit(listed, metric))]
    differ = f"{len(listed)} operators are listed, {group} has {len(named[0])}"
    if len(listed) == 1:
        return [with_warning(one, f"{differ}: its name is taken") for one in named] + [
            with_warning(listed, f"{differ}: those listed are taken")
        ]
    return [with_warning(listed, f"{differ}: those listed are taken")] + [
        with_warning(one, f"{differ}: its name is taken") for one in named
    ]


def _listed(block):
    """Operators that the file lists, or None and, if there are some, what is wrong with them."""
    texts = next((list(c) for c in map(partial(_column, block), OPERATORS + MAGNETIC) if c), [])
    if not texts:
        return None, ""
    try:
        operators = parse_operators(texts)
        centerings: list[str] = next((c for c in map(partial(_column, block), CENTERINGS) if c), [])
        if centerings:
            operators = product(parse_operators(centerings), operators)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
        return None, "an operator of symmetry is not readable"
    operators = distinct(operators)
    if not is_group(operators):
        return None, "the operators of symmetry are incomplete or wrong"
    return operators, ""


def _column(block, tag):
    for spelled in (tag, _dotted(tag)):
        values = [gemmi.cif.as_string(value).strip() for value in block.find_values(spelled)]
        if any(value not in "?." for value in values):
            return values
    return []


def _named(block, metric):
    """Operators by Hall symbol, name or number, and how the file calls the group."""
    hall, name, number = (tag_value(block, *tags) for tags in (HALL, NAME, NUMBER))
    ways = [
        (f"'{hall}'", by_hall(hall) if hall else None),
        (f"'{name}'", by_name(name, metric) if name else None),
        (f"number {number}", by_number(number, metric) if number else None),
    ]
    told = [(called, operators) for called, operators in ways if operators is not None]
    found = [(called, operators) for called, operators in told if operators]
    if not found:
        return [], told[0][0] if told else ""
    called, operators = found[0]
    warning = ""
    for other, different in found[1:]:
        if len(different[0]) != len(operators[0]):
            warning = f"{called} and {other} are different space groups"
            operators = [*operators, *different]
            break
    if not warning and not name:
        source = "the number of the space group" if called.startswith("number") else "a Hall symbol"
        warning = f"symmetry from {source}"
    return [with_warning(one, warning) for one in operators], called
