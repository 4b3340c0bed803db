"""Sites that several elements share, or that are not always occupied: the majority is taken."""

from collections.abc import Mapping, Sequence
from functools import cache

from pymatgen.core import Element

from crystutor.arguments import InputError

FULL = 1e-2  # what the sum of occupancies may be off one
EMPTY = 0.5  # a site that is less occupied is left empty
ISOTOPES = {"D": "H", "T": "H"}


def majority(
    sites: Sequence[Mapping[str, float]],
) -> tuple[list[int | None], tuple[str, ...]]:
    """Name the atom of each site.

    Parameters
    ----------
    sites
        Of each site the occupancies, keyed by the symbol of the element.

    Returns
    -------
    numbers : list of int or None
        Atomic numbers; None where the site is empty in most cells.
    warnings : tuple of str

    Raises
    ------
    ValueError
        If a symbol is none of an element.
    """
    numbers, mixed, empty, rescaled = [], 0, 0, 0.0
    for site in sites:
        total = sum(site.values())
        symbol = max(site, key=lambda name: site[name])
        mixed += len(site) > 1 or total < 1 - FULL
        rescaled = max(rescaled, total if total > 1 + FULL else 0.0)
        empty += total < EMPTY
        numbers.append(None if total < EMPTY else atomic_number(symbol))
    warnings = []
    if mixed:
        warnings.append(f"partial occupancies on {mixed} of {len(sites)} sites: majority taken")
    if empty:
        warnings.append(f"{empty} sites less than half occupied left empty")
    if rescaled:
        warnings.append(f"occupancies up to {rescaled:.3g} on a site, rescaled to 1")
    return numbers, tuple(warnings)


@cache
def atomic_number(symbol: str) -> int:
    """Atomic number of an element."""
    symbol = ISOTOPES.get(symbol, symbol)
    if not Element.is_valid_symbol(symbol):
        raise InputError(f"species {symbol or '?'} is not a chemical element")
    return Element(symbol).Z
