"""Samples of many kinds for measure_samples.py: strained, hot, cut, damaged, disordered.

`LINES` holds a generator for each line. A generator takes (rng, index), depends on nothing else,
and returns (expected, atoms, name): the class, a set of classes, or None where no class is right;
a pymatgen Structure or Molecule; a short description. The index only balances the samples: over
the seven classes, or over a list of cases.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import ase.build
import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import parameters as emt_parameters
from ase.data import atomic_numbers, reference_states
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from pymatgen.core import Lattice, Molecule, Structure
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from crystutor import CLASSES, EXAMPLE_CRYSTALS, PROTOTYPES, bond_length, build_prototype
from crystutor.crystal.defects import displace_atoms, remove_atoms
from crystutor.crystal.space_groups import SPACE_GROUP_CLASSES
from crystutor.crystal.structures import build_structure
from crystutor.crystal.supercells import random_orientation, random_supercell
from crystutor.training.random_crystals import sample_crystal

LEVELS = {  # name: (vacancy fraction, displacement [Å])
    "pristine": (0.0, 0.0),
    "006": (0.0, 0.06),
    "01": (0.0, 0.1),
    "25": (0.25, 0.0),
    "25_006": (0.25, 0.06),
    "40": (0.4, 0.0),
    "60": (0.6, 0.0),
}
PUBLISHED = [name for name, prototype in PROTOTYPES.items() if prototype.kind == "published"]
METALS = {  # of the slabs: ASE's builders
    **dict.fromkeys(("Al", "Cu", "Ag", "Ni"), ("fcc100", "fcc110", "fcc111")),
    **dict.fromkeys(("Li", "Na", "Fe", "W"), ("bcc100", "bcc110", "bcc111")),
    **dict.fromkeys(("Mg", "Ti"), ("hcp0001",)),
}
ELEMENTS = sorted({*METALS, *(element for _, element in EXAMPLE_CRYSTALS.values())})
CLASS_OF = {"fcc": "fcc", "bcc": "bcc", "hcp": "hex/rh", "diamond": "diam", "sc": "sc"}
DIRECTIONS = {"001": (0, 0, 1), "110": (1, 1, 0), "111": (1, 1, 1)}
MELTING = {  # [K]
    **{"Cu": 1358, "Ag": 1235, "Au": 1337, "Ni": 1728, "Pd": 1828, "Pt": 2041, "Al": 933},
    **{"Ar": 84, "Pb": 601, "Fe": 1811, "Mo": 2896, "W": 3695, "Cr": 2180, "Na": 371},
    **{"Si": 1687, "Ge": 1211},
}
EMT_METALS = ("Cu", "Ag", "Au", "Ni", "Pd", "Pt", "Al")
MORSE = {  # depth [eV], 1/width [1/Å], distance [Å]: Girifalco and Weizer, Phys. Rev. 114, 687
    "Pb": (0.2348, 1.1836, 3.733),
    "Fe": (0.4174, 1.3885, 2.845),
    "Mo": (0.8032, 1.5079, 2.976),
    "W": (0.9906, 1.4116, 3.032),
    "Cr": (0.4414, 1.5721, 2.754),
    "Na": (0.06334, 0.58993, 5.336),
}
WEBER = {"Si": (2.1683, 2.0951, 21.0), "Ge": (1.93, 2.181, 31.0)}  # energy, length, lambda
LINES: dict[str, Callable] = {}  # (rng, index) -> (expected, atoms, name)


def line(*names):
    """Register a generator; of several names, each is its first argument."""

    def register(generator):
        for name in names:
            key = f"{generator.__name__}_{name}" if name else generator.__name__
            LINES[key] = partial(generator, name) if name else generator
        return generator

    return register


# helpers


def reference_of(element: str) -> Any:
    """Structure and lattice constant of an element, from ASE's table."""
    return reference_states[atomic_numbers[element]]


