"""Prototypes: the families of elemental crystal structures, and structures built from them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

import gemmi
import numpy as np
from ase.data import covalent_radii
from pymatgen.core import Element, Lattice, Structure

from crystutor.arguments import InputError, close_to, refusal, require_number
from crystutor.crystal.structures import LONGEST_BOND, SHORTEST_BOND

PO_BOND_LENGTH = 3.345  # alpha-Po [Å]
KINDS = ("published", "compound", "hypothetical", "enumerated")
SPECIES = tuple(Element.from_Z(Z).symbol for Z in range(1, 84))  # H to Bi, 83 as in the paper
EXAMPLE_CRYSTALS = MappingProxyType(  # of each class: (prototype, element)
    {
        "bct139": ("In", "In"),
        "bct141": ("beta-Sn", "Sn"),
        "hex/rh": ("hcp", "Mg"),
        "sc": ("sc", "Po"),
        "fcc": ("fcc", "Cu"),
        "diam": ("diamond", "C"),
        "bcc": ("bcc", "W"),
    }
)
LIMITS = {"a": (0.5, 1000.0, "Å"), "c_over_a": (0.01, 100.0, "")}
MU_LIMITS = (0.05, 8.0)  # of the rhombohedral path; beyond it, layers are on their own
SETTINGS = {141: "I 41/a m d:2", 166: "R -3 m:H", 227: "F d -3 m:2"}


@dataclass(frozen=True)
class Prototype:
    """A family of elemental crystals that share their space group and occupied orbits.

    Attributes
    ----------
    name : short name, its key in `PROTOTYPES`
    aflow : label in the AFLOW Encyclopedia of Crystallographic Prototypes, or one by its rules
    strukturbericht : Strukturbericht symbol, or None
    space_group : international number; origin choice 2, hexagonal axes for 166
    sites : occupied orbits, each (Wyckoff letter, representative coordinates such as "x,x,0")
    element : example element
    parameters : the example's values: ``a`` [Å], ``c_over_a`` (tetragonal and hexagonal axes),
        and the free coordinates [fraction of the cell] named by axis and site: ``x1``, ``z2``
    ranges : (low, high) of every parameter but ``a``, inside which the space group holds and
        the structure stays a plausible solid
    source : where the example comes from
    """

    name: str
    aflow: str
    strukturbericht: str | None
    space_group: int
    sites: tuple[tuple[str, str], ...]
    element: str
    parameters: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    source: str

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.name.startswith("hypothetical "):
            return "enumerated"
        if self.name.startswith("places of "):
            return "compound"
        return "hypothetical" if self.source.startswith("hypothetical") else "published"


def load_prototypes(file_name: str) -> dict[str, Prototype]:
    """Load one of the package's tables of prototypes, keyed by name."""
    text = (files("crystutor") / "data" / file_name).read_text(encoding="utf-8")
    prototypes = [
        Prototype(
            **{
                **record,
                "sites": tuple(tuple(site) for site in record["sites"]),
                "parameters": MappingProxyType(record["parameters"]),
                "ranges": MappingProxyType({k: tuple(v) for k, v in record["ranges"].items()}),
            }
        )
        for record in json.loads(text)
    ]
    return {prototype.name: prototype for prototype in prototypes}


PROTOTYPES = MappingProxyType(
    load_prototypes("prototypes.json")
    | load_prototypes("compound_prototypes.json")
    | load_prototypes("hypothetical_prototypes.json")
)


def build_prototype(name: str, element: str | None = None, **parameters: float) -> Structure:
    """Build the conventional cell of a prototype.

    Parameters
    ----------
    name
        Key of `PROTOTYPES`, for example ``"fcc"`` or ``"beta-Sn"``.
    element
        Chemical symbol; the prototype's example element if not given.
    **parameters
        Values to use instead of the example's: ``a`` [Å], ``c_over_a``, free coordinates such
        as ``x1`` [fraction of the cell]. Without ``a``, a cell of another element than the
        example is scaled until its shortest distance is two covalent radii (B. Cordero et al.,
        Dalton Trans. 2832, 2008; as tabulated in ASE).

    Returns
    -------
    Structure
        Conventional cell; hexagonal axes for space group 166.

    Raises
    ------
    ValueError
        For an unknown prototype, element or parameter.

    Examples
    --------
    >>> len(build_prototype("fcc", "Cu"))
    4
    """
    prototype = _prototype(name)
    if element is not None:
        _require_element(element)
    if unknown := sorted(set(parameters) - set(prototype.parameters)):
        raise InputError(
            f"prototype {name!r} has no parameter {', '.join(unknown)}; "
            f"it has {', '.join(prototype.parameters)}"
        )
    for label, value in parameters.items():
        require_number(label, value, *LIMITS.get(label, (-math.inf, math.inf, "")))
    structure = build_crystal(prototype, {**prototype.parameters, **parameters})
    if element is None or element == prototype.element:
        return structure
    structure = structure.replace_species({prototype.element: element}, in_place=False)
    if "a" in parameters:
        return structure
    return scale_shortest_distance(structure, 2 * covalent_radii[Element(element).Z])


