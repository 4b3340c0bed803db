"""Search for the lattice that moves most atoms onto atoms, and measure how good it is."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from crystutor.crystal.lattice.candidates import FEWEST_INSIDE, find_candidates
from crystutor.crystal.lattice.evidence import coincidences, squared_misses, sure_gain
from crystutor.crystal.lattice.moved_atoms import MovedAtoms
from crystutor.crystal.lattice.sublattices import (
    generated_lattice,
    integer_basis,
    lattice_vectors,
    reduced,
)

REACHES = (3.3, 5.2, 8.0, 12.0)  # longest vectors tried, one after the other [bond lengths]
FAR_REACHES = REACHES[2:]  # tried if a vector moves many times as many atoms onto atoms as chance
MANY_TIMES = 4.0
SHARE_OF_BEST = 0.8  # of the best overlap; vectors that join only some sites seldom have 3/4
SLACKS = (2.0, 0.0)  # standard errors
SAME_POINT = 0.15  # within which two measured vectors lead to the same point [bond lengths]
ALMOST_BEST = 0.65  # share of the best excess over chance; a finer lattice with as much is taken
MOST_VECTORS = 0.8  # share of a lattice's vectors below that best one
GOOD = 0.85  # share of the best vector's overlap that all vectors of a lattice have
CLEAR = 8.0  # standard errors by which the overlap must exceed chance
FEW_ATOMS = 40
CLEAR_COINCIDENCES = 25.0  # -log of the probability that few atoms fall on one lattice by chance
HALF_SURE = 0.25  # share that is enough if vacancies seldom reach half of it
COARSER = 0.05  # share by which the overlap must rise for a coarser lattice
CLOSER = 1.0  # share by which squared distances from atoms must be larger without it
FALSE_ALARM = 1e-7  # probability that random vacancies raise it by more
SHARES = (0.8, 0.9, 1.0)  # of the overlap of the best vectors, which generate a coarser lattice
BEST_VECTORS = 0.95  # share of the vectors below that overlap
MANY_VECTORS, N_SCOUTS = 300, 128  # that are moved to look for a coarser lattice
N_VECTORS = 60
SHORT_EDGE = 8.0  # of a box that itself helps to find the lattice [bond lengths]
FEWEST_LANDINGS = 60  # of the atoms of a neighbourhood inside the sample
SMALLEST_CELL = 0.3  # [bond lengths cubed]; the densest packing has 0.7
FIT_ROUNDS = 4
STILL = 1e-3  # change of a basis that ends the fit [bond lengths]


@dataclass(frozen=True, eq=False)
class Translations:
    """The lattice of a sample, and the evidence for it.

    Attributes
    ----------
    basis : primitive vectors as rows, in the frame of the sample, shape (3, 3) [Å]
    errors : standard errors of the basis, shape (3, 3) [Å]; zero where the box fixes it
    overlap : share of the atoms that land on atoms, mean over the shortest lattice vectors
    chance : the same for vectors that are not in the lattice
    error : standard error of `overlap`
    scatter : standard deviation per component of an atom's place, against its neighbours' [Å]
    sites : number of atoms in a primitive cell, vacancies not counted
    """

    basis: np.ndarray
    errors: np.ndarray
    overlap: float
    chance: float
    error: float
    scatter: float
    sites: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A lattice that was found, and what speaks for it.

    Attributes
    ----------
    translations : the lattice
    part_overlaps : overlap in each of some parts of the sample, shape (n,)
    is_clear : whether the overlap is clearly not chance
    best : overlap of the best single vectors
    """

    translations: Translations
    part_overlaps: np.ndarray
    is_clear: bool
    best: float

    def is_best(self, slack: float = 0.0) -> bool:
        """Whether no single vector moves many more atoms onto atoms, by more than a slack."""
        return self.translations.overlap > GOOD * self.best - slack


def find_fit(moved: MovedAtoms, reaches: tuple[float, ...] = REACHES) -> Fit | None:
    """Find the lattice of a sample; None if no three independent vectors are good.

    The longest vectors that are tried, one after the other, are in bond lengths.
    """
    found: list[Fit] = []
    for fit in _fits(moved, reaches):
        found.append(fit)
        if fit.is_clear and fit.is_best():
            break
    if not found:
        return None
    excesses = [fit.translations.overlap - fit.translations.chance for fit in found]
    least = min(ALMOST_BEST * max(excesses), max(excesses))
    good = [fit for fit, excess in zip(found, excesses, strict=True) if excess >= least]
    return min(good, key=lambda fit: fit.translations.sites)