def prototype_of(rng, *names):
    """A random prototype of some, of a random element, in conventional axes."""
    name = str(rng.choice(names))
    return name, build_prototype(name, str(rng.choice(ELEMENTS)))


def published(rng, index):
    """A random crystal of a published prototype, the classes in turn."""
    label = CLASSES[index % len(CLASSES)]
    crystal, made_from = sample_crystal(label, rng, {"published": 1.0})
    return label, crystal, f"{made_from['prototype']} {made_from['element']}"


def unit_or_supercell(crystal, rng, n_atoms=(64, 400)):
    """The crystal in conventional, primitive or supercell axes, in random orientation."""
    axes = str(rng.choice(["conventional", "primitive", "supercell"]))
    if axes == "supercell":
        return axes, random_supercell(crystal, rng, n_atoms)
    if axes == "primitive":
        crystal = crystal.get_primitive_structure(tolerance=1e-4)
    return axes, random_orientation(crystal, rng)


def deform(structure, tensor):
    matrix = structure.lattice.matrix @ tensor
    return build_structure(matrix, structure.atomic_numbers, structure.frac_coords)


def stretch(structure, direction, factor, across=1.0):
    """Stretch by a factor along a Cartesian direction and by another across it."""
    unit = np.array(direction) / np.linalg.norm(direction)
    return deform(structure, across * np.eye(3) + (factor - across) * np.outer(unit, unit))


def sites_around(crystal, center, radius):
    """Cartesian sites of an endless crystal in a sphere, and their atomic numbers."""
    fractions, _, indices, _ = crystal.lattice.get_points_in_sphere(
        crystal.frac_coords, center, radius, zip_results=False
    )
    numbers = np.array(crystal.atomic_numbers)[np.asarray(indices, dtype=int)]
    return crystal.lattice.get_cartesian_coords(fractions), numbers


def cut_piece(crystal, rng, n, size, center=None):
    """The n sites of least `size`, a function of the place from the centre, turned at random."""
    center = crystal.lattice.matrix.T @ rng.random(3) if center is None else center
    radius = 1.9 * np.cbrt(n * crystal.volume / len(crystal)) + 2.0
    positions, numbers = sites_around(crystal, center, radius)
    sizes = size(positions - center)
    chosen = sizes <= np.sort(sizes)[n - 1] + 1e-6
    rotation = Rotation.random(random_state=rng)
    return numbers[chosen], rotation.apply(positions[chosen] - center)


def push_apart(positions, box, distance, movable=None):
    """Push atoms of an orthorhombic box apart until hardly two are nearer than a distance."""
    movable = np.ones(len(positions), bool) if movable is None else movable
    positions = positions.copy()
    for _ in range(200):
        positions -= box * np.floor(positions / box)
        positions[positions >= box] = 0.0
        i, j = cKDTree(positions, boxsize=box).query_pairs(distance, output_type="ndarray").T
        apart = positions[i] - positions[j]
        apart -= box * np.round(apart / box)
        length = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-3)
        push = 0.5 * (1.02 * distance - length) * apart / length
        moves = np.zeros_like(positions)
        np.add.at(moves, i, push)
        np.add.at(moves, j, -push)
        moves *= movable[:, None]
        if np.abs(moves).max() < 0.01 * distance:
            break
        positions += moves
    return positions


def drop_close(structure, distance):
    """Leave out atoms that are nearer than a distance to an earlier one."""
    keep = np.ones(len(structure), bool)
    i, j, _, _ = structure.get_neighbor_list(distance)
    for first, second in sorted(zip(i.tolist(), j.tolist(), strict=True)):
        if first < second and keep[first]:
            keep[second] = False
    numbers = np.array(structure.atomic_numbers)[keep]
    return build_structure(structure.lattice, numbers, structure.frac_coords[keep])


def packing(rng, n, distance, fraction):
    """Dense random packing of spheres of a diameter that fill a fraction of a box."""
    edge = np.cbrt(n * np.pi / 6 * distance**3 / fraction)
    box = edge * np.exp(rng.uniform(-0.2, 0.2, 3))
    box *= edge / np.cbrt(box.prod())
    return push_apart(rng.random((n, 3)) * box, box, distance), box


