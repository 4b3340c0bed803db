"""From a moved slider to new numbers and pictures, in the kernel, without what is said later."""

import itertools
from dataclasses import replace

import pytest

from crystutor import (
    bcc_to_sc_explorer,
    fingerprint_explorer,
    response_map_explorer,
    rhombohedral_explorer,
    structure_explorer,
    upload_explorer,
)
from crystutor.transition_paths import CUBIC_POINTS, LOWEST_MU

MOVES = {
    structure_explorer: ("vacancies", (0.1, 0.3, 0.5)),
    fingerprint_explorer: ("angle", (30, 40, 50)),
    bcc_to_sc_explorer: ("fraction", (0.2, 0.5, 0.8)),
    rhombohedral_explorer: ("mu", (CUBIC_POINTS["sc"], CUBIC_POINTS["fcc"], LOWEST_MU)),
    response_map_explorer: ("rank", (2, 4, 6)),
    upload_explorer: ("vacancies", (0.1, 0.3, 0.5)),
}


@pytest.mark.benchmark(group="explorers", min_rounds=15)
@pytest.mark.parametrize("explorer", MOVES, ids=lambda explorer: explorer.__name__)
def test_move_a_slider(benchmark, explorer):
    name, values = MOVES[explorer]
    panel, values = explorer(), itertools.cycle(values)
    compose = panel.compose
    panel.compose = lambda **settings: replace(compose(**settings), later=None)

    def move():
        panel.controls[name].value = next(values)

    benchmark(move)
    assert panel.error.value == ""
