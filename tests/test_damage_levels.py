import numpy as np
import pytest

from crystutor import build_cluster, build_prototype
from crystutor.table1.damage_levels import LEVELS

CLUSTER = build_cluster(build_prototype("bcc", "W"))


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_damage(level):
    damaged = level.damage(CLUSTER, np.random.default_rng(0))
    assert len(damaged) == len(CLUSTER) - int(level.vacancies * len(CLUSTER))
    if not level.vacancies:
        moved = damaged.cart_coords - CLUSTER.cart_coords
        assert moved.std() == pytest.approx(level.displacement, rel=0.15, abs=1e-9)
        others = sum(site.specie.symbol != "W" for site in damaged)
        assert others == int(level.substitution * len(CLUSTER))


def test_table_1_has_a_pristine_column_and_ten_levels():
    assert sum(level.in_paper for level in LEVELS) == 11
    assert len({level.name for level in LEVELS}) == len(LEVELS)


def test_substitution_gives_binaries_and_ternaries():
    level = next(level for level in LEVELS if level.substitution)
    found = {
        len(level.damage(CLUSTER, np.random.default_rng(n)).composition.elements) for n in range(9)
    }
    assert found == {2, 3}
