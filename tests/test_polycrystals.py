import time

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from crystutor import bond_length, build_polycrystal, build_prototype, simulate_atom_probe

FCC, BCC = build_prototype("fcc", "Cu"), build_prototype("bcc", "W")
HCP, DIAMOND = build_prototype("hcp", "Mg"), build_prototype("diamond", "Si")


def grains_of(polycrystal):
    return np.array(polycrystal.site_properties["grain"])


def tree_of(polycrystal):
    edge = polycrystal.lattice.a
    return cKDTree(np.mod(polycrystal.cart_coords, edge), boxsize=edge)


@pytest.mark.parametrize("crystal", [FCC, BCC, HCP, DIAMOND], ids=["fcc", "bcc", "hcp", "diamond"])
def test_the_density_is_nearly_the_crystals(crystal):
    polycrystal = build_polycrystal(crystal, 50.0, seed=1)
    density = len(polycrystal) / polycrystal.volume * crystal.volume / len(crystal)
    assert 0.9 < density < 1.0  # boundaries are a little less dense


def test_no_grain_is_tiny():
    for seed in range(5):
        shares = np.bincount(grains_of(build_polycrystal(FCC, 45.0, seed)), minlength=8)
        assert shares.min() > shares.mean() / 2


def test_no_two_atoms_are_closer_than_in_either_crystal_by_a_third():
    polycrystal = build_polycrystal([FCC, DIAMOND], 45.0, seed=2, n_grains=6)
    distances, _ = tree_of(polycrystal).query(tree_of(polycrystal).data, k=2)
    assert distances[:, 1].min() > 0.7 * min(bond_length(FCC), bond_length(DIAMOND))


@pytest.mark.parametrize("crystal", [FCC, DIAMOND], ids=["fcc", "diamond"])
def test_each_grain_is_a_piece_of_the_turned_crystal(crystal):
    """Differences of its atoms, turned back, are differences of the crystal's sites."""
    polycrystal = build_polycrystal(crystal, 45.0, seed=3, n_grains=12)
    turns = Rotation.from_quat(polycrystal.properties["orientations"])
    sites = crystal.frac_coords
    wanted = np.mod(sites[:, None] - sites, 1.0).reshape(-1, 3)
    for grain, turn in enumerate(turns):
        places = polycrystal.cart_coords[grains_of(polycrystal) == grain]
        apart = places - places[0]
        apart -= np.round(apart / 45.0) * 45.0
        apart = apart[np.linalg.norm(apart, axis=1) < 15]  # not another image of the grain
        fractions = turn.inv().apply(apart) @ np.linalg.inv(crystal.lattice.matrix)
        misfits = fractions[:, None] - wanted
        misfits -= np.round(misfits)
        assert len(apart) > 50
        assert np.linalg.norm(misfits, axis=2).min(axis=1).max() < 1e-6


def test_a_grain_goes_on_across_the_boundary_of_the_box():
    polycrystal = build_polycrystal(FCC, 45.0, seed=4)
    tree, grains = tree_of(polycrystal), grains_of(polycrystal)
    first, second = tree.query_pairs(1.05 * bond_length(FCC), output_type="ndarray").T
    apart = np.abs(tree.data[first] - tree.data[second]).max(axis=1)
    across = apart > 45.0 / 2
    assert np.mean(grains[first] == grains[second]) > 0.9
    assert np.mean((grains[first] == grains[second])[across]) > 0.8
    bulk = np.bincount(np.r_[first, second], minlength=len(grains)) == 12
    near_a_face = (np.abs(tree.data - 22.5) > 20.5).any(axis=1)
    assert np.mean(bulk[near_a_face]) == pytest.approx(np.mean(bulk[~near_a_face]), abs=0.1)


def test_a_single_grain_meets_its_own_image():
    polycrystal = build_polycrystal(FCC, 30.0, seed=5, n_grains=1)
    distances, _ = tree_of(polycrystal).query(tree_of(polycrystal).data, k=2)
    assert set(grains_of(polycrystal)) == {0}
    assert distances[:, 1].min() > 0.7 * bond_length(FCC)


def test_the_crystals_take_turns():
    polycrystal = build_polycrystal([FCC, BCC], 40.0, seed=6, n_grains=5)
    elements = [set() for _ in range(5)]
    for site in polycrystal:
        elements[site.properties["grain"]].add(site.specie.symbol)
    assert elements == [{"Cu"}, {"W"}, {"Cu"}, {"W"}, {"Cu"}]


def test_the_seed_decides():
    one, again, other = (build_polycrystal(HCP, 35.0, seed) for seed in (7, 7, 8))
    assert np.array_equal(one.frac_coords, again.frac_coords)
    assert one.properties == again.properties
    assert len(one) != len(other) or not np.allclose(one.frac_coords, other.frac_coords)


def test_twenty_thousand_atoms_take_a_moment():
    start = time.perf_counter()
    assert len(build_polycrystal(FCC, 62.0, seed=9)) > 18_000
    assert time.perf_counter() - start < 4


@pytest.mark.parametrize(
    ("structures", "edge", "n_grains", "message"),
    [
        ([], 30.0, None, "structures is an empty list"),
        (FCC, 5.0, None, "edge is 5.0"),
        (FCC, np.nan, None, "edge is nan"),
        (FCC, np.inf, None, "edge is inf"),
        (FCC, 300.0, None, "1,000,000"),
        (FCC, 30.0, 0, "n_grains is 0"),
        ([FCC, BCC], 30.0, 1, "n_grains is 1"),
        (Molecule(["Cu"], [[0, 0, 0]]), 30.0, None, "Molecule"),
        (Structure(Lattice.cubic(4, (True, True, False)), ["Cu"], [[0, 0, 0]]), 30, 2, "repeats"),
    ],
)
def test_bad_input_is_said_in_a_line(structures, edge, n_grains, message):
    with pytest.raises(ValueError, match=message) as caught:
        build_polycrystal(structures, edge, 1, n_grains)
    assert "\n" not in str(caught.value)


def test_an_atom_probe_sees_a_share_of_the_atoms_less_sharply_across():
    crystal = BCC.copy().make_supercell(12)
    crystal.add_site_property("grain", list(range(len(crystal))))
    probed = simulate_atom_probe(crystal, 0.5, lateral_noise=0.8, depth_noise=0.1, seed=1)
    assert len(probed) == len(crystal) / 2
    assert not any(probed.lattice.pbc)
    moves = probed.cart_coords - crystal.cart_coords[probed.site_properties["grain"]]
    assert np.std(moves, axis=0) == pytest.approx([0.8, 0.8, 0.1], rel=0.1)


@pytest.mark.parametrize("values", [(0.0,), (1.2,), (np.nan,), (0.5, -1.0), (0.5, 0.1, np.inf)])
def test_an_impossible_atom_probe_is_refused(values):
    with pytest.raises(ValueError, match="is accepted"):
        simulate_atom_probe(BCC, *values)
