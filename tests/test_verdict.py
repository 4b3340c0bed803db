import itertools
import re

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure

from crystutor import (
    CLASSES,
    build_cluster,
    build_prototype,
    classify,
    displace_atoms,
    example_cluster,
    fingerprint,
    remove_atoms,
    remove_body_centers,
    substitute_atoms,
)
from crystutor.crystal.average.cell import find_average_cells
from crystutor.crystal.supercells import random_orientation, random_supercell
from crystutor.executors import open_executor
from crystutor.verdict.classifier import LARGEST_BATCH, classify_each
from crystutor.verdict.evidence import find_evidence
from crystutor.verdict.witnesses import most_probable, weigh


@pytest.mark.parametrize(
    "damage",
    [
        lambda crystal: crystal,
        lambda crystal: remove_atoms(crystal, 0.25, seed=1),
        lambda crystal: remove_atoms(crystal, 0.4, seed=1),
        lambda crystal: displace_atoms(crystal, 0.06, seed=1),
        lambda crystal: substitute_atoms(crystal, 0.25, seed=1),
    ],
    ids=["pristine", "25 % vacancies", "40 % vacancies", "0.06 Å", "25 % substituted"],
)
def test_classify(labelled_cell, damage):
    label, cell = labelled_cell
    result = classify(damage(build_cluster(cell)))
    assert result.label == label
    assert result.probability == result.probabilities[label] > 0.5
    assert set(result.probabilities) == set(CLASSES)


@pytest.mark.parametrize("vacancies", [0, 0.25])
@pytest.mark.parametrize("seed", range(3))
def test_classify_a_supercell_of_any_shape_and_orientation(labelled_cell, vacancies, seed):
    label, cell = labelled_cell
    supercell = random_supercell(cell, np.random.default_rng(seed))
    assert classify(remove_atoms(supercell, vacancies, seed=seed)).label == label


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_the_order_in_which_axes_are_listed_does_not_matter(labelled_cell, order):
    label, cell = labelled_cell
    damaged = remove_atoms(build_cluster(cell), 0.25, seed=1)
    matrix, fractions = damaged.lattice.matrix[[*order]], damaged.frac_coords[:, [*order]]
    assert classify(Structure(matrix, damaged.atomic_numbers, fractions)).label == label


def test_classify_takes_a_cell(labelled_cell):
    label, cell = labelled_cell
    assert classify(cell.get_primitive_structure(tolerance=1e-3)).label == label


def test_one_answer_for_one_structure_a_list_for_a_list():
    fcc, bcc = build_prototype("fcc"), build_prototype("bcc")
    assert [answer.label for answer in classify([fcc, bcc])] == ["fcc", "bcc"]
    assert classify(fcc).label == "fcc"
    assert classify([]) == []
    assert [answer.label for answer in classify(iter((bcc, fcc)))] == ["bcc", "fcc"]


def test_the_answer_keeps_what_the_network_saw():
    answer = classify(build_prototype("hcp"))
    np.testing.assert_array_equal(answer.image, fingerprint(answer.cluster))
    assert "image" not in repr(answer)


def test_bad_input():
    empty = Structure(Lattice.cubic(3), [], [])
    with pytest.raises(ValueError, match=r"structures\[1\]: it holds no atoms"):
        classify([build_prototype("fcc"), empty])
    with pytest.raises(ValueError, match="^it holds no atoms"):
        classify(empty)
    with pytest.raises(ValueError, match="structure is '.*'; a pymatgen Structure or Molecule"):
        classify("Cu.cif")
    with pytest.raises(ValueError, match="NaN or infinite"):
        classify(Molecule(["O", "O"], [[0, 0, 0], [0, 0, np.nan]]))


def test_no_label_for_a_molecule():
    answer = classify(Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]]))
    assert (answer.label, answer.probability, answer.probabilities) == (None, 0, {})
    assert answer.reason == "too few atoms"
    assert answer.note == "2 atoms of a finite sample; 40 or more are needed"


def test_no_label_where_the_class_cannot_have_the_lattice():
    """Rutile is tetragonal primitive, and the network says bct139."""
    lattice = Lattice.tetragonal(4.594, 2.959)
    u = 0.305
    oxygen = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    rutile = Structure(lattice, ["Ti"] * 2 + ["O"] * 4, [[0, 0, 0], [0.5, 0.5, 0.5], *oxygen])
    answer = classify(rutile)
    assert (answer.label, answer.probability) == (None, 0)
    assert set(answer.probabilities) == set(CLASSES)
    assert answer.reason == "class and lattice differ"
    assert "but the lattice is tP, which that class does not have" in answer.note


