"""The translations of a crystal: the vectors that move all of its atoms onto atoms.

Move the crystal by a vector, and count the atoms that land on atoms. Where clearly more do than
by chance, and whichever of them one looks at, the vector belongs to the lattice.
"""

import numpy as np
import spglib

from crystutor.arguments import InputError, as_array
from crystutor.crystal.lattice.candidates import find_candidates
from crystutor.crystal.lattice.moved_atoms import MovedAtoms
from crystutor.crystal.lattice.search import REACHES, Translations, find_fit
from crystutor.crystal.lattice.sublattices import reduced
from crystutor.crystal.samples import Atoms, Sample, ball_around, sample_of
from crystutor.crystal.structures import bond_length, check_structure

FEW_ATOMS = 40  # a finite sample needs as many; a periodic cell of fewer may be a perfect one
MOST_ATOMS_OF_A_CELL = 400  # that is asked for symmetry
ALL = 0.85
MOST = 0.5  # share of a small cell's atoms that vacancies may not spoil
PERFECT = 0.02  # within which a symmetry holds [bond lengths]
LEAST_SYMMETRY = 3  # space group; any two atoms have number 2
EVEN = 0.5  # least excess of a part of a crystal over chance, in that of the whole
BALL = 250  # atoms of a ball that is searched alone
N_BALLS = 4

REASONS = ("no lattice", "not one crystal", "too few atoms")


