"""The diffraction fingerprint: Eqs. (1) and (2) of Ziletti et al., Nat. Commun. 9, 2775 (2018)."""

from concurrent.futures import Executor
from functools import cache

import gemmi
import numpy as np
from pymatgen.core import Structure
from scipy.spatial.transform import Rotation
from threadpoolctl import ThreadpoolController
from tqdm.auto import tqdm

from crystutor.arguments import InputError, require, require_numbers, require_several, require_whole
from crystutor.crystal.samples import Atoms
from crystutor.crystal.structures import (
    BareStructure,
    bond_length,
    check_structure,
    numbers_of,
)
from crystutor.detector import IMAGE_SHAPE, PAPER_DETECTOR, Detector
from crystutor.executors import map_in_order

ATOM_BLOCK = 64
CHUNK = 16
BLAS = ThreadpoolController()  # several threads only slow such small products down


def fingerprint(
    structure: Atoms,
    detector: Detector = PAPER_DETECTOR,
    angles: tuple[float, ...] = (-45.0, 45.0),
) -> np.ndarray:
    """Compute the diffraction fingerprint of a structure's atoms, taken as a finite cluster.

    Parameters
    ----------
    structure
        Cluster of atoms in its standard orientation, see `crystutor.build_cluster`. A lattice
        serves only to find the average nearest-neighbour distance, by which positions are scaled.
    detector
        Geometry of the experiment; its lengths are in metres.
    angles
        Rotations of the crystal about each axis [degree].

    Returns
    -------
    ndarray
        Image of shape (n_pixels, n_pixels, 3), float32, in [0, 1]: rows along y, columns along
        x, channels for the crystal's rotation about x (red), y (green) and z (blue).

    Raises
    ------
    ValueError
        If the structure is empty or not ordered, two atoms overlap, or an element has Z > 96.

    Notes
    -----
    For every rotation, the intensity on a pixel is

        I(q) = solid angle(q) |sum_j f_j(q) exp(-i q.x_j)|^2 ,

    a channel adds the intensities of its rotations, and the image is divided by its maximum.
    f is the X-ray form factor f0 of the International Tables (1992) at sin(theta)/lambda of the
    scaled structure. It is read for atomic number Z + 2: hydrogen scatters as lithium.

    There are two deviations from the authors' program. It halves the pixel's distance from the
    beam inside its solid angle; here the distance is exact, and images differ by less than 0.007.
    Its default inner radius is 10, which hides the (111) spots of diamond; here it is 5, as in
    the paper.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Eqs. (1) and (2), Methods.

    Examples
    --------
    >>> from crystutor import build_cluster, build_prototype
    >>> fingerprint(build_cluster(build_prototype("fcc"))).shape
    (64, 64, 3)
    """
    require("detector", detector, isinstance(detector, Detector), "a Detector")
    require_numbers("angles", angles)
    channels = diffraction_channels(*_scaled_atoms(structure), detector, tuple(angles))
    return channels / channels.max()


def fingerprint_of(cluster: BareStructure) -> np.ndarray:
    """Compute the fingerprint of a cluster that needs no check, with the paper's detector."""
    channels = diffraction_channels(*_scaled(cluster))
    return channels / channels.max()


def fingerprints(
    structures: list[Atoms], executor: Executor | None = None, progress: bool = False
) -> np.ndarray:
    """Compute the fingerprints of many clusters with the paper's detector.

    Parameters
    ----------
    structures
        Clusters, see `fingerprint`.
    executor
        Any executor of `concurrent.futures`; without one, the work is done here.
    progress
        Show a progress bar.

    Returns
    -------
    ndarray
        Images, shape (n, 64, 64, 3), float32, in [0, 1], in the order of the structures; axes as
        in `fingerprint`.

    Raises
    ------
    ValueError
        If a structure cannot be given a fingerprint.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> fingerprints([build_prototype("bcc"), build_prototype("sc")]).shape
    (2, 64, 64, 3)
    """
    require_several("structures", structures, Atoms, "a Structure or Molecule")
    images = np.zeros((len(structures), *IMAGE_SHAPE), np.float32)
    chunks = (structures[i : i + CHUNK] for i in range(0, len(structures), CHUNK))
    blocks = map_in_order(_image_block, map(_packed, chunks), executor)
    with tqdm(total=len(structures), desc="fingerprints", disable=not progress) as bar:
        for start, block in zip(range(0, len(structures), CHUNK), blocks, strict=True):
            images[start : start + len(block)] = block
            bar.update(len(block))
    return images


