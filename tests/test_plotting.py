from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from crystutor import (
    CLASSES,
    Detector,
    build_prototype,
    classify,
    displace_atoms,
    fingerprint,
    plot_confusion,
    plot_difference,
    plot_fingerprint,
    plot_levels,
    plot_path,
    plot_probabilities,
    plot_response,
    plot_structure,
    plot_trajectory,
    view_structure,
)
from crystutor.plotting.axes import CLASS_COLORS
from crystutor.plotting.images import NOT_KEPT

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_given_axes_are_used_and_labelled(copper):
    _, axes = plt.subplots(3)
    image = np.random.default_rng(0).uniform(size=(64, 64, 3))
    probabilities = dict.fromkeys(CLASSES, 1 / 7)
    assert plot_fingerprint(image, "image", axes[0]) is axes[0]
    assert plot_probabilities(probabilities, "bars", axes[1]) is axes[1]
    assert plot_structure(copper, "atoms", axes[2]) is axes[2]
    assert [ax.get_title() for ax in axes] == ["image", "bars", "atoms"]
    assert all(ax.get_xlabel() for ax in axes)


def test_without_a_lattice_there_are_no_probabilities():
    ax = plot_probabilities(
        classify(displace_atoms(build_prototype("fcc") * 3, 2.0, seed=1)).probabilities
    )
    assert [text.get_text() for text in ax.texts] == ["none"]
    assert not ax.patches


def test_the_image_is_upright():
    image = np.zeros((64, 64, 3))
    image[60, 3] = 1
    ax = plot_fingerprint(image)
    assert ax.images[0].get_array()[60, 3].max() == 1
    assert ax.images[0].origin == "lower"


def test_any_detector_is_drawn(copper):
    """Axes in centimetres reach as far as the detector; what it does not keep is grey."""
    detector = Detector(n_pixels=48, pixel_size=1e-3, inner_radius=8, outer_radius=20)
    image = fingerprint(copper, detector)
    ax = plot_fingerprint(image, detector=detector)
    assert ax.images[0].get_extent() == pytest.approx([-2.4, 2.4, -2.4, 2.4])
    shown = ax.images[0].get_array()
    np.testing.assert_allclose(shown[~detector.mask], NOT_KEPT)
    np.testing.assert_allclose(shown[detector.mask], np.sqrt(image[detector.mask]))
    assert list(plot_fingerprint(image).get_xticks()) == [0, 12, 24, 36]
    with pytest.raises(ValueError, match=r"\(64, 64, 3\); \(48, 48, 3\) is accepted"):
        plot_fingerprint(np.zeros((64, 64, 3)), detector=detector)


def test_each_class_keeps_its_colour():
    assert list(CLASS_COLORS) == list(CLASSES)
    assert len(set(CLASS_COLORS.values())) == 7
    ax = plot_probabilities({"bcc": 0.9, "sc": 0.1})
    assert mpl.colors.to_hex(ax.patches[0].get_facecolor()) == CLASS_COLORS["bcc"].lower()


