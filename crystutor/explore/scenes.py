"""What the explorers show: pure functions from the controls' values to a text and figures."""

from functools import cache, partial

import numpy as np
from matplotlib.figure import Figure

from crystutor.attention import response_maps
from crystutor.convnet import shared_convnet
from crystutor.crystal.cells import build_cluster, example_cluster
from crystutor.crystal.defects import (
    body_center_sites,
    displace_atoms,
    remove_atoms,
    remove_body_centers,
    substitute_atoms,
    vacancy_sites,
)
from crystutor.crystal.prototypes import build_rhombohedral
from crystutor.crystal.reading.frames import EXAMPLES, read_structure
from crystutor.crystal.samples import is_periodic
from crystutor.crystal.space_groups import CLASSES, space_group
from crystutor.crystal.structures import bond_length
from crystutor.detector import Detector
from crystutor.diffraction import fingerprint
from crystutor.explore.panel import Scene
from crystutor.explore.uploads import read_upload
from crystutor.explore.views import show_crystal
from crystutor.plotting.answers import plot_probabilities
from crystutor.plotting.axes import CLASS_COLORS
from crystutor.plotting.images import plot_difference, plot_fingerprint, plot_response
from crystutor.transition_paths import hexagonal_cluster
from crystutor.verdict.classifier import classify, classify_image

WIDTH = 2.9  # of a figure's column [inch]
SPGLIB_TOLERANCE = 0.1  # [Å]
IN_A_ROW = {"columnspacing": 0.6, "handlelength": 0.8, "handletextpad": 0.3, "borderpad": 0.2}
COPPER = EXAMPLES / "Cu.cif"


@cache
def _perfect(label, element=None, n_atoms=250):
    """An example's cluster; it is kept, since sliders ask for it again and again."""
    return example_cluster(label, element, n_atoms)


@cache
def _perfect_shown(label, n_atoms=250):
    return show_crystal(_perfect(label, None, n_atoms))


@cache
def _perfect_fingerprint(label, element):
    return fingerprint(_perfect(label, element))


def structure_scene(
    label: str, element: str, vacancies: float, displacement: float, substitution: float, seed: int
) -> Scene:
    """Damage a crystal, and see fingerprint, difference, class and Spglib's answer."""
    perfect = _perfect(label, element)
    damaged = substitute_atoms(perfect, substitution, seed=seed)
    damaged = displace_atoms(damaged, displacement, seed=seed)
    damaged = remove_atoms(damaged, vacancies, seed=seed)
    ghosts = _some_atoms(perfect, vacancy_sites(perfect, vacancies, seed))
    image, reference = fingerprint(damaged), _perfect_fingerprint(label, element)
    figure, axes = _row(3)
    plot_fingerprint(image, "fingerprint", axes[0])
    plot_difference(image, reference, axes[1])
    answer = classify_image(image, shared_convnet())
    plot_probabilities(answer.probabilities, "ConvNet", axes[2])
    text = (
        f"{len(damaged)} of {len(perfect)} atoms. ConvNet: {answer.label}, "
        f"{answer.probability:.1%}."
    )
    return Scene(text, figure, show_crystal(damaged, ghosts), later=lambda: _spglib_says(damaged))


def fingerprint_scene(
    label: str, angle: float, wavelength: float, n_atoms: int, channel: str
) -> Scene:
    """Change the angle [degree] and the wavelength [Å] of the experiment; see the fingerprint."""
    crystal = _perfect(label, None, n_atoms)
    detector = Detector(wavelength=wavelength * 1e-10)
    image = fingerprint(crystal, detector, (-angle, angle))
    if channel != "all":
        image = image * (np.array(["x", "y", "z"]) == channel)
    figure, axes = _row(1)
    turned = f"±{angle:.0f}° about {'each axis' if channel == 'all' else channel}"
    plot_fingerprint(image, turned, axes[0])
    text = f"{len(crystal)} atoms, wavelength {wavelength:.3f} Å, {turned}."
    return Scene(text, figure, _perfect_shown(label, n_atoms))


def bcc_to_sc_scene(fraction: float, curve: tuple[np.ndarray, np.ndarray]) -> Scene:
    """Remove centre atoms of bcc tungsten, and mark the place on Fig. 4b of the paper."""
    perfect = _perfect("bcc")
    crystal = remove_body_centers(perfect, fraction, seed=0)
    image = fingerprint(crystal)
    answer = classify_image(image, shared_convnet())
    figure, axes = _row(3)
    plot_fingerprint(image, f"{fraction:.0%} of the centres removed", axes[0])
    plot_probabilities(answer.probabilities, "ConvNet", axes[1])
    _mark(axes[2], *curve, ("bcc", "sc"), fraction, answer)
    axes[2].set(xlabel="fraction of centres removed")
    ghosts = _some_atoms(perfect, body_center_sites(perfect, fraction, seed=0))
    text = (
        f"{len(crystal)} atoms, {len(perfect) // 2} centres when perfect. "
        f"Average bond length {bond_length(crystal) / bond_length(perfect):.3f} of that of bcc. "
        f"ConvNet: {answer.label}, {answer.probability:.1%}."
    )
    return Scene(text, figure, show_crystal(crystal, ghosts))


