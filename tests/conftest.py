"""Crystals that many tests look at."""

import pytest

from crystutor import build_cluster, build_prototype

EXAMPLES = {
    "fcc": "fcc",
    "bcc": "bcc",
    "sc": "sc",
    "diam": "diamond",
    "hex/rh": "hcp",
    "bct139": "Pa",
    "bct141": "beta-Sn",
}


@pytest.fixture(scope="session", params=EXAMPLES)
def labelled_cell(request):
    """One conventional cell of each class, with its label."""
    return request.param, build_prototype(EXAMPLES[request.param])


@pytest.fixture(scope="session")
def copper():
    """A cluster of 256 fcc copper atoms."""
    return build_cluster(build_prototype("fcc", "Cu"))
