import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from crystutor import CLASSES, plot_fingerprint, plot_probabilities, plot_structure, view_structure
from crystutor.plotting import CLASS_COLORS

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


def test_the_image_is_upright():
    image = np.zeros((64, 64, 3))
    image[60, 3] = 1
    ax = plot_fingerprint(image)
    assert ax.images[0].get_array()[60, 3].max() == 1
    assert ax.images[0].origin == "lower"


def test_each_class_keeps_its_colour():
    assert list(CLASS_COLORS) == list(CLASSES)
    assert len(set(CLASS_COLORS.values())) == 7
    ax = plot_probabilities({"bcc": 0.9, "sc": 0.1})
    assert mpl.colors.to_hex(ax.patches[0].get_facecolor()) == CLASS_COLORS["bcc"].lower()


def test_a_view_shows_atoms_and_cell(copper):
    view = view_structure(copper)
    messages = {message["methodName"]: message for message in view._ngl_msg_archive}
    assert messages["loadFile"]["args"][0]["data"].count("ATOM") == len(copper)
    assert not messages["loadFile"]["kwargs"]["defaultRepresentation"]
    shown = [message["args"] for message in view._ngl_msg_archive if message["args"]][1:]
    assert shown == [["spacefill"], ["unitcell"]]