@BLAS.wrap(limits=1, user_api="blas")
def diffraction_channels(
    positions: np.ndarray,
    numbers: np.ndarray,
    detector: Detector = PAPER_DETECTOR,
    angles: tuple[float, ...] = (-45.0, 45.0),
) -> np.ndarray:
    """Compute a fingerprint, Eq. (2), before it is divided by its maximum.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3) [bond lengths].
    numbers
        Atomic numbers, shape (n_atoms,).
    detector
        Geometry of the experiment; its lengths are in metres.
    angles
        Rotations of the crystal about each axis [degree].

    Returns
    -------
    ndarray
        Intensities, shape (n_pixels, n_pixels, 3), float32 [electrons^2]; axes as in
        `fingerprint`.
    """
    channels = [sum(_turned(positions, numbers, detector, axis, angles)) for axis in "xyz"]
    return np.stack(channels, axis=-1)


def _turned(positions, numbers, detector, axis, angles):
    """Yield the image of the crystal turned by each angle.

    A quarter turn of the crystal about the beam turns the image; it is not computed again.
    """
    images = {}
    for angle in angles:
        quarters, rest = divmod(angle, 90) if axis == "z" else (0, angle)
        if rest not in images:
            rotation = Rotation.from_euler(axis, rest, degrees=True).as_matrix()
            images[rest] = np.zeros((detector.n_pixels, detector.n_pixels), np.float32)
            images[rest][detector.mask] = diffraction_intensity(
                positions @ rotation.T, numbers, detector
            )
        yield np.rot90(images[rest], -quarters)


def diffraction_intensity(
    positions: np.ndarray, numbers: np.ndarray, detector: Detector = PAPER_DETECTOR
) -> np.ndarray:
    """Compute the intensity that a cluster scatters onto the kept pixels, Eq. (1).

    Parameters
    ----------
    positions
        Shape (n_atoms, 3) [bond lengths].
    numbers
        Atomic numbers, shape (n_atoms,).
    detector
        Geometry of the experiment; its lengths are in metres.

    Returns
    -------
    ndarray
        |sum_j f_j(q) exp(-i q.x_j)|^2 times the solid angle, shape (n_kept,), float32
        [electrons^2].
    """
    q = detector.scattering_vectors.astype(np.float32)
    centered = (positions - positions.mean(axis=0)).astype(np.float32)  # keeps the phases small
    real, imaginary = np.zeros((2, len(q)), np.float32)
    for Z in np.unique(numbers):
        cosines, sines = _phase_sums(q, centered[numbers == Z])
        f = form_factor(int(Z), detector)
        real += f * cosines
        imaginary += f * sines
    return (real**2 + imaginary**2) * detector.solid_angles.astype(np.float32)


@cache
def form_factor(Z: int, detector: Detector = PAPER_DETECTOR) -> np.ndarray:
    """Look up the X-ray form factor f0 of element Z + 2 on the kept pixels.

    Parameters
    ----------
    Z
        Atomic number.
    detector
        Geometry of the experiment; its lengths are in metres.

    Returns
    -------
    ndarray
        Shape (n_kept,), float32, read-only [electrons].

    Raises
    ------
    ValueError
        If Z + 2 is beyond the table of the International Tables for Crystallography C (1992).
    """
    require_whole("Z", Z, 1)
    coefficients = gemmi.Element(Z + 2).it92
    if coefficients is None:
        raise InputError(f"no form factor for Z = {Z}; elements up to Z = 96 are accepted")
    s_squared = (np.linalg.norm(detector.scattering_vectors, axis=1) / (4 * np.pi)) ** 2
    gaussians = (
        a * np.exp(-b * s_squared) for a, b in zip(coefficients.a, coefficients.b, strict=True)
    )
    factor = np.array(sum(gaussians, coefficients.c), np.float32)
    factor.setflags(write=False)  # it is kept for every later image
    return factor


def _phase_sums(q, positions):
    """Sums over atoms of cos(q.x) and sin(q.x), in blocks that stay in the processor's cache."""
    cosines, sines = np.zeros((2, len(q)), np.float32)
    for start in range(0, len(positions), ATOM_BLOCK):
        phases = positions[start : start + ATOM_BLOCK] @ q.T
        cosines += np.cos(phases).sum(axis=0)
        sines += np.sin(phases, out=phases).sum(axis=0)
    return cosines, sines


def _scaled_atoms(structure):
    check_structure(structure)
    numbers = numbers_of(structure)
    if isinstance(structure, Structure):
        return _scaled(BareStructure(structure.lattice, numbers, structure.frac_coords))
    return structure.cart_coords / bond_length(structure), numbers


def _scaled(atoms):
    return atoms.cart_coords / bond_length(atoms), atoms.atomic_numbers


def _packed(structures):
    """Bare arrays: to send a pymatgen Structure to a process takes longer than to evaluate it."""
    return [_scaled_atoms(structure) for structure in structures]


def _image_block(block):
    channels = np.stack([diffraction_channels(*atoms) for atoms in block])
    return channels / channels.max(axis=(1, 2, 3), keepdims=True)