def rhombohedral_scene(mu: float, curve: tuple[np.ndarray, np.ndarray]) -> Scene:
    """Stretch a rhombohedral crystal along [111]; mark the place on Fig. 4d of the paper."""
    answer = classify(build_rhombohedral(mu))
    assert answer.image is not None and answer.cell is not None and answer.cluster is not None
    figure, axes = _row(3)
    plot_fingerprint(answer.image, f"c/a = {mu:.3f}", axes[0])
    plot_probabilities(answer.probabilities, "ConvNet", axes[1])
    _mark(axes[2], *curve, ("hex/rh", "bcc", "sc", "fcc"), mu, answer)
    axes[2].set(xlabel="c/a of the hexagonal axes")
    text = (
        f"Average cell: {answer.cell.bravais}. ConvNet: {answer.label}, {answer.probability:.1%}."
    )
    later = partial(_with_the_hexagonal_cell, mu)
    return Scene(text, figure, show_crystal(answer.cluster), later)


def response_scene(label: str, layer: str, rank: int) -> Scene:
    """Show the response map of one of a layer's strongest filters over the fingerprint."""
    image = fingerprint(_perfect(label))
    response = response_maps(shared_convnet(), image, layer, rank)[-1]
    figure, axes = _row(2)
    plot_fingerprint(image, "fingerprint", axes[0])
    plot_response(response, image, f"{layer}, filter number {rank}", axes[1])
    strongest = "xyz"[int(np.maximum(response, 0).sum(axis=(0, 1)).argmax())]
    text = f"{label}: this filter of {layer} responds most to the rotation about {strongest}."
    return Scene(text, figure, _perfect_shown(label))


def upload_scene(
    upload: tuple[dict, ...], frame: int, vacancies: float, displacement: float, seed: int
) -> Scene:
    """Take a frame of an uploaded file (or copper), damage it, classify it, compare with Spglib.

    `upload` is the value of an `ipywidgets.FileUpload`; a bad file is a ValueError.
    """
    name, structure, perfect = (
        read_upload(upload[0], frame) if upload else (COPPER.name, *_copper())
    )
    damaged = remove_atoms(displace_atoms(perfect, displacement, seed=seed), vacancies, seed=seed)
    answer = classify(damaged)
    image = fingerprint(damaged) if answer.image is None else answer.image
    figure, axes = _row(2)
    plot_fingerprint(image, name.partition(",")[0], axes[0])
    plot_probabilities(answer.probabilities, "ConvNet", axes[1])
    formula = structure.composition.reduced_formula
    text = (
        f"{name}: {formula}, {len(structure)} atoms in the file. Cluster of {len(damaged)} atoms: "
        f"{answer.describe()}."
    )
    warnings = structure.properties.get("warnings", ())
    text += f" Warning: {'; '.join(warnings)}." if warnings else ""
    later = partial(_spglib_says_of_both, structure, damaged)
    return Scene(text, figure, show_crystal(damaged), later)


@cache
def _copper():
    structure = read_structure(COPPER)
    return structure, build_cluster(structure)


def _row(n):
    figure = Figure(figsize=(WIDTH * n, WIDTH))
    axes = figure.subplots(1, n, squeeze=False)[0]
    figure.subplots_adjust(left=0.55 / (WIDTH * n), right=0.97, bottom=0.19, top=0.89, wspace=0.42)
    return figure, axes


def _spglib_says(structure):
    return f"Spglib at {SPGLIB_TOLERANCE} Å: {_group(structure)}."


def _spglib_says_of_both(structure, cluster):
    return (
        f"Spglib at {SPGLIB_TOLERANCE} Å: of the file, {_group(structure)}; "
        f"of the cluster, {_group(cluster)}."
    )


def _group(structure):
    if not is_periodic(structure):
        return "no space group, as it does not repeat in space"
    return f"space group {space_group(structure, SPGLIB_TOLERANCE) or 'none'}"


def _with_the_hexagonal_cell(mu):
    fixed = classify_image(fingerprint(hexagonal_cluster(mu)), shared_convnet())
    return f"With the hexagonal cell kept: {fixed.label}, {fixed.probability:.1%}."


def _mark(ax, positions, probabilities, labels, position, answer):
    """Draw a precomputed curve, and the point where the crystal is."""
    for label in labels:
        values = probabilities[:, CLASSES.index(label)]
        ax.plot(positions, values, color=CLASS_COLORS[label], lw=1, label=label)
        ax.plot(position, answer.probabilities[label], "o", color=CLASS_COLORS[label])
    ax.axvline(position, color="black", lw=0.5)
    ax.set(ylabel="probability", ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=4, frameon=False, **IN_A_ROW)


def _some_atoms(structure, indices):
    """The atoms with these indices, as a structure in the same cell; None if there are none."""
    return structure.from_sites([structure[i] for i in indices]) if len(indices) else None