# crystals that are strained


@line("")
def strained_cubic(rng, index):
    name, crystal = prototype_of(rng, "fcc", "bcc", "diamond", "sc")
    direction, how = str(rng.choice(list(DIRECTIONS))), "rounded"
    rounded = rng.random() < 1 / 3
    if not rounded:
        percent = float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.3))
        crystal = stretch(crystal, DIRECTIONS[direction], 1 + percent / 100)
        how = f"{percent:+.2f} % along {direction}"
    axes, sample = unit_or_supercell(crystal, rng)
    if rounded:
        lattice = Lattice.from_parameters(*np.round(sample.lattice.parameters, 2))
        sample = build_structure(lattice, sample.atomic_numbers, sample.frac_coords)
        sample = random_orientation(sample, rng)
    return CLASS_OF[name], sample, f"{name} {crystal[0].specie} {axes} {how}"


@line("")
def random_strain(rng, index):
    label = CLASSES[index % len(CLASSES)]
    supercell = random_supercell(build_prototype(*EXAMPLE_CRYSTALS[label]), rng, (64, 400))
    strain = np.triu(rng.normal(0, 0.01, (3, 3)))
    strained = deform(supercell, np.eye(3) + strain + np.triu(strain, 1).T)
    return label, displace_atoms(strained, 0.06, rng), f"{label} {len(strained)} atoms"


@line("")
def exact_distortion(rng, index):
    along_c = {"fcc": "bct139", "bcc": {"bct139", "bcc"}, "diamond": "bct141"}
    direction = str(rng.choice(["001", "111"]))
    name, crystal = prototype_of(rng, *(along_c if direction == "001" else ("fcc", "bcc", "sc")))
    factor = 1 + float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.04))
    across = factor**-0.5 if rng.random() < 0.5 else 1.0
    crystal = stretch(crystal, DIRECTIONS[direction], factor, across)
    axes, sample = unit_or_supercell(crystal, rng)
    expected = along_c[name] if direction == "001" else "hex/rh"
    return expected, sample, f"{name} {axes} x {factor:.3f} along {direction}, {across:.3f} across"


@line("")
def sound_waves(rng, index):
    """The 40 longest waves that fit the box, without any other displacement."""
    name, crystal = prototype_of(rng, "fcc", "bcc", "diamond")
    sample = random_supercell(crystal, rng, (64, 500))
    reciprocal = sample.lattice.get_lll_reduced_lattice().reciprocal_lattice.matrix
    waves = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3) @ reciprocal
    waves = waves[np.argsort(np.linalg.norm(waves, axis=1))[1:41]]  # the longest; without k = 0
    length = np.linalg.norm(waves, axis=1)
    phases = sample.cart_coords @ waves.T + rng.uniform(0, 2 * np.pi, len(waves))
    moved = np.cos(phases) @ (rng.normal(size=waves.shape) / length[:, None])
    rms = rng.uniform(0.05, 0.1)
    moved *= rms / np.sqrt((moved**2).sum(axis=1).mean())
    fractions = sample.frac_coords + sample.lattice.get_fractional_coords(moved)
    sample = build_structure(sample.lattice, sample.atomic_numbers, fractions)
    return CLASS_OF[name], sample, f"{name} {crystal[0].specie} {len(sample)} atoms {rms:.2f} Å"


# molecular dynamics