def test_a_ball_of_a_crystal(labelled_cell):
    label, _ = labelled_cell
    block = random_orientation(example_cluster(label, n_atoms=900), np.random.default_rng(1))
    away = np.linalg.norm(block.cart_coords - block.cart_coords.mean(axis=0), axis=1)
    chosen = np.argsort(away)[:250]
    answer = classify(Molecule([block[i].specie for i in chosen], block.cart_coords[chosen]))
    assert answer.label == label
    assert answer.overlap > 0.9
    assert answer.note.startswith("a finite sample")


def test_a_slab_is_named_by_its_crystal():
    slab = example_cluster("fcc", n_atoms=500)
    matrix = slab.lattice.matrix + np.diag([0, 0, 10])
    answer = classify(Structure(matrix, slab.species, slab.cart_coords, coords_are_cartesian=True))
    assert answer.label == "fcc"
    assert answer.warnings == ("vacuum along c: taken as finite along c",)
    assert answer.note == "finite along c"


@pytest.mark.parametrize("strain", [0.001, 0.02])
def test_probabilities_are_the_mean_over_the_lattices_that_fit(strain):
    cell = build_prototype("fcc")
    matrix = cell.lattice.matrix * np.array([1, 1, 1 + strain])
    strained = Structure(matrix, cell.species, cell.frac_coords)
    answer = classify(strained)
    weights = {cell.bravais: cell.weight for cell in find_average_cells(strained)}
    expected = {"cF": "fcc", "tI": "bct139"}
    for bravais, weight in weights.items():
        assert answer.probabilities[expected[bravais]] == pytest.approx(weight, abs=0.01)
    assert answer.label == ("fcc" if strain < 0.002 else "bct139")


SALT = Structure.from_spacegroup(
    225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
).make_supercell(2)


@pytest.mark.parametrize("vacancies", [0, 0.25])
def test_of_a_compound_the_crystal_leads(vacancies):
    answer = classify(remove_atoms(SALT, vacancies, seed=1))
    assert (answer.label, answer.space_group, answer.site_space_group) == ("sc", 225, 221)
    line = "space group Fm-3m (225), lattice cF 5.64 Å; sites with elements ignored: sc 99."
    assert answer.describe().startswith(line)
    assert line in repr(answer)


def test_of_an_element_the_class_leads():
    answer = classify(build_prototype("hcp"))
    assert re.fullmatch(r"hex/rh [\d.]+%; space group P6_3/mmc \(194\)", answer.describe())


def test_the_runner_up_is_named_where_it_matters():
    torn, sure = (most_probable(np.array([p, 0, 0, 0, 1 - p, 0, 0])) for p in (0.3, 1e-6))
    assert torn.describe() == "fcc 70.00%, next bct139 30.00%"
    assert sure.describe() == "fcc 99.99%"


def test_a_strained_lattice_needs_the_places_of_the_class():
    """BaTiO3 is tetragonal by 1 %, and its atoms are off the places of the cubic crystal."""
    lattice = Lattice.tetragonal(3.994, 4.034)
    places = [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, -0.02], [0.5, 0, 0.486], [0, 0.5, 0.486]]
    answer = classify(Structure(lattice, ["Ba", "Ti", "O", "O", "O"], places))
    assert answer.space_group == answer.site_space_group == 99
    assert answer.label is None
    assert answer.reason == "none of the classes"
    strained = build_prototype("bcc", "Fe")
    strained = Structure(Lattice.tetragonal(2.87, 2.95), strained.species, strained.frac_coords)
    assert classify(strained).label in ("bcc", "bct139")


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.5])
def test_the_way_from_bcc_to_sc_keeps_a_label(fraction):
    answer = classify(remove_body_centers(example_cluster("bcc"), fraction, seed=1))
    assert answer.label in ("bcc", "sc")


def test_workers_give_the_same_answers_without_tensorflow():
    block = build_prototype("hcp") * (4, 4, 3)
    crystals = [remove_atoms(block, 0.02 * n, seed=n) for n in range(LARGEST_BATCH)]
    crystals.append(Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]]))
    with open_executor(1) as executor:
        answers = classify(crystals, executor=executor)
        loaded = executor.submit(eval, "'tensorflow' in __import__('sys').modules").result()
        with pytest.raises(ValueError, match=r"structures\[1\]: it holds no atoms"):
            classify([block, Structure(Lattice.cubic(3), [], [])], executor=executor)
    assert not loaded
    for crystal, answer in zip(crystals, answers, strict=True):
        alone = classify(crystal)
        assert answer.describe() == alone.describe()
        assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
        if alone.image is not None:
            np.testing.assert_array_equal(answer.image, alone.image)


