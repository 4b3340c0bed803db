"""Structures from the databases of the field, over OPTIMADE; the only user of the internet."""

import hashlib
import json
import logging
from pathlib import Path

import requests
from platformdirs import user_cache_dir
from pymatgen.core import Composition, Element, Structure
from pymatgen.ext.optimade import OptimadeRester

from crystutor.arguments import InputError, close_to, require, require_number, require_whole
from crystutor.crystal.reading.frames import EXAMPLES
from crystutor.files import finished_file

TIMEOUT = 10  # [s]
MOST_ATOMS = 200


def fetch_structures(
    formula: str | None = None,
    elements: list[str] | None = None,
    provider: str = "mcloud.mc3d",
    limit: int = 10,
    timeout: float = TIMEOUT,
    cache: str | Path | None = None,
) -> dict[str, Structure]:
    """Fetch structures from a materials database that speaks OPTIMADE.

    Parameters
    ----------
    formula
        Chemical formula such as ``"Cu"`` or ``"SiO2"``; give either this or elements.
    elements
        Chemical symbols; the structures hold all of them and no others.
    provider
        Short name known to `pymatgen.ext.optimade.OptimadeRester.aliases`, such as ``"cod"``, or
        the address of a server.
    limit
        Largest number of structures.
    timeout
        Time to wait for each answer [s].
    cache
        Folder of answers; what it holds is not asked for again. It is the platform's cache folder
        if not given.

    Returns
    -------
    dict
        Structures by their name in the database.

    Raises
    ------
    ValueError
        If the formula, the elements, the provider or the limit is not accepted.
    NoAnswerError
        A ConnectionError: if the provider gives no answer, or one that is not in OPTIMADE's format.

    References
    ----------
    C. W. Andersen et al., Sci. Data 8, 217 (2021).
    """
    question = _filter(formula, elements)
    address = _address(provider)
    require_whole("limit", limit, 1)
    require_number("timeout", timeout, 0, unit="s", above=True)
    folder = Path(cache or user_cache_dir("crystutor")) / "optimade"
    key = hashlib.sha256(json.dumps([address, question, limit]).encode()).hexdigest()
    path = folder / f"{key}.json"
    if not path.exists():
        found = _ask(address, question, limit, timeout)
        texts = {name: structure.to(fmt="json") for name, structure in found.items()}
        folder.mkdir(parents=True, exist_ok=True)
        with finished_file(path) as unfinished:
            unfinished.write_text(json.dumps(texts), encoding="utf-8")
    texts = json.loads(path.read_text(encoding="utf-8"))
    return {name: Structure.from_str(text, fmt="json") for name, text in texts.items()}


class NoAnswerError(InputError, ConnectionError):
    """A provider gives no answer, or one that is not in OPTIMADE's format."""


class _Client(OptimadeRester):
    """pymatgen's client; it also keeps the reason of a failure and stops at a limit."""

    def __init__(self, address: str, limit: int, timeout: float) -> None:
        self.limit, self.timeout = limit, timeout
        self.received, self.problem = 0, ""
        logging.getLogger(OptimadeRester.__module__).setLevel(logging.CRITICAL)  # we raise instead
        super().__init__(address)

    def _get_json(self, url):
        try:
            response = self.session.get(url, timeout=self.timeout)
            response.raise_for_status()
            answer = response.json()
            self.received += len(answer["data"])
        except requests.Timeout:
            self.problem = f"no answer within {self.timeout:g} s"
            raise
        except requests.HTTPError:
            self.problem = f"it answers with status {response.status_code}"
            raise
        except requests.ConnectionError:
            self.problem = "it cannot be reached"
            raise
        except (ValueError, KeyError, TypeError):
            self.problem = "its answer is not OPTIMADE's JSON"
            raise
        if self.received >= self.limit:
            answer["links"] = {}
        return answer


def _ask(address, question, limit, timeout):
    client = _Client(address, limit, timeout)
    found = {} if client.problem else client.get_structures_with_filter(question)
    if client.problem:
        raise NoAnswerError(
            f"provider {address}: {client.problem}; try again later, name another provider, or use "
            f"the examples that come with crystutor: {', '.join(p.name for p in _examples())} in "
            "crystutor.EXAMPLES"
        )
    structures = {k: s for answers in found.values() for k, s in answers.items()}
    periodic = {k: s for k, s in structures.items() if isinstance(s, Structure)}
    return dict(list(periodic.items())[:limit])


def _filter(formula, elements):
    """The question in OPTIMADE's filter language."""
    if (formula is None) == (elements is None):
        raise InputError("name a formula such as 'Cu' or elements such as ['Cu'], one of the two")
    if formula is not None:
        require("formula", formula, isinstance(formula, str), "one such as 'SiO2'")
        try:
            reduced = Composition(formula).reduced_composition.get_el_amt_dict()
        except ValueError as error:
            raise InputError(f"formula is {formula!r}; one such as 'SiO2' is accepted") from error
        parts = (f"{e}{int(n) if n > 1 else ''}" for e, n in sorted(reduced.items()))
        return f'chemical_formula_reduced="{"".join(parts)}" AND nsites<={MOST_ATOMS}'
    listed = isinstance(elements, list | tuple) and len(elements) > 0
    if not listed or not all(Element.is_valid_symbol(symbol) for symbol in elements):
        raise InputError(f"elements are {elements!r}; chemical symbols such as ['Cu'] are accepted")
    symbols = ", ".join(f'"{symbol}"' for symbol in elements)
    return f"elements HAS ALL {symbols} AND nelements={len(elements)} AND nsites<={MOST_ATOMS}"


def _address(provider):
    require("provider", provider, isinstance(provider, str), "a short name such as 'cod'")
    address = OptimadeRester.aliases.get(provider, provider)
    if not address.startswith(("http://", "https://")):
        names = ", ".join(sorted(OptimadeRester.aliases))
        close = close_to(provider, OptimadeRester.aliases)
        raise InputError(
            f"provider {provider!r} is unknown{close}; an address such as https://... or one of "
            f"{names} is accepted"
        )
    return address if address.endswith("/") else address + "/"


def _examples():
    return sorted(EXAMPLES.glob("*.cif"))