class Forces(Calculator):
    """Forces of a potential of one element; the list of neighbours is kept while it holds."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, cutoff):
        super().__init__()
        self.cutoff, self.start = cutoff, None

    def calculate(self, atoms=None, properties=("forces",), system_changes=all_changes):
        """Set the forces; the energy is not calculated."""
        super().calculate(atoms, properties, system_changes)
        places = atoms.positions
        if self.start is None or np.abs(places - self.start).max() > 0.34:
            cell = atoms.cell.array
            fractions = np.linalg.solve(cell.T, places.T).T
            frozen = build_structure(cell, atoms.numbers, fractions)
            self.i, self.j, shifts, _ = frozen.get_neighbor_list(self.cutoff + 1.2)
            self.shifts, self.start = shifts @ cell, places.copy()
        apart = places[self.j] - places[self.i] + self.shifts
        near = (apart**2).sum(axis=1) < self.cutoff**2
        forces = self._forces(self.i[near], self.j[near], apart[near], len(atoms))
        self.results = {"energy": 0.0, "forces": forces}

    def _forces(self, i, j, apart, n):
        raise NotImplementedError


class PairForces(Forces):
    """Forces from the slope of a pair potential, shifted to vanish at the cutoff."""

    def __init__(self, slope, cutoff):
        super().__init__(cutoff)
        self.slope = slope

    def _forces(self, i, j, apart, n):
        r = np.linalg.norm(apart, axis=1)
        pulls = ((self.slope(r) - self.slope(self.cutoff)) / r)[:, None] * apart
        return np.stack([np.bincount(i, pull, n) for pull in pulls.T], axis=1)


def pairs_that_share(i):
    """All pairs of bonds that start at the same atom, for the atoms at which bonds start."""
    order = np.argsort(i, kind="stable")
    ends = np.searchsorted(i[order], i[order], side="right")
    later = ends - np.arange(len(i)) - 1
    first = np.repeat(np.arange(len(i)), later)
    steps = np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return order[first], order[first + 1 + steps]


class StillingerWeber(Forces):
    """Stillinger and Weber, Phys. Rev. B 31, 5262 (1985)."""

    def __init__(self, energy, length, strength):
        super().__init__(1.8 * length - 1e-3)
        self.energy, self.length, self.strength = energy, length, strength

    def _forces(self, i, j, apart, n):
        r = np.linalg.norm(apart, axis=1)
        unit, x = apart / r[:, None], r / self.length
        forces = np.zeros((n, 3))
        tail, pair = np.exp(1 / (x - 1.8)), 7.049556277 * (0.6022245584 * x**-4 - 1)
        slope = tail * (-4 * 7.049556277 * 0.6022245584 * x**-5 - pair / (x - 1.8) ** 2)
        np.add.at(forces, i, (self.energy / self.length * slope)[:, None] * unit)
        first, second = pairs_that_share(i)
        u, v = unit[first], unit[second]
        reach = np.exp(1.2 / (x[first] - 1.8) + 1.2 / (x[second] - 1.8))
        cosine = (u * v).sum(axis=1)
        scale = self.energy * self.strength * reach * (cosine + 1 / 3)
        for p, own, other in ((first, u, v), (second, v, u)):
            fall = -1.2 / (x[p] - 1.8) ** 2 / self.length * (cosine + 1 / 3)
            bend = 2 * (other - cosine[:, None] * own) / r[p][:, None]
            pull = scale[:, None] * (fall[:, None] * own + bend)
            np.add.at(forces, j[p], -pull)
            np.add.at(forces, i[p], pull)
        return forces


class EffectiveMedium(Forces):
    """ASE's effective-medium theory of one metal, without its loop over the atoms."""

    def __init__(self, element):
        data, beta = emt_parameters[element], 1.809
        self.E0, self.s0, self.V0 = data[0], data[1] * units.Bohr, data[2]
        self.eta, self.kappa, self.lam = (x / units.Bohr for x in data[3:6])
        largest = max(values[1] for values in emt_parameters.values()) * units.Bohr
        self.edge = beta * largest * 0.5 * (np.sqrt(3) + 2)
        self.steepness = np.log(9999.0) / (self.edge * 4 / (np.sqrt(3) + 2) - self.edge)
        shells, counts = beta * self.s0 * np.sqrt([1, 2, 3]), np.array([12, 6, 24])
        self.norms = 1.0, 1.0
        self.norms = tuple((counts * part[0]).sum() / 12 for part in self._parts(shells))
        super().__init__(self.edge + 0.5)

    def _parts(self, r):
        """Density and pair term of a bond, each with its slope; both are cut off smoothly."""
        cut = 1 / (1 + np.exp(self.steepness * (r - self.edge)))
        decays = self.eta, self.kappa / 1.809
        values = (
            np.exp(-decay * (r - 1.809 * self.s0)) * cut / norm
            for decay, norm in zip(decays, self.norms, strict=True)
        )
        fall = self.steepness * (1 - cut)
        return [(v, -v * (decay + fall)) for v, decay in zip(values, decays, strict=True)]

    def _forces(self, i, j, apart, n):
        r = np.linalg.norm(apart, axis=1)
        (density, density_slope), (_, pair_slope) = self._parts(r)
        total = np.bincount(i, density, n)
        ds = -np.log(total / 12) / (1.809 * self.eta)
        x = self.lam * ds
        slope = -self.E0 * self.lam * x * np.exp(-x)
        slope = slope - 6 * self.V0 * self.kappa * np.exp(-self.kappa * ds)
        slope = -slope / (1.809 * self.eta * total)  # of the energy of an atom by its density
        pull = (slope[i] + slope[j]) * density_slope - self.V0 * pair_slope
        pulls = (pull / r)[:, None] * apart
        return np.stack([np.bincount(i, p, n) for p in pulls.T], axis=1)


