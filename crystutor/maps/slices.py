"""A slice through a sample: which atoms it holds, and where they lie in it."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from crystutor.arguments import require, require_number, require_one_of
from crystutor.crystal.samples import Sample
from crystutor.maps.structure_map import StructureMap

THICKNESS = 2.0  # bond lengths
SOME = 1000  # atoms whose nearest neighbours are looked for


@dataclass(frozen=True, eq=False)
class Slice:
    """A slice normal to an axis.

    Attributes
    ----------
    axis : its normal: x, y or z
    position : of its middle along the axis [Å]
    thickness : [Å]
    atoms : indices of the atoms in it, the lowest first, shape (m,)
    places : where they lie across the axis, shape (m, 2) [Å]
    lowest, highest : corners of the whole sample across the axis, shape (2,) [Å]
    bond : bond length [Å]
    """

    axis: str
    position: float
    thickness: float
    atoms: np.ndarray
    places: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    bond: float

    @property
    def across(self) -> tuple[str, str]:
        """Names of the horizontal and the vertical axis."""
        first, second = (name for name in "xyz" if name != self.axis)
        return first, second

    def describe(self) -> str:
        """Say where the slice lies."""
        return f"{self.axis} = {self.position:.1f} ± {self.thickness / 2:.1f} Å"


def cut_slice(
    structure_map: StructureMap,
    axis: str = "z",
    position: float | None = None,
    thickness: float | None = None,
) -> Slice:
    """Cut a slice out of a map; by default through its middle, two bond lengths thick [Å]."""
    require_map(structure_map)
    require_one_of("axis", axis, "xyz")
    positions = positions_in_box(structure_map.sample)
    bond = typical_bond(positions)
    thickness = THICKNESS * bond if thickness is None else thickness
    require_number("thickness", thickness, 0, unit="Å", above=True)
    normal = "xyz".index(axis)
    heights = positions[:, normal]
    middle = (heights.min() + heights.max()) / 2 if position is None else position
    require_number("position", middle, unit="Å")
    atoms = np.flatnonzero(np.abs(heights - middle) <= thickness / 2)
    atoms = atoms[np.argsort(heights[atoms], kind="stable")]
    flat = np.delete(positions, normal, axis=1)
    lowest, highest = flat.min(axis=0), flat.max(axis=0)
    return Slice(axis, float(middle), float(thickness), atoms, flat[atoms], lowest, highest, bond)


def require_map(structure_map: StructureMap) -> None:
    """Refuse what is no map."""
    accepted = "a StructureMap, which map_structure returns,"
    require("structure_map", structure_map, hasattr(structure_map, "atom_grains"), accepted)


def positions_in_box(sample: Sample) -> np.ndarray:
    """Positions of the atoms, each moved into the box along its periodic axes, shape (n, 3) [Å]."""
    return sample.fractions @ sample.box if sample.periodic.any() else sample.positions


def typical_bond(positions: np.ndarray) -> float:
    """Median distance to the nearest neighbour [Å], of some atoms out of positions (n, 3)."""
    if len(positions) < 2:
        return 1.0
    some = positions[:: max(1, len(positions) // SOME)]
    distances, _ = cKDTree(positions).query(some, k=2)
    return float(np.median(distances[:, 1]))
