"""Symmetry operators: from texts, their products, whether they are a group, whether they fit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np
from pymatgen.core.operations import SymmOp

from crystutor.arguments import InputError

GRID = 240  # translations of operators are multiples of 1/240: 1/2, 1/3, 1/5, 1/16
MOST = 400  # operators; the largest space group has 192
METRIC_TOLERANCE = 5e-3  # relative, of the cell under the operators


@dataclass(frozen=True)
class Operators:
    """Symmetry operators x -> rotation @ x + translation, in fractional coordinates.

    Attributes
    ----------
    rotations : shape (n, 3, 3)
    translations : shape (n, 3)
    warning : what was guessed, in one clause
    origin : "1" or "2" if the file leaves the choice of the origin open, else ""
    """

    rotations: np.ndarray
    translations: np.ndarray
    warning: str = ""
    origin: str = ""

    def __len__(self) -> int:
        return len(self.rotations)


IDENTITY = Operators(np.eye(3)[None], np.zeros((1, 3)))


def with_warning(operators: Operators, warning: str) -> Operators:
    """Add a warning to those that operators carry."""
    return replace(operators, warning=", ".join(filter(None, (operators.warning, warning))))


def parse_operators(texts: Sequence[str]) -> Operators:
    """Operators from texts such as "x, -y+1/2, z" or, with time reversal, "x,y,z,+1"."""
    for text in texts:
        if not re.fullmatch(r"[xyzXYZ0-9+\-*/., ]+", text) or text.count(",") not in (2, 3):
            raise InputError(text)
    operations = [SymmOp.from_xyz_str(",".join(text.split(",")[:3])) for text in texts]
    translations = np.array([operation.translation_vector for operation in operations])
    on_grid = np.round(translations * GRID) / GRID
    near = abs(on_grid - translations) < 0.2 / GRID  # 0.333 is 1/3
    return Operators(
        np.array([operation.rotation_matrix for operation in operations]),
        np.where(near, on_grid, translations),
    )


def product(outer: Operators, inner: Operators) -> Operators:
    """All operators of the outer after all of the inner."""
    rotations = np.einsum("iab,jbc->ijac", outer.rotations, inner.rotations)
    translations = np.einsum("iab,jb->ija", outer.rotations, inner.translations)
    translations += outer.translations[:, None]
    return Operators(rotations.reshape(-1, 3, 3), translations.reshape(-1, 3))


def _codes(operators):
    """A number for each operator; equal up to lattice translations means equal."""
    rotations = np.rint(operators.rotations).astype(np.int64).reshape(-1, 9) + 3
    translations = np.rint(operators.translations * GRID).astype(np.int64) % GRID
    code = np.zeros(len(operators), np.int64)
    for digits, base in ((rotations.T, 7), (translations.T, GRID)):
        for digit in digits:
            code = code * base + digit
    return code


def distinct(operators: Operators) -> Operators:
    """Leave out operators that are listed twice."""
    _, first = np.unique(_codes(operators), return_index=True)
    first = np.sort(first)
    return replace(
        operators, rotations=operators.rotations[first], translations=operators.translations[first]
    )


def is_group(operators: Operators) -> bool:
    """Whether the product of any two is one of them: whether they are a group."""
    if len(operators) > MOST:
        return False
    return bool(np.isin(_codes(product(operators, operators)), _codes(operators)).all())


def misfit(operators: Operators, metric: np.ndarray) -> str:
    """Say so if the cell does not have the symmetry of the operators."""
    R = operators.rotations
    turned = np.einsum("nba,bc,ncd->nad", R, metric, R)
    scale = np.sqrt(np.outer(metric.diagonal(), metric.diagonal()))
    if (abs(turned - metric) > METRIC_TOLERANCE * scale).any():
        return "the cell's edges or angles do not fit its symmetry"
    return ""


def of_gemmi(group: gemmi.GroupOps) -> Operators:
    """Take over gemmi's operators."""
    operations = list(group)
    return Operators(
        np.array([operation.rot for operation in operations]) / gemmi.Op.DEN,
        np.array([operation.tran for operation in operations]) / gemmi.Op.DEN,
    )