def lennard_jones_slope(r, depth=0.0103, sigma=3.4):
    return 24 * depth / r * ((sigma / r) ** 6 - 2 * (sigma / r) ** 12)


def morse_slope(r, depth, alpha, distance):
    e = np.exp(-alpha * (r - distance))
    return 2 * alpha * depth * (e - e**2)


def calculator_of(element):
    if element in WEBER:
        return StillingerWeber(*WEBER[element])
    if element in MORSE:
        cutoff = 2.2 * reference_of(element)["a"]
        depth, alpha, distance = MORSE[element]
        slope = partial(morse_slope, depth=depth, alpha=alpha, distance=distance)
        return PairForces(slope, 0.75 * cutoff if element == "Pb" else cutoff)
    return PairForces(lennard_jones_slope, 8.5) if element == "Ar" else EffectiveMedium(element)


def run_langevin(structure, element, temperature, rng, steps=300):
    """Positions after some steps of 4 fs, or more for heavy atoms, and the way of each atom."""
    atoms = Atoms(structure.atomic_numbers, cell=structure.lattice.matrix, pbc=True)
    atoms.positions = structure.cart_coords
    atoms.calc = calculator_of(element)
    MaxwellBoltzmannDistribution(atoms, temperature_K=1.5 * temperature, rng=rng)
    step = 4 * units.fs * max(1.0, np.sqrt(atoms.get_masses().mean() / 60))
    if element == "Ar":
        step *= 3
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        Langevin(atoms, step, temperature_K=temperature, friction=0.02 / step, rng=rng).run(steps)
    moved = atoms.positions - structure.cart_coords
    fractions = np.linalg.solve(structure.lattice.matrix.T, atoms.positions.T).T
    moved = moved - moved.mean(axis=0)
    return build_structure(structure.lattice, structure.atomic_numbers, fractions), moved


