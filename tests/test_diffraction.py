from concurrent.futures import ProcessPoolExecutor

import gemmi
import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from crystutor import (
    PAPER_DETECTOR,
    Detector,
    bond_length,
    build_cluster,
    build_prototype,
    displace_atoms,
    fingerprint,
    fingerprints,
    substitute_atoms,
)
from crystutor.diffraction import diffraction_channels, diffraction_intensity, form_factor

MASK = PAPER_DETECTOR.mask


def equation_1(positions, numbers, detector):
    """Eq. (1) in float64, atom by atom and pixel by pixel, from the definition."""
    image = np.zeros((detector.n_pixels, detector.n_pixels))
    center = (detector.n_pixels - 1) / 2
    for row, column in zip(*np.nonzero(detector.mask), strict=True):
        p = np.array([(column - center) * 4e-4, (row - center) * 4e-4, 0.1])
        direction = p / np.sqrt(p @ p)
        q = 2 * np.pi / 0.05 * (direction - np.array([0, 0, 1]))
        sin_theta = np.sqrt((1 - direction[2]) / 2)
        amplitude = 0
        for x, Z in zip(positions, numbers, strict=True):
            f = gemmi.Element(int(Z) + 2).it92.calculate_sf((sin_theta / 0.05) ** 2)
            amplitude += f * np.exp(-1j * (q @ x))
        image[row, column] = abs(amplitude) ** 2 * (0.1 / np.sqrt(p @ p)) ** 3
    return image


def test_fingerprint_is_equation_1_and_2():
    alloy = substitute_atoms(build_cluster(build_prototype("diamond"), 27), 0.3, 2, seed=1)
    alloy = displace_atoms(alloy, 0.05, seed=1)
    positions = alloy.cart_coords / bond_length(alloy)
    expected = np.zeros((64, 64, 3))
    for channel, axis in enumerate("xyz"):
        for angle in (-45, 45):
            turned = Rotation.from_euler(axis, angle, degrees=True).apply(positions)
            expected[:, :, channel] += equation_1(turned, alloy.atomic_numbers, PAPER_DETECTOR)
    expected /= expected.max()
    np.testing.assert_allclose(fingerprint(alloy), expected, atol=1e-5)


def test_intensity_is_the_closed_laue_sum():
    cell = np.array([[0.9, 0, 0], [0.2, 1.1, 0], [-0.1, 0.3, 1.0]])
    repeats = (5, 4, 6)
    steps = np.stack(np.meshgrid(*map(np.arange, repeats)), axis=-1).reshape(-1, 3)
    atoms = diffraction_intensity(steps @ cell, np.full(len(steps), 29))
    phases = PAPER_DETECTOR.scattering_vectors @ cell.T / 2
    laue = np.prod((np.sin(phases * repeats) / np.sin(phases)) ** 2, axis=1)
    expected = laue * form_factor(29) ** 2 * PAPER_DETECTOR.solid_angles
    np.testing.assert_allclose(atoms, expected, atol=1e-4 * expected.max())


def test_translation_and_permutation_change_nothing(copper):
    image = fingerprint(copper)
    order = np.random.default_rng(0).permutation(len(copper))
    moved = Structure(
        copper.lattice, copper.species, copper.cart_coords[order] + 7.3, coords_are_cartesian=True
    )
    np.testing.assert_allclose(fingerprint(moved), image, atol=2e-4)


def test_lengths_do_not_matter(copper):
    large = copper.copy()
    large.scale_lattice(8 * copper.volume)
    np.testing.assert_allclose(fingerprint(large), fingerprint(copper), atol=1e-4)


def test_peaks_scale_with_the_inverse_distance():
    assert first_order(1.0) == pytest.approx(2 * np.pi / 1.0, rel=0.02)
    assert first_order(1.25) == pytest.approx(2 * np.pi / 1.25, rel=0.02)


def first_order(distance):
    """Length of q at the first diffraction order of a row of atoms along x."""
    row = np.column_stack([distance * np.arange(6), np.zeros(6), np.zeros(6)])
    q = PAPER_DETECTOR.scattering_vectors
    near = (np.abs(q[:, 1]) < 0.3) & (np.abs(q[:, 0] - 2 * np.pi / distance) < 1.5)
    f = form_factor(29)
    intensity = (diffraction_intensity(row, np.full(6, 29)) / f**2)[near]
    return intensity @ q[near, 0] / intensity.sum()


