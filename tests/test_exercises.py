"""Every written exercise accepts its solution, and tells what is wrong with a wrong answer."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
RIGHT, NOT_YET = "right", "not yet: "
SOLUTION_09B = "WITH_ELEMENTS, ELEMENTS_IGNORED = 221, 229"  # the notebook's prints it only
WRONG = {  # exercise: answers that a student might give
    "00.b": [
        "def class_with_noise(sigma): return ct.classify(ct.displace_atoms(crystal, sigma))",
        "def class_with_noise(sigma): return 'fcc'",
        "def class_with_noise(sigma): return str(ct.space_group(crystal, sigma))",
    ],
    "01.b": [
        "def trusted_class(structure): return SPACE_GROUP_CLASSES.get(ct.space_group(structure))",
        "def trusted_class(structure): return ct.space_group(structure, 1e-3)",
        "def trusted_class(structure): return ct.classify(structure).label",
    ],
    "02.a": [
        "def diffraction_sum(q, x): return np.exp(-1j * q @ x.T).sum(axis=1)",
        "def diffraction_sum(q, x): return abs(np.exp(-1j * q @ x.T)) ** 2",
        "def diffraction_sum(q, x): return abs(np.exp(-1j * q @ x.T).sum(axis=1))",
        "def diffraction_sum(q, x): return (abs(np.exp(-1j * q @ x.T)) ** 2).sum(axis=1)",
        "def diffraction_sum(q, x): return np.full(len(q), 25.0)",
    ],
    "02.e": [
        "def inverted(positions): return positions + 1",
        "def inverted(positions): return positions * [-1, 1, 1]",
        "def inverted(positions): return positions[::-1]",
    ],
    "03.b": [
        "def half_sigma(q): return np.log(2) / q",
        "def half_sigma(q): return np.log(2) / q**2",
        "def half_sigma(q): return np.sqrt(2 * np.log(2)) / q",
    ],
    "04.b": [
        """
def convolve(image, kernel):
    from scipy.signal import convolve2d
    return convolve2d(image, kernel, mode="valid")
""",
        """
def convolve(image, kernel):
    from scipy.signal import correlate2d
    return correlate2d(image, kernel, mode="same")
""",
        """
def convolve(image, kernel):
    rows, columns = kernel.shape
    output = np.zeros((image.shape[0] - rows + 1, image.shape[1] - columns + 1))
    for i, j in np.ndindex(output.shape):
        output[i, j] = image[i : i + rows, j : j + columns].sum()
    return output
""",
    ],
    "05.b": [
        "def wilson(k, n, z=1.96): return k / n - 0.1, k / n + 0.1",
        "def wilson(k, n, z=1.96): return (k + z**2 / 2) / (n + z**2) + np.array([-0.1, 0.1])",
        """
def wilson(k, n, z=1.96):
    half = z * np.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half
""",
    ],
    "06.b": [
        "def fraction_for(ratio): return 2 * ratio / (1 + ratio)",
        "def fraction_for(ratio): return ratio",
    ],
    "07.b": [
        "def filling(crystal): return np.pi / 6 * ct.bond_length(crystal) ** 3 / crystal.volume",
        "def filling(crystal): return 0.74",
        """
def filling(crystal):
    return 4 / 3 * np.pi * ct.bond_length(crystal) ** 3 * len(crystal) / crystal.volume
""",
    ],
    "08.b": [
        "def unpool_by_hand(pooled, before): return pooled.repeat(2, axis=0).repeat(2, axis=1)",
        """
def unpool_by_hand(pooled, before):
    output = np.zeros_like(before)
    output[::2, ::2] = pooled
    return output
