"""Arguments that are not accepted: one line says which, what was found and what is accepted."""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

Seed = int | np.integer | np.random.Generator | None

LONGEST_TEXT = 60  # of a value in a message [characters]


class InputError(ValueError):
    """What is given is not accepted. Notebooks show the message without the way that led to it."""

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython prints instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def refusal(name: str, value: Any, accepted: str) -> InputError:
    """Build the error that says which argument is refused, what was found and what is accepted."""
    return InputError(f"{name} is {described(value)}; {accepted}")


def described(value: Any) -> str:
    """Say in a few words what was found."""
    if value is None or isinstance(value, Real):
        return str(value)
    if isinstance(value, str | Path):
        text = repr(str(value))
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...'"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    if isinstance(value, list | tuple | dict):
        return f"a {name} of {len(value)}" if value else f"an empty {name}"
    return f"{'an' if name[0] in 'AEIOUaeio' else 'a'} {name}"


def require(name: str, value: Any, accepts: bool, accepted: str) -> None:
    """Refuse a value unless it is accepted; `accepted` says in words what would be."""
    if not accepts:
        raise refusal(name, value, f"{accepted} is accepted")


def require_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
    above: bool = False,
    hint: str = "",
) -> None:
    """Refuse what is not a finite number from `low`, or above it, to `high`."""
    if not _is_number(value):
        raise refusal(name, value, f"{_interval('a number', low, high, unit, above)}{hint}")
    if math.isfinite(value) and low <= value <= high and not (above and value == low):
        return
    if (low, high) == (0, 1) and 1 < value <= 100 and value == round(value):
        hint = f" ({value:g} % is {value / 100:g})"
    found = f"{value} {unit}".strip()
    accepted = _interval("a number", low, high, unit, above)
    raise InputError(f"{name} is {found}; {accepted}{hint}")


def require_whole(name: str, value: Any, low: int = 0, high: float = math.inf) -> None:
    """Refuse what is not a whole number from `low` to `high`."""
    if not (_is_number(value) and isinstance(value, Integral) and low <= value <= high):
        raise refusal(name, value, _interval("a whole number", low, high))


def require_numbers(name: str, values: Any, low: float, high: float, above: bool = False) -> None:
    """Refuse what is not a list of one or more finite numbers in an interval."""
    listed = isinstance(values, list | tuple | range | np.ndarray) and np.ndim(values) == 1
    require(name, values, listed and len(values) > 0, "a list of one or more numbers")
    for index, value in enumerate(values):
        require_number(f"{name}[{index}]", value, low, high, above=above)


def require_one_of(name: str, value: Any, choices: Iterable[str], accepted: str = "") -> None:
    """Refuse what is none of some names, and say which are close to it."""
    choices = list(choices)
    if isinstance(value, str) and value in choices:
        return
    accepted = accepted or f"accepted are {', '.join(choices)}"
    raise refusal(
        name, value, (accepted or f"accepted are {', '.join(choices)}") + close(value, choices)
    )


def close(value: Any, choices: Iterable[str]) -> str:
    """Ask whether one of some names was meant, if one is close to a value."""
    names = {choice.casefold(): choice for choice in choices}
    found = get_close_matches(value.casefold(), names, n=1) if isinstance(value, str) else []
    return f" (is {names[found[0]]!r} meant?)" if found else ""


def require_list_of(name: str, values: Any, kind: type, accepted: str) -> None:
    """Refuse what is not a list or tuple of things of a kind."""
    listed = isinstance(values, list | tuple) and all(isinstance(value, kind) for value in values)
    require(name, values, listed, accepted)


def as_array(
    name: str, value: Any, shape: tuple[int | None, ...], dtype: type = float
) -> np.ndarray:
    """Return numbers as an array; refuse what is none, or has another shape (None is any length)."""
    wanted = f"({', '.join('n' if n is None else str(n) for n in shape)}{',' * (len(shape) == 1)})"
    try:
        array = np.asarray(value, dtype)
    except (TypeError, ValueError):
        raise refusal(name, value, f"numbers of shape {wanted} are accepted") from None
    fits = array.ndim == len(shape) and all(
        n in (None, length) for n, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise InputError(f"{name} has shape {array.shape}; {wanted} is accepted")
    return array


def random_generator(seed: Seed, name: str = "seed") -> np.random.Generator:
    """Make the random numbers of a seed: a whole number, a generator, or None for any."""
    if seed is not None and not isinstance(seed, np.random.Generator):
        require_whole(name, seed)
    return np.random.default_rng(seed)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _interval(what, low, high, unit="", above=False):
    """Say which numbers are accepted."""
    unit = unit and f" {unit}"
    if above:
        what += f" above {low:g}{unit}" + (f" and up to {high:g}{unit}" if high < math.inf else "")
    elif high < math.inf:
        what += f" from {low:,.12g} to {high:,.12g}{unit}"
    elif low > -math.inf:
        what += f" of {low:g}{unit} or more"
    return f"{what} is accepted"
