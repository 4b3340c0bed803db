"""The diffraction fingerprint: Eqs. (1) and (2) of Ziletti et al., Nat. Commun. 9, 2775 (2018)."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, cached_property

import gemmi
import numpy as np
from pymatgen.core import Structure
from scipy.spatial.transform import Rotation
from threadpoolctl import ThreadpoolController
from tqdm.auto import tqdm

from crystutor.cells import bond_length
from crystutor.structures import check_structure

ATOM_BLOCK = 64
CHUNK = 16
BLAS = ThreadpoolController()  # several threads for such small products only get in the way


@dataclass(frozen=True)
class Detector:
    """A flat detector behind the crystal, its centre between pixels on the beam, along +z.

    Attributes
    ----------
    wavelength : wavelength of the plane wave [m]
    distance : from crystal to detector [m]
    pixel_size : edge of a pixel [m]
    n_pixels : pixels along an edge
    inner_radius, outer_radius : pixels at a distance from the centre between the two, both
        excluded, are kept, the others read zero [pixel]

    Examples
    --------
    >>> Detector().scattering_vectors.shape
    (2748, 3)
    """

    wavelength: float = 5.0e-12
    distance: float = 0.1
    pixel_size: float = 4.0e-4
    n_pixels: int = 64
    inner_radius: float = 5.0
    outer_radius: float = 30.0

    def __post_init__(self):
        for name in ("wavelength", "distance", "pixel_size", "n_pixels", "outer_radius"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; a positive number is accepted")
        if not self.mask.any():
            raise ValueError(
                f"no pixel lies between inner_radius = {self.inner_radius} "
                f"and outer_radius = {self.outer_radius}"
            )

    @cached_property
    def _offsets(self):
        """Column (x) and row (y) of every pixel, from the centre [pixel]."""
        axis = np.arange(self.n_pixels) - (self.n_pixels - 1) / 2
        return np.meshgrid(axis, axis)

    @cached_property
    def mask(self) -> np.ndarray:
        """Pixels that are kept, shape (n_pixels, n_pixels), bool."""
        radius = np.hypot(*self._offsets)
        return (radius > self.inner_radius) & (radius < self.outer_radius)

    @cached_property
    def _pixel_positions(self):
        x, y = (offset[self.mask] * self.pixel_size for offset in self._offsets)
        return np.column_stack([x, y, np.full_like(x, self.distance)])

    @cached_property
    def scattering_vectors(self) -> np.ndarray:
        """Q = (2 pi / wavelength) (p / |p| - z) of the kept pixels, shape (n_kept, 3) [1/Å]."""
        direction = self._pixel_positions / np.linalg.norm(self._pixel_positions, axis=1)[:, None]
        return 2 * np.pi / (self.wavelength * 1e10) * (direction - [0, 0, 1])

    @cached_property
    def solid_angles(self) -> np.ndarray:
        """Solid angle of the kept pixels, (distance / |p|)^3, shape (n_kept,); on the beam 1."""
        return (self.distance / np.linalg.norm(self._pixel_positions, axis=1)) ** 3


PAPER_DETECTOR = Detector()


def fingerprint(
    structure: Structure,
    detector: Detector = PAPER_DETECTOR,
    angles: tuple[float, ...] = (-45.0, 45.0),
) -> np.ndarray:
    """Diffraction fingerprint of the atoms of a structure, taken as a finite cluster.

    Parameters
    ----------
    structure
        Cluster of atoms in its standard orientation, see `crystutor.build_cluster`. Its lattice
        serves only to find the average nearest-neighbour distance, by which positions are scaled.
    detector
        Geometry of the experiment.
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
        If the structure is empty, not ordered, overlapping, or holds an element beyond Z = 96.

    Notes
    -----
    For every rotation, the intensity on a pixel is

        I(q) = solid angle(q) |sum_j f_j(q) exp(-i q.x_j)|^2 ,

    a channel adds the intensities of its rotations, and the image is divided by its maximum.
    f is the X-ray form factor f0 of the International Tables (1992) for atomic number Z + 2, so
    that hydrogen scatters as lithium, at sin(theta)/lambda of the scaled structure. Deviation
    from the authors' program: it halves the pixel's distance from the beam inside its solid
    angle; here it is exact (the images differ by less than 0.007). As in the paper, pixels from
    radius 5 are kept; the program's default of 10 hides the (111) spots of diamond.

    References
    ----------
    A. Ziletti et al., Nat. Commun. 9, 2775 (2018), Eqs. (1) and (2), Methods.

    Examples
    --------
    >>> from crystutor import build_cluster, build_prototype
    >>> fingerprint(build_cluster(build_prototype("fcc"))).shape
    (64, 64, 3)
    """
    return diffraction_image(*_scaled_atoms(structure), detector, tuple(angles))


def fingerprints(
    structures: list[Structure], executor: Executor | None = None, progress: bool = False
) -> np.ndarray:
    """Fingerprints of many clusters, by the paper's detector.

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
        Images, shape (n, 64, 64, 3), float32, in the order of the structures.

    Examples
    --------
    >>> from crystutor import build_prototype
    >>> fingerprints([build_prototype("bcc"), build_prototype("sc")]).shape
    (2, 64, 64, 3)
    """
    images = np.zeros((len(structures), PAPER_DETECTOR.n_pixels, PAPER_DETECTOR.n_pixels, 3), "f4")
    run = map if executor is None else executor.map
    chunks = (structures[i : i + CHUNK] for i in range(0, len(structures), CHUNK))
    blocks = run(_image_block, map(_packed, chunks))
    with tqdm(total=len(structures), desc="fingerprints", disable=not progress) as bar:
        for start, block in zip(range(0, len(structures), CHUNK), blocks, strict=True):
            images[start : start + len(block)] = block
            bar.update(len(block))
    return images


def diffraction_image(
    positions: np.ndarray,
    numbers: np.ndarray,
    detector: Detector = PAPER_DETECTOR,
    angles: tuple[float, ...] = (-45.0, 45.0),
) -> np.ndarray:
    """Fingerprint of bare atoms whose positions are already divided by the bond length.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3) [bond lengths].
    numbers
        Atomic numbers, shape (n_atoms,).
    detector, angles
        As in `fingerprint`.

    Returns
    -------
    ndarray
        As `fingerprint`.
    """
    channels = diffraction_channels(positions, numbers, detector, angles)
    return channels / channels.max()


@BLAS.wrap(limits=1, user_api="blas")
def diffraction_channels(
    positions: np.ndarray,
    numbers: np.ndarray,
    detector: Detector = PAPER_DETECTOR,
    angles: tuple[float, ...] = (-45.0, 45.0),
) -> np.ndarray:
    """Intensities behind a fingerprint, before they are divided by their maximum, Eq. (2).

    Parameters
    ----------
    positions, numbers, detector, angles
        As in `diffraction_image`.

    Returns
    -------
    ndarray
        Shape (n_pixels, n_pixels, 3), float32 [electrons^2].
    """
    channels = np.zeros((detector.n_pixels, detector.n_pixels, 3), np.float32)
    for channel, axis in enumerate("xyz"):
        rotations = Rotation.from_euler(axis, np.reshape(angles, (-1, 1)), degrees=True).as_matrix()
        channels[detector.mask, channel] = sum(
            diffraction_intensity(positions @ rotation.T, numbers, detector)
            for rotation in rotations
        )
    return channels


def diffraction_intensity(
    positions: np.ndarray, numbers: np.ndarray, detector: Detector = PAPER_DETECTOR
) -> np.ndarray:
    """Intensity that a cluster scatters onto the kept pixels, Eq. (1).

    Parameters
    ----------
    positions
        Shape (n_atoms, 3) [bond lengths].
    numbers
        Atomic numbers, shape (n_atoms,).
    detector
        Geometry.

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
    """X-ray form factor f0 of element Z + 2 on the kept pixels, shape (n_kept,) [electrons].

    Raises
    ------
    ValueError
        If Z + 2 is beyond the table of the International Tables for Crystallography C (1992).
    """
    coefficients = gemmi.Element(Z + 2).it92
    if coefficients is None:
        raise ValueError(f"no form factor for Z = {Z}; elements up to Z = 96 are accepted")
    s_squared = (np.linalg.norm(detector.scattering_vectors, axis=1) / (4 * np.pi)) ** 2
    gaussians = (
        a * np.exp(-b * s_squared) for a, b in zip(coefficients.a, coefficients.b, strict=False)
    )
    return sum(gaussians, coefficients.c).astype(np.float32)


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
    return structure.cart_coords / bond_length(structure), np.array(structure.atomic_numbers)


def _packed(structures):
    """Bare arrays: a pymatgen Structure takes longer to send to a process than to evaluate."""
    return [_scaled_atoms(structure) for structure in structures]


def _image_block(atoms):
    return np.stack([diffraction_image(positions, numbers) for positions, numbers in atoms])