""",
        "def unpool_by_hand(pooled, before): return np.where(before > 0.5, before * 10, 0)",
    ],
    "09.b": [
        "WITH_ELEMENTS, ELEMENTS_IGNORED = 229, 229",
        "WITH_ELEMENTS, ELEMENTS_IGNORED = 221, 221",
        "WITH_ELEMENTS, ELEMENTS_IGNORED = 229, 221",
    ],
    "09.c": [
        "def believable(answer): return bool(answer.label)",
        "def believable(answer): return answer.probability >= 0.9",
        "def believable(answer): return bool(answer.label and answer.probability >= 0.9)",
        "def believable(answer): return False",
    ],
    "10.b": [
        "share = (distances < radius).mean()",
        "share = (distances < radius).sum()",
        "share = distances.min(axis=1) < radius",
        "share = (distances.min(axis=1) > radius).mean()",
    ],
    "11.b": [
        "def misorientation(one, other): return np.degrees((one.inv() * other).magnitude())",
        """
def misorientation(one, other):
    return (one.inv() * other * rotation_group("cF")).magnitude().min()
""",
        """
def misorientation(one, other):
    return np.degrees((one.inv() * other * rotation_group("cF")).magnitude().max())
""",
    ],
    "12.b": [
        "def fold(positions, matrix): return np.mod(positions @ np.linalg.inv(matrix), 1)",
        "def fold(positions, matrix): return np.mod(positions, 1) @ matrix",
        """
def fold(positions, matrix):
    fractions = positions @ np.linalg.inv(matrix)
    return (fractions - np.round(fractions)) @ matrix
""",
    ],
    "12.d": [
        "def verdict(network, group): return network",
        "def verdict(network, group): return SPACE_GROUP_CLASSES.get(group)",
        "def verdict(network, group): return SPACE_GROUP_CLASSES.get(group) == network",
    ],
}


RIGHT_TOO = {  # other ways to a right answer
    "00.b": [
        "def class_with_noise(s): return ct.classify([ct.displace_atoms(crystal, s)])[0].label"
    ],
    "01.b": [
        """
def trusted_class(structure):
    first, *others = [ct.space_group(structure, 10.0**n) for n in (-3, -6, -9)]
    return SPACE_GROUP_CLASSES.get(first) if all(first == other for other in others) else None
"""
    ],
    "02.a": [
        """
def diffraction_sum(q, positions):
    phases = q @ positions.T
    return np.cos(phases).sum(axis=1) ** 2 + np.sin(phases).sum(axis=1) ** 2
"""
    ],
    "02.e": ["def inverted(positions): return 2 * positions.mean(axis=0) - positions"],
    "03.b": ["def half_sigma(q): return (0.5 * np.log(4)) ** 0.5 / q"],
    "04.b": [
        """
