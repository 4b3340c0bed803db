"""The operators of a space group by its Hall symbol, its name or its number."""

import re
from dataclasses import replace

import gemmi
import numpy as np

from crystutor.crystal.symmetry.operators import Operators, misfit, of_gemmi, with_warning

SUFFIXES = {"S": ":1", "Z": ":2", "H": ":H", "R": ":R", "1": ":1", "2": ":2"}


def by_hall(symbol: str) -> list[Operators]:
    """Operators of a Hall symbol; none if gemmi cannot read it."""
    if not symbol:
        return []
    try:
        operators = of_gemmi(gemmi.symops_from_hall(symbol))
    except RuntimeError:
        return []
    return [operators]


def by_name(name: str, metric: np.ndarray) -> list[Operators]:
    """Operators of a Hermann-Mauguin name, for each origin that it leaves open."""
    name = re.sub(r"\(.*\)|_", "", name).strip()
    short = re.match(r"(.*[^\s:])(?:\s*:\s*|\s+)([SZHR12])$", name)
    settings = []
    if short:  # "F d -3 m :1", "F d -3 m S"
        settings = [gemmi.find_spacegroup_by_name(short[1].strip() + SUFFIXES[short[2]])]
    group = next((one for one in settings if one), None)
    if group is not None:
        return [of_gemmi(group.operations())]
    group = gemmi.find_spacegroup_by_name(name)
    return _settings(lambda one: one.hm == group.hm, metric) if group else []


def by_number(number: str, metric: np.ndarray) -> list[Operators]:
    """Operators of a number in the International Tables, of the setting that fits the cell."""
    if not number.isdecimal() or not 1 <= int(number) <= 230:
        return []
    reference = gemmi.find_spacegroup_by_number(int(number))
    found = _settings(lambda one: one.hm == reference.hm, metric)
    if misfit(found[0], metric):
        found = _settings(lambda one: one.number == reference.number, metric)
    return [with_warning(one, "symmetry from the number of the space group") for one in found]


def _settings(belongs, metric):
    """Settings of a group in gemmi's table that fit the cell; all origins that it may have."""
    groups = [one for one in gemmi.spacegroup_table() if belongs(one)]
    every = [of_gemmi(one.operations()) for one in groups]
    fitting = [
        (one, operators)
        for one, operators in zip(groups, every, strict=True)
        if not misfit(operators, metric)
    ]
    if not fitting:
        return every[:1]
    first = fitting[0][0]
    if first.ext not in ("1", "2"):
        return [fitting[0][1]]
    choices = [(one.ext, operators) for one, operators in fitting if one.hm == first.hm]
    return [
        replace(operators, origin=ext, warning=f"origin not told: choice {ext} taken")
        for ext, operators in sorted(choices, key=lambda choice: choice[0])
    ]