AS_SEEN = {  # G. Machado et al., IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1
    "all cones": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def linear(color):
    """Red, green and blue light of an sRGB colour."""
    values = np.array(mpl.colors.to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lightness_and_colour(light):
    """Coordinates in CIELAB, where a distance of 2 is just seen."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.maximum(to_xyz @ light, 0.01) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("matrix", AS_SEEN.values(), ids=AS_SEEN)
def test_class_colours_differ_for_every_reader(matrix):
    light = [np.clip(matrix @ linear(color), 0, 1) for color in CLASS_COLORS.values()]
    seen = [lightness_and_colour(some) for some in light]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 20


def test_class_colours_stand_out_from_white():
    for color in CLASS_COLORS.values():
        luminance = linear(color) @ [0.2126, 0.7152, 0.0722]
        assert 1.05 / (luminance + 0.05) >= 3  # WCAG 2.2, 1.4.11


def test_a_view_shows_atoms_and_cell(copper):
    view = view_structure(copper)
    messages = {message["methodName"]: message for message in view._ngl_msg_archive}
    assert messages["loadFile"]["args"][0]["data"].count("ATOM") == len(copper)
    assert not messages["loadFile"]["kwargs"]["defaultRepresentation"]
    shown = [
        message["args"]
        for message in view._ngl_msg_archive
        if message["methodName"] == "addRepresentation"
    ]
    assert shown == [["spacefill"], ["unitcell"]]


def test_a_difference_is_white_where_images_agree(copper):
    image = fingerprint(copper)
    brighter = image.copy()
    brighter[40, 20] += 0.25
    ax = plot_difference(brighter, image)
    [picture] = ax.images
    assert picture.get_array()[40, 20] == pytest.approx(0.75)
    assert np.count_nonzero(picture.get_array()) == 1
    assert picture.get_clim() == pytest.approx((-0.75, 0.75)) and picture.origin == "lower"
    assert ax.get_title() == "difference, red: brighter, ±0.75"
    assert ax.get_xlabel() == "detector x [pixel]" and ax.get_ylabel() == "detector y [pixel]"
    assert plot_difference(image, image).images[0].get_clim()[1] > 0


def test_a_response_is_bright_where_it_is_positive():
    response = np.zeros((64, 64, 3))
    response[10, 20, 0], response[30, 40, 2] = 5.0, -50.0
    ax = plot_response(response, np.full((64, 64, 3), 0.25), "a filter")
    shown = ax.images[0].get_array()
    assert (shown.min() >= 0) and shown[10, 20, 0] == shown.max() == 1
    np.testing.assert_allclose(shown[30, 40], 0.35 * 0.5)  # the faint image alone
    assert ax.get_title() == "a filter" and ax.images[0].origin == "lower"


def test_a_path_has_a_line_and_a_band_for_each_class():
    positions, labels = np.linspace(0, 1, 5), ("bcc", "sc")
    probabilities = np.zeros((3, 5, 7))
    probabilities[..., CLASSES.index("bcc")] = [1 - positions, 1 - positions, np.ones(5)]
    ax = plot_path(positions, probabilities, labels)
    assert [line.get_label() for line in ax.lines] == [*labels]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*labels]
    assert [line.get_color() for line in ax.lines] == [CLASS_COLORS[label] for label in labels]
    np.testing.assert_allclose(ax.lines[0].get_xydata().T, [positions, 1 - 2 / 3 * positions])
    band, _ = ax.collections
    spread = band.get_paths()[0].get_extents()
    assert spread.y1 - spread.y0 == pytest.approx(1 - 1 / 3 + np.std([0, 0, 1]))
    assert ax.get_ylabel() == "probability" and ax.get_ylim() == (-0.05, 1.05)


def test_levels_are_grouped_by_kind_of_damage():
    """In the order pristine, displacements, vacancies, substitution, several; then a gap each."""
    names = ["40%", "0.06 Å", "pristine", "0.1 Å + 40%", "25%", "10% substituted", "0.2 Å"]
    accuracies = {(name, "ConvNet"): (0.9, 0.8, 0.95, 100) for name in names}
    accuracies |= {("pristine", "Spglib 0.1 Å"): (1.0, 0.99, 1.0, 50)}
    ax = plot_levels(accuracies)
    ticks = ["pristine", "0.06 Å", "0.2 Å", "25%", "40%", "10% substituted", "0.1 Å + 40%"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ticks
    assert np.diff(ax.get_xticks()).tolist() == [2, 1, 2, 1, 2, 2]
    convnet, spglib = (container.lines[0].get_ydata() for container in ax.containers)
    assert np.isfinite(convnet).sum() == len(names) and np.isfinite(spglib).sum() == 1
    assert np.nanmax(convnet) == 90 and ax.get_ylim() == (-3, 103)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["ConvNet", "Spglib 0.1 Å"]
    assert ax.get_xlabel() and ax.get_ylabel() == "balanced accuracy [%]"


def test_a_confusion_matrix_is_in_percent_of_the_true_class():
    matrix = np.zeros((7, 8), int)
    matrix[CLASSES.index("sc"), [CLASSES.index("sc"), CLASSES.index("fcc"), 7]] = 5, 3, 2
    ax = plot_confusion(matrix, "a network")
    shares = ax.images[0].get_array()
    assert shares[CLASSES.index("sc")].sum() == 100 and shares.sum() == 100
    assert sorted(text.get_text() for text in ax.texts) == ["20.0", "30.0", "50.0"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [*CLASSES, "none"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [*CLASSES]
    assert ax.get_title() == "a network" and ax.get_xlabel() == "answer" and ax.get_ylabel()


def test_a_trajectory_is_drawn_in_the_colours_of_the_classes():
    crystal = build_prototype("fcc", "Al") * 3
    liquid = displace_atoms(crystal, 1.0, seed=3)
    answers = classify([crystal, liquid, build_prototype("bcc")])
    classes, overlap, strain = plot_trajectory(answers, [0, 10, 20], "heated")
    grey = mpl.colors.to_hex(classes.collections[0].get_facecolors()[1])
    assert grey not in {color.lower() for color in CLASS_COLORS.values()}
    for ax in (classes, overlap, strain):
        drawn = [mpl.colors.to_hex(color) for color in ax.collections[0].get_facecolors()]
        assert drawn == [CLASS_COLORS["fcc"].lower(), grey, CLASS_COLORS["bcc"].lower()]
        assert ax.get_ylabel()
    frames, heights = classes.collections[0].get_offsets().T
    names = [label.get_text() for label in classes.get_yticklabels()]
    assert [*frames] == [0, 10, 20]
    assert [names[int(height)] for height in heights] == ["fcc", "none", "bcc"]
    assert np.ma.getmaskarray(overlap.collections[0].get_offsets())[1].any()  # it has no lattice
    assert strain.get_xlabel() == "frame" and classes.get_title() == "heated"
    assert plot_trajectory([], axes=[classes, overlap, strain])[0] is classes