def build_rhombohedral(
    mu: float, element: str = "Po", bond_length: float = PO_BOND_LENGTH
) -> Structure:
    """Build the beta-Po structure (A_hR1_166_a) in hexagonal axes for a ratio mu = c/a.

    The path in mu passes bcc at sqrt(3/8), simple cubic at sqrt(3/2) and fcc at sqrt(6).

    Parameters
    ----------
    mu
        Ratio c/a of the hexagonal axes, from 0.05 to 8.
    element
        Chemical symbol.
    bond_length
        Shortest distance between atoms, from 0.1 to 10 [Å]; the default is that of alpha-Po.

    Returns
    -------
    Structure
        Hexagonal cell of three atoms.

    Raises
    ------
    ValueError
        If mu or bond_length is out of range, or the element is unknown.

    Examples
    --------
    >>> round(build_rhombohedral(6**0.5, "Cu", 2.556).volume / 3, 2)  # fcc copper
    11.81
    """
    require_number("mu", mu, *MU_LIMITS)
    require_number("bond_length", bond_length, SHORTEST_BOND, LONGEST_BOND, "Å")
    a = bond_length / min(1.0, math.hypot(1 / math.sqrt(3), mu / 3))
    return build_prototype("beta-Po", element, a=a, c_over_a=mu)


def _prototype(name):
    if isinstance(name, str) and name in PROTOTYPES:
        return PROTOTYPES[name]
    accepted = "a key of PROTOTYPES such as 'fcc' is accepted"
    if not isinstance(name, str):
        raise refusal("name", name, accepted)
    raise InputError(f"prototype {name!r} is unknown{close_to(name, PROTOTYPES)}; {accepted}")


def _require_element(element):
    accepted = "a symbol such as 'Cu' is accepted"
    if not isinstance(element, str):
        raise refusal("element", element, accepted)
    if not Element.is_valid_symbol(element):
        raise InputError(f"element {element!r} is unknown{close_to(element, SPECIES)}; {accepted}")


def build_crystal(prototype: Prototype, parameters: dict[str, float]) -> Structure:
    """Build a prototype's conventional cell from a full set of parameters."""
    operations = _operations(prototype.space_group)
    coordinates = [
        position
        for number, (_, triplet) in enumerate(prototype.sites, start=1)
        for position in _orbit(operations, _representative(triplet, number, parameters))
    ]
    lattice = _lattice(prototype.space_group, parameters["a"], parameters.get("c_over_a", 1.0))
    return Structure(lattice, [prototype.element] * len(coordinates), coordinates)


def scale_shortest_distance(structure: Structure, length: float) -> Structure:
    """Scale a structure uniformly until its shortest interatomic distance is `length` [Å]."""
    guess = 2 * (structure.volume / len(structure)) ** (1 / 3)
    shortest = structure.get_neighbor_list(guess)[3].min()
    scaled = structure.copy()
    scaled.scale_lattice(structure.volume * (length / shortest) ** 3)
    return scaled


def _operations(space_group):
    if space_group in SETTINGS:
        return gemmi.find_spacegroup_by_name(SETTINGS[space_group]).operations()
    return gemmi.find_spacegroup_by_number(space_group).operations()


def _representative(triplet, number, parameters):
    free = [parameters.get(f"{axis}{number}", 0.0) for axis in "xyz"]
    return gemmi.Op(triplet).apply_to_xyz(free)


def _orbit(operations, position):
    images = np.array([operation.apply_to_xyz(position) for operation in operations])
    separations = images[:, None] - images[None, :]
    same = (np.abs(separations - np.round(separations)) < 1e-6).all(axis=-1)
    return images[same.argmax(axis=1) == np.arange(len(images))]


def _lattice(space_group, a, c_over_a):
    if space_group in (139, 141):
        return Lattice.tetragonal(a, a * c_over_a)
    if space_group in (166, 194):
        return Lattice.hexagonal(a, a * c_over_a)
    return Lattice.cubic(a)