def _fits(moved, reaches):
    """Yield the lattices that several choices of vectors generate."""
    best, enough = 0.0, _longest_needed(moved.sample)
    for reach in reaches:
        if reach * moved.bond_length > moved.farthest:
            return
        if reach in FAR_REACHES and best < MANY_TIMES * moved.chance:
            return
        candidates = find_candidates(moved, reach * moved.bond_length)
        best = candidates[1].max(initial=0.0)
        fits = (_search(moved, *candidates, slack) for slack in SLACKS)
        yield from (fit for fit in fits if fit is not None)
        if reach * moved.bond_length >= enough:
            return


def _longest_needed(sample):
    """Length from which on all vectors repeat shorter ones, moved by a periodic box [Å]."""
    if not sample.periodic.all():
        return np.inf
    return np.linalg.norm(reduced(sample.box)) / 2


def _search(moved, vectors, overlaps, slack):
    """Lattice that the best vectors generate, within some standard errors of a share of the best.

    A larger slack lets in more vectors that join some of the sites only; a smaller one loses
    lattice vectors that many vacancies spoil.
    """
    best = overlaps.max(initial=0.0)
    error = np.sqrt(best * (1 - best) / len(moved.origins))
    good = vectors[overlaps >= SHARE_OF_BEST * best - slack * error]
    good = good[np.argsort(np.linalg.norm(good, axis=1).round(6), kind="stable")]
    if moved.sample.periodic.all():
        edges = moved.sample.box
        short = np.linalg.norm(edges, axis=1) < SHORT_EDGE * moved.bond_length
        good = np.vstack([good, edges[short]])
    basis = generated_lattice(good, SAME_POINT * moved.bond_length)
    for _ in range(4):
        basis = _fitted(moved, basis)
        if basis is None:
            return None
        coarser = _coarser(moved, basis)
        if coarser is None:
            return _measured(moved, basis, best)
        basis = coarser
    return None


def _move_by_lattice(moved, basis, n_vectors, n_atoms=None):
    """Move atoms by the lattice's shortest vectors that are no repeat of the box."""
    radius = min(REACHES[1] * moved.bond_length, moved.farthest)
    longest = np.linalg.norm(basis, axis=1).max()
    coefficients = lattice_vectors(
        basis, max(radius, min(1.01 * longest, moved.farthest)), 4 * n_vectors
    )
    coefficients = coefficients[~moved.is_repeat(coefficients @ basis)][:n_vectors]
    n_all = len(moved.origins)
    atoms = np.unique(np.linspace(0, n_all - 1, min(n_atoms or n_all, n_all)).astype(int))
    return coefficients, moved.move(coefficients @ basis, atoms)


def _fitted(moved, basis):
    """Least squares to where the atoms land; a periodic box holds a whole number of cells.

    None if it is no lattice, has too small a cell or does not fit the box.
    """
    for _ in range(FIT_ROUNDS):
        if len(basis) < 3 or abs(np.linalg.det(basis)) < SMALLEST_CELL * moved.bond_length**3:
            return None
        basis = reduced(basis)
        coefficients, landing = _move_by_lattice(moved, basis, N_VECTORS)
        better = basis
        if np.linalg.matrix_rank(coefficients[landing.hits.any(axis=1)]) == 3:
            better = basis + _correction(coefficients, landing, slice(None))
        if moved.sample.periodic.all():
            better = _commensurate(better, moved.sample.box, moved.tolerance)
        if len(better) == 3 and np.abs(better - basis).max() < STILL * moved.bond_length:
            return better
        basis = better
    return basis if len(basis) == 3 else None


def _correction(coefficients, landing, atoms):
    """Change of the basis that brings lattice points to the mean places of the atoms."""
    weights = landing.hits[:, atoms].sum(axis=1)
    sums = landing.misses[:, atoms].sum(axis=1)
    normal = (coefficients * weights[:, None]).T @ coefficients
    return np.linalg.pinv(normal) @ coefficients.T @ sums


def _commensurate(basis, box, tolerance):
    """The lattice, strained until the box holds a whole number of cells; empty if it cannot."""
    whole = np.round(box @ np.linalg.inv(basis))
    misfit = np.linalg.norm(whole @ basis - box, axis=1).max()
    if misfit > 2 * tolerance or abs(np.linalg.det(whole)) < 0.5:
        return np.zeros((0, 3))
    return np.linalg.inv(whole) @ box