def test_answers_come_before_all_structures_are_read():
    taken = []

    def molecules():
        for n in range(100):
            taken.append(n)
            yield Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]])

    found = classify_each(molecules())
    assert next(found).reason == "too few atoms" and taken == [0]
    for n in range(1, 80):
        next(found)
        assert len(taken) - n <= LARGEST_BATCH


def test_a_bad_structure_does_not_stop_the_others():
    fcc, unread = build_prototype("fcc"), ValueError("a.cif: the file is empty")
    first, bad, handed_on, last = classify_each(
        [fcc, Structure(Lattice.cubic(3), [], []), unread, fcc]
    )
    assert first.label == last.label == "fcc" and handed_on is unread
    assert str(bad).startswith("it holds no atoms")


def test_warnings_of_the_reader_come_first():
    slab = example_cluster("fcc", n_atoms=500)
    matrix = slab.lattice.matrix + np.diag([0, 0, 10])
    slab = Structure(matrix, slab.species, slab.cart_coords, coords_are_cartesian=True)
    slab.properties["warnings"] = ("elements are guessed",)
    expected = ("elements are guessed", "vacuum along c: taken as finite along c")
    assert classify(slab).warnings == expected
    water = Molecule(["O", "O"], [[0, 0, 0], [0, 0, 1.2]], properties={"warnings": ("odd",)})
    assert classify(water).warnings == ("odd",)


def certain(*labels):
    """Probabilities of a network that is certain, of one image for each label."""
    return np.array([[[float(label == name) for name in CLASSES]] for label in labels])


def test_of_a_compound_the_elements_count_where_the_places_are_misread(compound_block):
    evidence = find_evidence(compound_block)  # CsCl: its places are bcc
    assert evidence.images.shape[:2] == (2, 1)
    assert len(set(evidence.clusters[0].atomic_numbers)) == 1
    assert len(set(evidence.clusters[1].atomic_numbers)) == 2
    assert weigh(evidence, certain("bcc", "fcc")).note == ""
    answer = weigh(evidence, certain("sc", "bcc"))
    assert (answer.label, answer.note) == ("bcc", "named by its elements' electrons")
    assert answer.atoms is evidence.clusters[1]
    assert weigh(evidence, certain("sc", "fcc")).label is None


def torn(**shares):
    """Probabilities of a network that is torn, of one image."""
    return np.array([[[shares.get(name, 0.0) for name in map(as_keyword, CLASSES)]]])


def as_keyword(label):
    return label.replace("/", "_")


def test_lattice_and_average_structure_name_what_the_network_leaves_open():
    evidence = find_evidence(build_prototype("hcp"))
    answer = weigh(evidence, torn(bct139=0.6, hex_rh=0.4))
    assert (answer.label, answer.reason) == ("hex/rh", None)
    assert answer.probability == answer.probabilities["hex/rh"] == pytest.approx(0.4)
    because = "the network says bct139, 60%, but the lattice is hP, which that class does not have"
    assert answer.note == f"named by lattice and average structure; {because}"
    assert answer.describe().startswith("hex/rh 40.00%; named by")
    closed = weigh(evidence, torn(bct139=0.9995, hex_rh=0.0005))
    assert (closed.label, closed.probability) == (None, 0)
    assert closed.reason == "class and lattice differ"
    assert closed.note == because.replace("60", "100")


def test_places_of_a_cubic_crystal_do_not_exclude_a_strain():
    """c/a is 0.6 % from that of fcc: less than Spglib sees in the average structure."""
    cell = Structure(Lattice.tetragonal(2.6, 3.7), ["Fe"] * 2, [[0, 0, 0], [0.5, 0.5, 0.5]])
    evidence = find_evidence(cell)
    assert [each.bravais for each in evidence.cells] == ["tI", "cF"]
    assert evidence.average.possible_site_space_groups == {225}
    said = np.concatenate([torn(bct139=1.0), torn(fcc=1.0)], axis=1)
    assert weigh(evidence, said).label == "bct139"
    assert weigh(evidence, said[:, ::-1]).label == "fcc"
    impossible = np.concatenate([torn(hex_rh=1.0)] * 2, axis=1)
    assert weigh(evidence, impossible).label is None


def test_an_element_has_one_image():
    assert find_evidence(build_prototype("hcp")).images.shape[:2] == (1, 1)


@pytest.fixture
def compound_block():
    cell = Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return cell.make_supercell(3, in_place=False)
