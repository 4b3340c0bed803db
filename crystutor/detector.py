"""The detector of the diffraction experiment: which directions its pixels look in."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crystutor.arguments import InputError, require_number, require_whole

LIMITS = {  # [m]; a longer wavelength is a number in ångström
    "wavelength": (1e-14, 1e-8),
    "distance": (1e-4, 1000.0),
    "pixel_size": (1e-8, 0.1),
}
MOST_PIXELS = 8192  # along an edge
METRES = " (a Detector takes metres: 0.05 Å is 5e-12)"


@dataclass(frozen=True)
class Detector:
    """A flat detector behind the crystal. The beam, along +z, meets its centre, between pixels.

    Its lengths are in metres, as in the paper: a wavelength of 0.05 Å is 5e-12 m.

    Attributes
    ----------
    wavelength : wavelength of the plane wave, from 1e-14 to 1e-8 [m]
    distance : distance from crystal to detector, from 1e-4 to 1000 [m]
    pixel_size : edge of a pixel, from 1e-8 to 0.1 [m]
    n_pixels : number of pixels along an edge, up to 8192
    inner_radius, outer_radius : pixels with a distance from the centre strictly between the two
        are kept, the others read zero [pixel]

    Raises
    ------
    ValueError
        If a number is outside its range, or no pixel is kept.

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

    def __post_init__(self) -> None:
        for name, limits in LIMITS.items():
            require_number(name, getattr(self, name), *limits, "m", hint=METRES)
        require_whole("n_pixels", self.n_pixels, 1, MOST_PIXELS)
        require_number("inner_radius", self.inner_radius, unit="pixels")
        require_number("outer_radius", self.outer_radius, 0, unit="pixels", above=True)
        if not self.mask.any():
            raise InputError(
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
        return _read_only((radius > self.inner_radius) & (radius < self.outer_radius))

    @cached_property
    def _pixel_positions(self):
        x, y = (offset[self.mask] * self.pixel_size for offset in self._offsets)
        return np.column_stack([x, y, np.full_like(x, self.distance)])

    @cached_property
    def scattering_vectors(self) -> np.ndarray:
        """Q = (2 pi / wavelength) (p / |p| - z) of the kept pixels, shape (n_kept, 3) [1/Å]."""
        direction = self._pixel_positions / np.linalg.norm(self._pixel_positions, axis=1)[:, None]
        return _read_only(2 * np.pi / (self.wavelength * 1e10) * (direction - [0, 0, 1]))

    @cached_property
    def solid_angles(self) -> np.ndarray:
        """Solid angle of the kept pixels, (distance / |p|)^3, shape (n_kept,); 1 on the beam."""
        return _read_only((self.distance / np.linalg.norm(self._pixel_positions, axis=1)) ** 3)


def _read_only(array):
    """Guard an array that is kept and handed out: a change would reach every later image."""
    array.setflags(write=False)
    return array


PAPER_DETECTOR = Detector()
IMAGE_SHAPE = (PAPER_DETECTOR.n_pixels, PAPER_DETECTOR.n_pixels, 3)  # of a fingerprint
