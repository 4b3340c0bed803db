"""Structures in JSON and YAML: of pymatgen, ASE and the Materials Project.

Nothing in a document is executed or imported: classes that it names are not looked up.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from pymatgen.core import Lattice, Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import crystal, finite, of_ase, with_warnings
from crystutor.crystal.reading.parsers import Load, parsing
from crystutor.crystal.symmetry.occupancies import majority

NESTED = ("structure", "molecule", "data", "response", "entries", "structures", "output")
NOTHING = (
    "it holds no structure: a Structure or Molecule of pymatgen, Atoms or a database of ASE, or "
    "documents of the Materials Project are accepted"
)


def frames_of_document(text: str, file_format: str) -> list[Load]:
    """Every structure of a JSON or YAML document."""
    with parsing(file_format):
        document = json.loads(text) if file_format == "json" else _yaml(text)
        frames = list(_frames(document))
    if not frames:
        raise InputError(NOTHING)
    return frames


def _yaml(text):
    from ruamel.yaml import YAML, YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(str(error)) from error


def _frames(document: Any) -> Iterator[Load]:
    """Find what describes atoms in a document, in order."""
    if isinstance(document, list):
        for item in document:
            yield from _frames(item)
    if not isinstance(document, dict):
        return
    if "sites" in document:
        yield partial(_parsed, _of_pymatgen, document)
    elif "numbers" in document and "positions" in document:
        yield partial(_parsed, _of_ase_dict, document)
    elif "ids" in document:  # a database of ASE
        for key in document["ids"]:
            yield from _frames(document[str(key)])
    else:
        key = next((key for key in NESTED if key in document), None)
        if key is not None:
            yield from _frames(document[key])


def _parsed(parser, document):
    with parsing("json"):
        return parser(document)


def _of_pymatgen(document: dict[str, Any]) -> Structure | Molecule:
    sites = document["sites"]
    occupancies = [_species(site) for site in sites]
    numbers, warnings = majority(occupancies)
    kept = [index for index, number in enumerate(numbers) if number is not None]
    chosen = [number for number in numbers if number is not None]
    lattice = document.get("lattice")
    if lattice is None and "abc" in sites[0]:
        raise InputError("the sites have fractional coordinates, but the lattice is missing")
    if lattice is None:
        positions = np.array([sites[index]["xyz"] for index in kept], float).reshape(-1, 3)
        return with_warnings(finite(chosen, positions), *warnings)
    a, b, c = map(bool, lattice.get("pbc", (True, True, True)))
    lattice = Lattice(np.array(lattice["matrix"], float), pbc=(a, b, c))
    fractions = np.array([_fraction(sites[index], lattice) for index in kept], float)
    return with_warnings(crystal(lattice, chosen, fractions.reshape(-1, 3)), *warnings)


def _species(site):
    """Occupancies of a site, keyed by element."""
    occupancies: dict[str, float] = {}
    for one in site["species"]:
        name = str(one["element"])
        occupancies[name] = occupancies.get(name, 0.0) + float(one.get("occu", 1))
    return occupancies


def _fraction(site, lattice):
    return site["abc"] if "abc" in site else lattice.get_fractional_coords(site["xyz"])


def _of_ase_dict(document: dict[str, Any]) -> Structure | Molecule:
    from ase import Atoms

    cell = document.get("cell", np.zeros((3, 3)))
    cell = _array(cell["array"] if isinstance(cell, dict) and "array" in cell else cell)
    pbc = _array(document.get("pbc", [False] * 3)).astype(bool)
    numbers, positions = _array(document["numbers"]), _array(document["positions"])
    if len(numbers) != len(positions):
        raise InputError(f"{len(numbers)} atomic numbers, {len(positions)} positions")
    return of_ase(Atoms(numbers.astype(int), positions.astype(float), cell=cell, pbc=pbc))


def _array(value):
    """Array of a list, or of ASE's {"__ndarray__": [shape, type, flat list]}."""
    if isinstance(value, dict):
        shape, _, flat = value["__ndarray__"]
        return np.array(flat).reshape(shape)
    return np.array(value)