def convolve(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl", windows, kernel)
"""
    ],
    "05.b": ["def wilson(k, n): return list(binomtest(k, n).proportion_ci(method='wilson'))"],
    "06.b": [
        """
def fraction_for(ratio):
    x = np.linspace(0, 1, 1_000_001)
    return x[abs((x / (2 - x)) ** 2 - ratio).argmin()]
"""
    ],
    "07.b": [
        """
def filling(crystal):
    radius = ct.bond_length(crystal) / 2
    return 4 / 3 * np.pi * radius**3 / (crystal.volume / len(crystal))
"""
    ],
    "08.b": [
        """
def unpool_by_hand(pooled, before):
    output = np.zeros_like(before)
    for i, j in np.ndindex(pooled.shape):
        block = before[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = np.unravel_index(block.argmax(), block.shape)
        output[2 * i + row, 2 * j + column] = pooled[i, j]
    return output
"""
    ],
    "09.c": [
        """
def believable(answer):
    if answer.label is None or answer.probability < 0.9:
        return False
    return SPACE_GROUP_CLASSES.get(answer.site_space_group) == answer.label
"""
    ],
    "10.b": ["share = sum(min(row) < radius for row in distances) / len(distances)"],
    "11.b": [
        """
def misorientation(one, other):
    turns = [other.inv() * one * Rotation.from_quat(q) for q in rotation_group("cF").as_quat()]
    return min(turn.magnitude() for turn in turns) * 180 / np.pi
"""
    ],
    "12.b": [
        """
def fold(positions, matrix):
    fractions = np.linalg.solve(matrix.T, positions.T).T
    return (fractions - np.floor(fractions)) @ matrix
"""
    ],
    "12.d": [
        """
def verdict(network, group):
    if network is None or group is None:
        return None
    return network if SPACE_GROUP_CLASSES.get(group) == network else None
"""
    ],
}


@cache
def exercises(path):
    """Name of each written exercise of a notebook, and the numbers of its answer and its check."""
    cells = nbformat.read(path, as_version=4).cells
    found = {}
    for number, cell in enumerate(cells):
        if "check" in cell.metadata.get("tags", []):
            name = re.search(r"Solution (\d\d\.[a-z])", cells[number + 1].source)[1]
            found[name] = number - 1
    return cells, found


EXERCISES = {name: path for path in NOTEBOOKS for name in exercises(path)[1]}


def names_of(code):
    """Names that code defines, and other names that it uses."""
    tree = ast.parse(code)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
    return defined, {node.id for node in names} - defined


@cache
def state_before(name):
    """Names of a notebook that an exercise and its check use, defined by the cells above them."""
    cells, found = exercises(EXERCISES[name])
    number = found[name]
    wanted = set.union(*(names_of(cells[n].source)[1] for n in (number, number + 1, number + 3)))
    needed = []
    for cell in reversed(cells[:number]):
        if cell.cell_type != "code" or {"check", "solution"} & set(cell.metadata.get("tags", [])):
            continue
        stored, used = names_of(cell.source)
        if stored & wanted:
            wanted = (wanted - stored) | used
            needed.insert(0, cell.source)
    state = {}
    exec("\n\n".join(needed), state)
    return state


def said_of(name, answer, capsys):
    """What the check says of an answer; an error is told by Python itself."""
    cells, found = exercises(EXERCISES[name])
    state = dict(state_before(name))
    capsys.readouterr()
    try:
        for code in (cells[found[name]].source, answer, cells[found[name] + 1].source):
            exec(code, state)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return capsys.readouterr().out.strip()


def test_every_written_exercise_has_a_check():
    for path in NOTEBOOKS:
        prose = "\n".join(c.source for c in exercises(path)[0] if c.cell_type == "markdown")
        written = len(re.findall(r"\*Write\.\*", prose))
        assert len([name for name in exercises(path)[1] if name in WRONG]) >= written > 0
    assert set(WRONG) == set(EXERCISES)


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_checks_have_one_form(name):
    cells, found = exercises(EXERCISES[name])
    answer, check, text, solution = cells[found[name] : found[name] + 4]
    assert "TODO" in answer.source
    assert check.source.startswith("def check(")
    assert re.search(r"\n\n\nprint\(check\([\w, ]+\)\)$", check.source)
    assert text.source.startswith(f"<details><summary>Solution {name}</summary>")
    assert "print(check(" in solution.source and "solution" in solution.metadata.tags


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_the_solution_is_accepted(name, capsys):
    cells, found = exercises(EXERCISES[name])
    definition = cells[found[name] + 3].source.partition("print(check(")[0]
    assert said_of(name, definition or SOLUTION_09B, capsys) == RIGHT


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, some in RIGHT_TOO.items() for answer in some]
)
def test_other_right_answers_are_accepted(name, answer, capsys):
    assert said_of(name, answer, capsys) == RIGHT


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_what_is_not_yet_there_is_no_error(name, capsys):
    assert said_of(name, "", capsys).startswith(NOT_YET)


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, some in WRONG.items() for answer in some]
)
def test_wrong_answers_are_told(name, answer, capsys):
    said = said_of(name, answer, capsys)
    assert said
    assert not said.startswith((RIGHT, NOT_YET, "NameError"))
