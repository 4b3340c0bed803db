import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from scipy.spatial.transform import Rotation

from crystutor import CLASS_COLORS, plot_map, plot_pole_figure
from crystutor.maps.colors import UNKNOWN
from crystutor.maps.figures import draw_overview, plot_orientation_key, poles
from crystutor.maps.slices import cut_slice

mpl.use("Agg")
CUBIC_FAMILIES = {(0, 0, 1): 3, (0, 1, 1): 6, (1, 1, 1): 4}  # poles on the upper half


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def dots(ax):
    [drawn] = ax.collections
    return np.asarray(drawn.get_offsets()), [to_hex(color) for color in drawn.get_facecolors()]


def test_a_slice_is_coloured_by_class(two_grains):
    ax = plot_map(two_grains)
    places, colors = dots(ax)
    x, _, z = (two_grains.sample.fractions @ two_grains.sample.box).T
    inside = np.abs(z - (z.min() + z.max()) / 2) <= 2.56
    assert sorted(places[:, 0]) == pytest.approx(sorted(x[inside]))
    classes = np.select([places[:, 0] < 14, places[:, 0] > 16], ["fcc", "hex/rh"], "")
    expected = {**CLASS_COLORS, "": to_hex(UNKNOWN)}
    assert colors == [expected[name].lower() for name in classes]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["hex/rh", "fcc", "no grain"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("x [Å]", "y [Å]", 1.0)
    assert ax.get_title() == "z = 8.1 ± 2.6 Å"


def test_position_axis_and_thickness_of_a_slice(two_grains):
    ax = plot_map(two_grains, axis="x", position=5.0, thickness=2.0)
    assert set(dots(ax)[1]) == {CLASS_COLORS["fcc"].lower()}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("y [Å]", "z [Å]")
    assert ax.get_title() == "x = 5.0 ± 1.0 Å"
    empty = plot_map(two_grains, position=-50.0)
    assert len(empty.collections[0].get_offsets()) == 0


def test_atoms_nearer_to_the_eye_are_drawn_last(two_grains):
    cut = cut_slice(two_grains)
    heights = (two_grains.sample.fractions @ two_grains.sample.box)[cut.atoms, 2]
    assert (np.diff(heights) > -1e-9).all()


def test_a_slice_is_coloured_by_orientation(two_grains):
    """The first grain has 011 along z, green; the second the sixfold axis, red."""
    ax = plot_map(two_grains, "orientation")
    places, colors = dots(ax)
    assert {c for c, (x, _) in zip(colors, places, strict=True) if x < 14} == {"#00ff00"}
    assert {c for c, (x, _) in zip(colors, places, strict=True) if x > 16} == {"#ff0000"}
    assert [key.get_title() for key in ax.child_axes] == ["hex/rh", "fcc"]


def test_a_slice_is_coloured_by_overlap_and_by_grain(two_grains):
    highest = to_hex(plt.get_cmap("viridis")(1.0))
    ax = plot_map(two_grains, "overlap")
    assert set(dots(ax)[1]) == {highest, to_hex(UNKNOWN)}
    assert [other.get_ylabel() for other in ax.figure.axes[1:]] == ["overlap"]
    ax = plot_map(two_grains, "grain")
    assert len(set(dots(ax)[1])) == 3
    places = {text.get_text(): text.xy[0] for text in ax.texts}
    assert list(places) == ["0", "1"] and places["0"] < 14 and places["1"] > 16


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"color": "mood"}, "color is 'mood'; accepted are class, orientation, overlap, grain"),
        ({"axis": "c"}, "axis is 'c'; accepted are x, y, z"),
        ({"thickness": 0}, "thickness is 0 Å; a number above 0 Å is accepted"),
    ],
)
def test_what_is_not_possible_is_said(two_grains, given, message):
    with pytest.raises(ValueError, match=message):
        plot_map(two_grains, **given)


@pytest.mark.parametrize(("direction", "number"), CUBIC_FAMILIES.items())
def test_equivalent_poles_are_drawn_once(direction, number):
    upper = poles(Rotation.random(rng=5).as_quat(), "cI", direction)
    assert len(upper) == number and (upper[:, 2] > 0).all()
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1)


def test_a_pole_figure(two_grains):
    _, given = plt.subplots()
    ax = plot_pole_figure(two_grains, (0, 0, 1), given)
    assert ax is given and ax.get_xlabel() and ax.get_title() == "poles of [0 0 1]"
    drawn = {to_hex(some.get_facecolors()[0]): some for some in ax.collections}
    assert set(drawn) == {CLASS_COLORS["fcc"].lower(), CLASS_COLORS["hex/rh"].lower()}
    np.testing.assert_allclose(drawn[CLASS_COLORS["hex/rh"].lower()].get_offsets(), [[0, 0]])
    cubic = np.asarray(drawn[CLASS_COLORS["fcc"].lower()].get_offsets())
    at_45_degrees = np.tan(np.radians(45 / 2))  # of the sphere, in stereographic projection
    assert sorted(np.linalg.norm(cubic, axis=1).round(6)) == pytest.approx(
        [at_45_degrees, at_45_degrees, 1, 1], abs=1e-5
    )
    few, many = sorted(two_grains.grains, key=lambda grain: grain.n_atoms)
    areas = [drawn[CLASS_COLORS[grain.label].lower()].get_sizes()[0] for grain in (few, many)]
    assert areas[0] < areas[1]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["hex/rh", "fcc"]


def test_overview_and_key(two_grains):
    figure = draw_overview(two_grains)
    left, right = figure.axes[:2]
    assert left.get_legend() and right.child_axes
    names = [text.get_text() for text in plot_orientation_key("6/mmm").texts]
    assert names == ["$0001$", r"$2\bar{1}\bar{1}0$", r"$10\bar{1}0$"]