def hot_solid(rng, index, low, high):
    """A crystal in a box of thermal expansion, with or without strain and vacancies."""
    elements = ([*EMT_METALS, "Ar", "Pb"], ["Fe", "Mo", "W", "Cr", "Na"], ["Si", "Ge"])
    element = str(rng.choice(elements[int(rng.choice(3, p=(0.5, 0.3, 0.2)))]))
    state = reference_of(element)
    crystal = build_prototype(state["symmetry"], element, a=state["a"])
    share = rng.uniform(low, high)
    expansion = 1 + (0.004 if element in WEBER else 0.02) * share
    supercell = deform(random_supercell(crystal, rng, (100, 260)), expansion * np.eye(3))
    strained = str(rng.choice(["no", "random", "axial"]))
    if strained == "random":
        strain = np.triu(rng.uniform(-0.02, 0.02, (3, 3)))
        strain = strain + np.triu(strain, 1).T
        strain *= min(1.0, 0.02 / np.abs(np.linalg.eigvalsh(strain)).max())
        supercell = deform(supercell, np.eye(3) + strain)
    elif strained == "axial":
        supercell = stretch(supercell, rng.normal(size=3), 1 + rng.uniform(-0.02, 0.02))
    vacancies = rng.uniform(0.01, 0.03) if rng.random() < 0.5 else 0.0
    supercell = remove_atoms(supercell, vacancies, rng)
    moving, moved = run_langevin(supercell, element, share * MELTING[element], rng)
    rms = float(np.sqrt((moved**2).sum(axis=1).mean()) / bond_length(crystal))
    label = CLASS_OF[state["symmetry"]]
    name = f"{element} {label} {len(moving)} atoms {share:.2f} Tm {strained} strain "
    name += f"{100 * vacancies:.1f} % vacancies, moved {rms:.3f} bonds"
    return {label, None} if rms > 0.2 else label, moving, name


@line("")
def md_solids(rng, index):
    return hot_solid(rng, index, 0.1, 0.5)


@line("")
def hot(rng, index):
    return hot_solid(rng, index, 0.5, 0.85)


@line("")
def molten(rng, index):
    element = str(rng.choice(["Cu", "Al", "Au"]))
    n = int(rng.integers(108, 257))
    edge = reference_of(element)["a"]
    volume = 1.08 * n * edge**3 / 4
    distance = 0.9 * edge / np.sqrt(2)
    positions, box = packing(rng, n, distance, n * np.pi / 6 * distance**3 / volume)
    start = build_structure(np.diag(box), [atomic_numbers[element]] * n, positions / box)
    melt, _ = run_langevin(start, element, 2.5 * MELTING[element], rng)
    return None, random_orientation(melt, rng), f"{element} {n} atoms"


# damaged supercells, small cells, pieces


@line(*LEVELS, "clathrate")
def supercells(level, rng, index):
    if level == "clathrate":
        level = str(rng.choice(list(LEVELS)))
        label, name = "diam", f"silicon clathrate {level}"
        crystal = build_prototype("silicon clathrate", str(rng.choice(["Si", "Ge", "Sn"])))
    else:
        label, crystal, name = published(rng, index)
    vacancies, sigma = LEVELS[level]
    sample = displace_atoms(random_supercell(crystal, rng), sigma, rng)
    return label, remove_atoms(sample, vacancies, rng), name


@line(*(f"{n}_{level}" for n in (250, 120) for level in ("pristine", "25", "006", "40", "01")))
def balls(kind, rng, index):
    n, level = kind.split("_")
    label, crystal, name = published(rng, index)
    vacancies, sigma = LEVELS[level]
    numbers, positions = cut_piece(crystal, rng, int(n), partial(np.linalg.norm, axis=1))
    kept = np.sort(rng.permutation(len(numbers))[int(vacancies * len(numbers)) :])
    positions = positions + rng.normal(0, sigma, positions.shape)
    return label, Molecule(numbers[kept], positions[kept]), name


def size_in_shape(shape, places):
    """How large a body of a shape must be to hold each place."""
    places = np.abs(places)
    if shape == "sphere":
        return np.linalg.norm(places, axis=1)
    cube, octahedron = places.max(axis=1), places.sum(axis=1)
    truncated = np.maximum(cube, octahedron / 1.6)
    return {"cube": cube, "octahedron": octahedron, "truncated": truncated}[shape]


@line("")
def particles(rng, index):
    name, crystal = prototype_of(rng, *CLASS_OF)
    shape = str(rng.choice(["sphere", "cube", "octahedron", "truncated"]))
    center = crystal.cart_coords[0] if rng.random() < 0.5 else None
    n = int(rng.integers(250, 501))
    numbers, positions = cut_piece(crystal, rng, n, partial(size_in_shape, shape), center)
    positions = positions + rng.normal(0, rng.uniform(0.03, 0.06), positions.shape)
    return CLASS_OF[name], Molecule(numbers, positions), f"{name} {shape} {len(numbers)} atoms"