def _coarser(moved, basis):
    """The coarser lattice, if any, whose vectors move more atoms onto atoms, or closer to atoms.

    Random vacancies leave unequal numbers of atoms on two sublattices: then slightly more of them
    land on atoms when they are moved within a sublattice. For n atoms and overlap o the share is
    2 (1 - o) / n times a chi squared with one degree of freedom for each site.
    """
    coefficients, landing = _move_by_lattice(moved, basis, MANY_VECTORS, N_SCOUTS)
    enough = landing.inside.mean(axis=1) >= FEWEST_INSIDE
    if not enough.any():
        return None
    overlaps = landing.overlaps
    n_sites = max(1.0, _atoms_per_cell(moved, basis) / max(overlaps.mean(), 0.2))
    by_chance = 2 * chi2.isf(FALSE_ALARM, n_sites) * (1 - overlaps.mean()) / len(moved.sample)
    least = max(COARSER, min(by_chance, max(HALF_SURE, by_chance / 2)))
    squares = squared_misses(moved, landing)
    distances = squares.sum(axis=1) / np.maximum(1, landing.hits.sum(axis=1))
    best = np.quantile(overlaps[enough], BEST_VECTORS)
    full = enough & (overlaps >= SHARE_OF_BEST * best)
    sharp = full & (distances < distances[full].mean() / 2)
    trials = [(enough & (overlaps >= share * best), False) for share in SHARES]
    repeats = np.round(moved.sample.box[moved.sample.periodic] @ np.linalg.inv(basis)).astype(int)
    found = []
    for chosen, by_distance in [*trials, (sharp, True)]:
        matrix = integer_basis(np.vstack([coefficients[chosen], repeats]))
        if len(matrix) < 3 or abs(np.linalg.det(matrix)) < 1.5:
            continue
        whole = coefficients @ np.linalg.inv(matrix)
        members = (np.abs(whole - np.round(whole)) < 1e-6).all(axis=1)
        if by_distance:
            gain = sure_gain(squares, landing.hits, members, 1, CLOSER)
        else:
            gain = sure_gain(landing.hits, landing.inside, members, -1, least)
        found.append((gain, matrix))
    gain, matrix = max(found, key=lambda trial: trial[0], default=(0.0, np.eye(3)))
    return matrix @ basis if gain else None


def _atoms_per_cell(moved, basis):
    if moved.sample.periodic.all():
        share = abs(np.linalg.det(basis) / np.linalg.det(moved.sample.box))
        return float(len(moved.sample) * share)
    return moved.density * float(abs(np.linalg.det(basis)))


def _measured(moved, basis, best):
    """The evidence for a lattice."""
    coefficients, landing = _move_by_lattice(moved, basis, N_VECTORS)
    landed, inside = landing.hits.sum(axis=0), landing.inside.sum(axis=0)
    total = max(1, inside.sum())
    overlap = landed.sum() / total
    rest = (landed - overlap * inside) / total
    error = max(np.sqrt((rest**2).sum()), np.sqrt(overlap * (1 - overlap)) / len(moved.origins))
    n_landings = inside[moved.neighbourhoods].sum(axis=1)
    parts = landed[moved.neighbourhoods].sum(axis=1) / np.maximum(1, n_landings)
    parts = parts[n_landings >= FEWEST_LANDINGS]
    found = Translations(
        basis,
        _errors(moved, coefficients, landing),
        float(overlap),
        moved.chance,
        float(error),
        float(np.sqrt((landing.misses**2).sum() / max(1, landing.hits.sum()) / 6)),
        _atoms_per_cell(moved, basis),
    )
    if len(moved.sample) < FEW_ATOMS:
        is_clear = coincidences(moved, basis) > CLEAR_COINCIDENCES
    else:
        is_clear = found.overlap - found.chance > CLEAR * found.error
    best = max(best, _most(landing))
    return Fit(found, parts, bool(is_clear), float(best))


def _most(landing):
    """Overlap that few of a lattice's vectors exceed."""
    enough = landing.inside.mean(axis=1) >= FEWEST_INSIDE if len(landing.inside) else []
    return np.quantile(landing.overlaps[enough], MOST_VECTORS) if np.any(enough) else 0.0


def _errors(moved, coefficients, landing):
    """Standard errors of the basis, from what each part of the sample says without the others."""
    n = moved.parts.max() + 1
    if moved.sample.periodic.all() or n < 2:
        return np.zeros((3, 3))
    without = [_correction(coefficients, landing, moved.parts != part) for part in range(n)]
    return np.sqrt((n - 1) / n * ((without - np.mean(without, axis=0)) ** 2).sum(axis=0))