@pytest.mark.parametrize(
    ("hkl", "allowed"), [((1, 1, 0), False), ((2, 0, 0), True), ((2, 2, 0), True)]
)
def test_extinctions_of_fcc(copper, hkl, allowed):
    """Unit scatterers: |F|^2 = N^2 where h, k, l are all even or odd, 0 where they are mixed."""
    phases = 2 * np.pi * (copper.frac_coords * 4) @ hkl
    assert abs(np.exp(1j * phases).sum()) / len(copper) == pytest.approx(float(allowed), abs=1e-9)
    detector = Detector(inner_radius=1.0)
    d = bond_length(copper) * np.sqrt(2)  # lattice constant
    g = np.array(hkl) * 2 * np.pi * bond_length(copper) / d
    pixel = np.linalg.norm(detector.scattering_vectors[:, :2] - g[:2], axis=1).argmin()
    intensity = diffraction_intensity(
        copper.cart_coords / bond_length(copper), np.full(256, 29), detector
    )
    assert (intensity[pixel] > 0.05 * intensity.max()) == allowed


def test_shape_range_and_kept_pixels(copper):
    image = fingerprint(copper)
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() == 1
    y, x = np.indices((64, 64)) - 31.5
    radius = np.hypot(x, y)
    assert (image[(radius <= 5) | (radius >= 30)] == 0).all()
    assert MASK.sum() == 2748


@pytest.fixture(scope="module")
def gas():
    """Positions [bond lengths] and elements of atoms in a box: nothing that has an axis."""
    rng = np.random.default_rng(2)
    return rng.uniform(0, 6, (200, 3)), rng.integers(1, 97, 200)


FLAT = Detector(wavelength=5e-14, distance=10.0)  # the paper's |q| on a sphere 100 times larger


def test_friedels_law_holds_on_a_flat_sphere_only(gas):
    """I(q) = I(-q), whatever scatters; but a curved Ewald sphere does not hold -q beside q."""
    for detector, lowest, highest in ((FLAT, 0.9999, 1), (PAPER_DETECTOR, 0.5, 0.97)):
        image = np.zeros((64, 64))
        image[detector.mask] = diffraction_intensity(*gas, detector)
        correlation = np.corrcoef(image[::-1, ::-1].ravel(), image.ravel())[0, 1]
        assert lowest < correlation <= highest


@pytest.mark.parametrize("angles", [(-45, 45), (-30, 60), (90,), (135,), (200, 290, 20)])
def test_a_quarter_turn_about_the_beam_is_one_of_the_image(gas, angles):
    positions, numbers = gas
    expected = np.zeros((64, 64))
    for angle in angles:
        turned = Rotation.from_euler("z", angle, degrees=True).apply(positions)
        expected[MASK] += diffraction_intensity(turned, numbers)
    found = diffraction_channels(positions, numbers, angles=angles)[..., 2]
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


@pytest.mark.parametrize(
    "kept",
    [
        PAPER_DETECTOR.scattering_vectors,
        PAPER_DETECTOR.solid_angles,
        PAPER_DETECTOR.mask,
        form_factor(29),
    ],
    ids=["scattering vectors", "solid angles", "mask", "form factor"],
)
def test_what_is_kept_for_later_images_cannot_be_changed(copper, kept):
    before = fingerprint(copper)
    with pytest.raises(ValueError, match="read-only"):
        kept *= 2
    np.testing.assert_array_equal(fingerprint(copper), before)


def test_an_executor_gives_the_same_images(copper):
    structures = [copper, build_prototype("hcp"), build_prototype("beta-Sn")] * 12
    with ProcessPoolExecutor(2) as executor:
        parallel = fingerprints(structures, executor=executor)
    np.testing.assert_array_equal(parallel, fingerprints(structures))
    assert parallel.shape == (36, 64, 64, 3)
    assert fingerprints([]).shape == (0, 64, 64, 3)


def test_bad_input():
    with pytest.raises(ValueError, match="Es has Z = 99"):
        fingerprint(Structure(Lattice.cubic(3), ["Es"], [[0, 0, 0]]))
    with pytest.raises(ValueError, match="at least one is needed"):
        fingerprint(Structure(Lattice.cubic(3), [], []))
    with pytest.raises(ValueError, match="wavelength is -1"):
        Detector(wavelength=-1)
    with pytest.raises(ValueError, match="wavelength is 0.05 m.*takes metres: 0.05 Å is 5e-12"):
        Detector(wavelength=0.05)
    with pytest.raises(ValueError, match="no pixel lies between"):
        Detector(inner_radius=30)