@line("")
def slabs(rng, index):
    element = str(rng.choice(list(METALS)))
    surface = str(rng.choice(METALS[element]))
    layers = int(rng.integers(5, 9)) * (2 if surface == "bcc111" else 1)
    repeats = int(np.ceil(np.sqrt(rng.uniform(120, 300) / layers)))
    atoms = getattr(ase.build, surface)(element, (repeats, repeats, layers))
    vacuum = rng.uniform(5, 12)
    atoms.center(vacuum / 2, axis=2)
    pbc = (True, True, bool(index % 2))
    slab = Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())
    slab = displace_atoms(random_orientation(slab, rng), rng.uniform(0.03, 0.06), rng)
    lattice = Lattice(slab.lattice.matrix, pbc=pbc)
    slab = build_structure(lattice, slab.atomic_numbers, slab.frac_coords)
    name = f"{element} {surface} {layers} layers {vacuum:.1f} Å vacuum pbc {pbc[2]}"
    return CLASS_OF[surface.rstrip("01")], slab, name


@line("")
def small_cells(rng, index):
    name = PUBLISHED[index % len(PUBLISHED)]
    cell = build_prototype(name, str(rng.choice([PROTOTYPES[name].element, *ELEMENTS])))
    axes = str(rng.choice(["conventional", "primitive"]))
    if axes == "primitive":
        cell = cell.get_primitive_structure(tolerance=1e-4)
    cell = random_orientation(cell, rng)
    fractions = np.round(cell.frac_coords, 4)
    cell = build_structure(np.round(cell.lattice.matrix, 4), cell.atomic_numbers, fractions)
    return SPACE_GROUP_CLASSES[PROTOTYPES[name].space_group], cell, f"{name} {axes}"


# samples without a class


def random_box(rng, volume):
    """Lattice vectors of a cubic or triclinic box."""
    if rng.random() < 0.5:
        return np.eye(3) * np.cbrt(volume)
    angles = rng.uniform(65, 115, 3)
    lattice = Lattice.from_parameters(*rng.uniform(0.7, 1.4, 3), *angles)
    return lattice.matrix * np.cbrt(volume / lattice.volume)


def random_atoms(rng, n):
    """Atoms at random places of a random box, no two nearer than 1.5 Å."""
    bond = rng.uniform(2.2, 3.2)
    while True:
        matrix = random_box(rng, n * (bond * rng.uniform(1.0, 1.3)) ** 3)
        images = np.indices((5, 5, 5)).reshape(3, -1).T @ matrix - 2 * matrix.sum(axis=0)
        if np.sort(np.linalg.norm(images, axis=1))[1] > 1.5:
            break
    places = np.empty((0, 3))
    while len(places) < n:
        place = rng.random(3) @ matrix
        apart = (places - place)[:, None] + images
        if not len(places) or np.linalg.norm(apart, axis=-1).min() > 1.5:
            places = np.vstack([places, place])
    element = str(rng.choice(ELEMENTS))
    return Structure(matrix, [element] * n, places, coords_are_cartesian=True)


@line("")
def few_random(rng, index):
    n = int(rng.integers(3, 13) if rng.random() < 0.5 else rng.integers(2, 40))
    return None, random_orientation(random_atoms(rng, n), rng), f"{n} atoms"


@line("")
def many_random(rng, index):
    n = int(rng.integers(41, 201))
    return None, random_orientation(random_atoms(rng, n), rng), f"{n} atoms"


