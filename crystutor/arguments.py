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
    """What is given is not accepted. A notebook shows the message without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython prints instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def refusal(name: str, value: Any, accepted: str) -> InputError:
    """Build the error that names an argument and says what was found and what is accepted."""
    return InputError(f"{name} is {described(value)}; {accepted}")


def described(value: Any) -> str:
    """Say in a few words what was found."""
    if value is None or isinstance(value, Real):
        return str(value)
    if isinstance(value, str | Path):
        text = repr(str(value))
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...'"
    if isinstance(value, np.ndarray):
        words = " of words" if value.dtype.kind in "US" else ""
        return f"an array{words} of shape {value.shape}"
    name = type(value).__name__
    if isinstance(value, list | tuple | dict):
        first = f"a {name} that begins with {described(next(iter(value)))}" if value else ""
        return first or f"an empty {name}"
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
    """Refuse what is not a finite number from `low`, or with `above` above it, to `high`."""
    accepted = _interval("a number", low, high, unit, above)
    if not _is_number(value):
        raise refusal(name, value, accepted + hint)
    if math.isfinite(value) and low <= value <= high and not (above and value == low):
        return
    if (low, high) == (0, 1) and 1 < value <= 100 and value == round(value):
        hint = f" ({value:g} % is {value / 100:g})"
    raise InputError(f"{name} is {value}{unit and f' {unit}'}; {accepted}{hint}")


def require_whole(name: str, value: Any, low: int = 0, high: float = math.inf) -> None:
    """Refuse what is not a whole number from `low` to `high`."""
    if not (_is_number(value) and isinstance(value, Integral) and low <= int(value) <= high):
        raise refusal(name, value, _interval("a whole number", low, high))


def require_numbers(
    name: str,
    values: Any,
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
) -> None:
    """Refuse what is not a list of one or more finite numbers of an interval."""
    listed = isinstance(values, list | tuple | range | np.ndarray) and np.ndim(values) == 1
    require(name, values, listed and len(values) > 0, "a list of one or more numbers")
    for index, value in enumerate(values):
        require_number(f"{name}[{index}]", value, low, high, above=above)


def require_one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    """Refuse what is none of some names."""
    choices = list(choices)
    if not (isinstance(value, str) and value in choices):
        found = described(value) + close_to(value, choices)
        raise InputError(f"{name} is {found}; accepted are {', '.join(choices)}")


def close_to(value: Any, choices: Iterable[str]) -> str:
    """Say which of some names is close to a value, if one is."""
    if not isinstance(value, str):
        return ""
    text = value.casefold()
    names = {choice.casefold(): choice for choice in choices}
    for name in get_close_matches(text, names):
        if name == text or name[:-1] != text[:-1]:  # conv7 and conv6 are no misprints
            return f" (close to {names[name]!r})"
    return ""


def require_several(name: str, values: Any, kind: Any, each: str, fewest: int = 0) -> None:
    """Refuse what is not a list or tuple of things of a kind; `each` says of which."""
    if not isinstance(values, list | tuple) or len(values) < fewest:
        raise refusal(name, values, f"a list is accepted, each item {each}")
    for index, value in enumerate(values):
        require(f"{name}[{index}]", value, isinstance(value, kind), each)


def require_network(convnet: Any) -> None:
    """Refuse what is no network of Keras, without importing Keras."""
    require("convnet", convnet, hasattr(convnet, "predict_on_batch"), "a Keras network")


def as_array(
    name: str, value: Any, shape: tuple[int | None, ...], dtype: type = float
) -> np.ndarray:
    """Return numbers as an array of a shape, in which None stands for any length; refuse others."""
    lengths = ["n" if length is None else str(length) for length in shape]
    wanted = f"({', '.join(lengths)}{',' if len(shape) == 1 else ''})"
    try:
        array: np.ndarray = np.asarray(value, dtype)
    except (TypeError, ValueError):
        raise refusal(name, value, f"numbers of shape {wanted} are accepted") from None
    if array.ndim == 0:
        raise refusal(name, value, f"numbers of shape {wanted} are accepted")
    pairs = zip(shape, array.shape, strict=False)
    if array.ndim != len(shape) or any(n not in (None, length) for n, length in pairs):
        verb = "have" if name.endswith("s") else "has"
        raise InputError(f"{name} {verb} shape {array.shape}; {wanted} is accepted")
    return array


def random_generator(seed: Seed) -> np.random.Generator:
    """Return the random numbers of a seed: a whole number, a generator, or None for any."""
    if seed is not None and not isinstance(seed, np.random.Generator):
        require_whole("seed", seed)
    return np.random.default_rng(seed)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _interval(what, low, high, unit="", above=False):
    """Say which numbers are accepted."""
    unit = unit and f" {unit}"
    if above:
        what += f" above {low:g}{unit}" + (f" and up to {high:g}{unit}" if high < math.inf else "")
    elif high < math.inf:
        what += f" from {low:,.10g} to {high:,.10g}{unit}"
    elif low > -math.inf:
        what += f" of {low:g}{unit} or more"
    return f"{what} is accepted"