class NoAverageLatticeError(InputError):
    """A sample has no three-dimensional lattice; `reason` is one of `REASONS`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple:
        """How it comes back from a worker."""
        return type(self), (self.reason, str(self))


def find_translations(atoms: Atoms) -> Translations:
    """Find the lattice of a sample, perfect or defective, of any shape and orientation.

    Parameters
    ----------
    atoms
        Structure, periodic along all, some or none of its axes, or a molecule for a finite
        sample. Elements do not matter.

    Returns
    -------
    Translations
        In the frame of the sample.

    Raises
    ------
    NoAverageLatticeError
        If the sample has no lattice, is more than one crystal or has too few atoms to tell.
    ValueError
        If the atoms make no sample: none, in one plane, two in one place, ...

    Notes
    -----
    A vector is tried because it joins two of some atoms. The overlap is the share of the atoms
    that land within 0.3 bond lengths of an atom, of those that land inside the sample. Vectors of
    the periodic box are no evidence. In a sample of more than 600 atoms, balls of 50 atoms at
    twelve places are moved.

    The vectors with at least 4/5 of the best overlap generate a lattice. It is fitted to where
    the atoms land. The best of its vectors generate a coarser one; that is taken where it has
    clearly more overlap, or moves atoms clearly closer to atoms. A lattice is believed if its
    overlap exceeds chance by eight standard errors. A small perfect cell is believed if it has
    symmetry.

    Examples
    --------
    >>> from crystutor import build_prototype, remove_atoms
    >>> diamond = build_prototype("diamond").make_supercell(3, in_place=False)
    >>> found = find_translations(remove_atoms(diamond, 0.25, seed=1))
    >>> round(found.overlap, 2), round(float(abs(np.linalg.det(found.basis))), 2)
    (0.75, 11.18)
    """
    check_structure(atoms, "atoms")
    return translations_of(sample_of(atoms), bond_length(atoms))


def overlap(atoms: Atoms, vectors: np.ndarray) -> np.ndarray:
    """Move a sample, and count the atoms that land on atoms.

    Parameters
    ----------
    atoms
        Structure or molecule, as for `find_translations`.
    vectors
        Translations, shape (n, 3) or (3,) [Å]; up to 8 bond lengths long in a sample of more
        than 600 atoms, of which only 600 are moved.

    Returns
    -------
    ndarray
        Share of the atoms that land within 0.3 bond lengths of an atom, of those that land inside
        the sample, shape (n,) or (), in [0, 1]; NaN where none lands inside.

    Raises
    ------
    ValueError
        If the atoms make no sample, or a vector is too long or not finite.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> diamond = build_prototype("diamond", a=4.0).make_supercell(3, in_place=False)
    >>> overlap(diamond, [[0, 2, 2], [1, 1, 1]]).tolist()  # a lattice vector, and a bond
    [1.0, 0.5]
    """
    check_structure(atoms, "atoms")
    vectors = as_array("vectors", vectors, (None, 3) if np.ndim(vectors) > 1 else (3,))
    if not np.isfinite(vectors).all():
        raise InputError("vectors hold NaN or infinity; finite numbers are accepted")
    moved = MovedAtoms(sample_of(atoms), bond_length(atoms))
    longest = np.linalg.norm(vectors, axis=-1).max(initial=0.0)
    if longest > moved.farthest:
        raise InputError(
            f"a vector is {longest:.1f} Å long; up to {moved.farthest:.1f} Å are accepted"
        )
    landing = moved.move(np.atleast_2d(vectors))
    shares = np.where(landing.inside.any(axis=1), landing.overlaps, np.nan)
    return shares.reshape(vectors.shape[:-1])


def translations_of(sample: Sample, distance: float) -> Translations:
    """Find the lattice of a sample, as `find_translations` does; its bond length is given."""
    if not sample.periodic.all() and len(sample) < FEW_ATOMS:
        raise NoAverageLatticeError(
            "too few atoms",
            f"{len(sample)} atoms of a finite sample; {FEW_ATOMS} or more are needed",
        )
    moved = MovedAtoms(sample, distance)
    found = find_fit(moved)
    clear = found if found is not None and found.is_clear else None
    if clear is None or (len(sample) <= FEW_ATOMS and not _is_exact(clear.translations, distance)):
        perfect = _by_symmetry(sample, distance)
        if perfect is not None:
            return perfect
    if clear is not None:
        _refuse_uneven(clear)
        return clear.translations
    _refuse_several_crystals(sample, distance)
    _, overlaps = find_candidates(moved, REACHES[0] * distance)
    best = found.translations.overlap if found is not None else overlaps.max(initial=0.0)
    raise NoAverageLatticeError(
        "no lattice",
        f"moved by any vector, at most {best:.0%} of the atoms land on atoms, "
        f"{moved.chance:.0%} by chance",
    )


def _is_exact(found, distance):
    """Whether the atoms of a small cell lie exactly on sites of a lattice, most of them taken."""
    one_site = found.overlap > ALL * found.sites  # both are 1 less the share of vacancies
    return one_site and found.overlap > MOST and found.scatter < PERFECT * distance


def _refuse_uneven(found):
    """Refuse a sample of which a part does not follow the lattice of the whole."""
    whole = found.translations
    excess = (found.part_overlaps - whole.chance) / (whole.overlap - whole.chance)
    if excess.min(initial=1.0) < EVEN:
        raise NoAverageLatticeError(
            "not one crystal",
            f"one lattice moves {found.part_overlaps.max():.0%} of the atoms onto "
            f"atoms in one part and {found.part_overlaps.min():.0%} in another",
        )


def _refuse_several_crystals(sample, distance):
    """Refuse a large sample without a lattice with a better word if a ball of it has one."""
    if len(sample) < 2 * BALL:
        return
    positions = sample.fractions @ sample.box
    for center in positions[np.linspace(0, len(positions) - 1, N_BALLS).astype(int)]:
        ball = ball_around(sample, center, BALL, distance)
        found = find_fit(MovedAtoms(ball, distance))
        if found is not None and found.is_clear:
            raise NoAverageLatticeError(
                "not one crystal",
                f"the lattice of {BALL} atoms in one place is not that of all",
            )


def _by_symmetry(sample, distance):
    """Lattice of a perfect cell, if it is not large and its atoms have some symmetry; else None."""
    if not sample.periodic.all() or len(sample) > MOST_ATOMS_OF_A_CELL:
        return None
    cell = (sample.box.tolist(), sample.fractions.tolist(), [1] * len(sample))
    dataset = spglib.get_symmetry_dataset(cell, symprec=PERFECT * distance)
    if dataset is None or (dataset.number < LEAST_SYMMETRY and len(sample) > 1):
        return None
    basis = reduced(dataset.primitive_lattice)
    sites = len(sample) * np.linalg.det(basis) / abs(np.linalg.det(sample.box))
    return Translations(basis, np.zeros((3, 3)), 1.0, 0.0, 0.0, 0.0, sites)