@line("")
def liquids(rng, index):
    n = int(np.exp(rng.uniform(*np.log([200, 4000]))))
    positions, box = packing(rng, n, rng.uniform(2.2, 3.2), rng.uniform(0.45, 0.58))
    numbers = [atomic_numbers[str(rng.choice(ELEMENTS))]] * n
    packed = build_structure(np.diag(box), numbers, positions / box)
    return None, random_orientation(packed, rng), f"{n} atoms"


@line("")
def half_liquid(rng, index):
    name, crystal = prototype_of(rng, "fcc", "bcc")
    n = np.exp(rng.uniform(*np.log([300, 3900])))
    cells = np.cbrt(n / len(crystal)) * np.exp(rng.uniform(-0.2, 0.2, 3))
    crystal.make_supercell(np.maximum(2, np.round(cells)).astype(int))
    bond, box = bond_length(crystal), np.array(crystal.lattice.abc)
    liquid = np.mod(crystal.frac_coords[:, rng.integers(3)] + 1e-6, 1) > 0.5
    moves = rng.normal(0, rng.uniform(0.6, 0.8) * bond, (len(crystal), 3)) * liquid[:, None]
    positions = push_apart(crystal.cart_coords + moves, box, 0.85 * bond, liquid)
    half = build_structure(crystal.lattice, crystal.atomic_numbers, positions / box)
    half = random_orientation(drop_close(half, 0.7 * bond), rng)
    return None, half, f"{name} {crystal[0].specie} {len(half)} atoms"


@line("")
def two_crystals(rng, index):
    element = str(rng.choice(ELEMENTS))
    names = [str(rng.choice(["fcc", "bcc", "hcp", "diamond"])) for _ in range(2)]
    crystals = [random_orientation(build_prototype(name, element), rng) for name in names]
    volume = np.mean([crystal.volume / len(crystal) for crystal in crystals])
    edge = np.cbrt(volume * np.exp(rng.uniform(*np.log([550, 4000]))))
    places = []
    for crystal, low in zip(crystals, (0.0, 0.5), strict=True):
        sites, _ = sites_around(crystal, np.full(3, edge / 2), 0.87 * edge + 5)
        sites = (sites + rng.uniform(-2, 2, 3)) / edge
        inside = ((sites >= 0) & (sites < 1)).all(axis=1)
        places.append(sites[inside & (sites[:, 2] >= low) & (sites[:, 2] < low + 0.5)])
    fractions = np.vstack(places)
    both = Structure(np.eye(3) * edge, [element] * len(fractions), fractions)
    both = random_orientation(drop_close(both, 0.7 * bond_length(crystals[0])), rng)
    return None, both, f"{' and '.join(names)} {element} {len(both)} atoms"


@line("")
def bad_input(rng, index):
    """No class, and no other error than a ValueError of one line."""
    case = ("line", "plane", "one atom", "two atoms", "long axis", "20 atoms", "NaN")[index % 7]
    bond, finite = rng.uniform(2.2, 3.2), bool(index // 7 % 2)
    element, box = str(rng.choice(ELEMENTS)), np.eye(3) * 60.0
    grid = bond * np.indices((12, 12, 1)).reshape(3, -1).T
    if case == "20 atoms":
        cell = prototype_of(rng, "fcc", "bcc", "hcp", "diamond")[1]
        places, finite = cut_piece(cell, rng, 20, partial(np.linalg.norm, axis=1))[1], True
    elif case == "long axis":
        places, finite = rng.random((40, 3)) * (10, 10, 1000), False
        box = np.diag([10.0, 10.0, 1000.0])
    else:
        n = {"line": 12, "one atom": 1, "two atoms": 2}.get(case, 144)
        places = Rotation.random(random_state=rng).apply(grid[np.argsort(grid[:, 0])][:n])
        if case == "line":
            places = bond * np.arange(n)[:, None] * rng.normal(size=3) / 3
    if case == "NaN":
        places[rng.integers(len(places))] = np.nan
    if finite:
        return None, Molecule([element] * len(places), places), f"{case} Molecule"
    sample = Structure(box, [element] * len(places), places, coords_are_cartesian=True)
    return None, sample, f"{case} Structure"
