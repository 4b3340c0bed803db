"""Crystals that many tests look at."""

import pytest

from crystutor import EXAMPLE_CRYSTALS, build_prototype, example_cluster


@pytest.fixture(scope="session", params=EXAMPLE_CRYSTALS)
def labelled_cell(request):
    """One conventional cell of each class, with its label."""
    return request.param, build_prototype(*EXAMPLE_CRYSTALS[request.param])


@pytest.fixture(scope="session")
def copper():
    """A cluster of 256 fcc copper atoms."""
    return example_cluster("fcc", "Cu")
