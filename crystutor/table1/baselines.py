"""The baselines: Spglib, and OVITO and MatID where they are installed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from scipy.spatial import cKDTree

from crystutor.crystal.space_groups import CLASSES, SPACE_GROUP_CLASSES, space_group

SPGLIB_TOLERANCES = (0.006, 0.01, 0.06, 0.1)  # [Å]
FAR_BEYOND = 5  # tolerances; Spglib averages over translations before it looks for an inversion
SOME = 8  # atoms, or centers of inversion, that are looked at together
PTM_CLASSES = {
    "FCC": "fcc",
    "HCP": "hex/rh",
    "BCC": "bcc",
    "SC": "sc",
    "CUBIC_DIAMOND": "diam",
    "HEX_DIAMOND": "hex/rh",
}
CNA_CLASSES = {"FCC": "fcc", "HCP": "hex/rh", "BCC": "bcc"}


@dataclass(frozen=True)
class Baseline:
    """A method that names the class of a crystal.

    Attributes
    ----------
    name : name in the tables, with the tolerance
    classify : function from a structure to a class, or None for no answer
    classes : classes that it can name
    package : package that must be installed
    """

    name: str
    classify: Callable[[Structure], str | None]
    classes: tuple[str, ...]
    package: str

    @property
    def is_installed(self) -> bool:
        """Whether the package is installed."""
        return find_spec(self.package) is not None


def class_by_spglib(structure: Structure, symprec: float) -> str | None:
    """Class by Spglib's space group at one tolerance [Å].

    Notes
    -----
    All groups of the classes have a centre of inversion. Where there is none, even far beyond the
    tolerance, Spglib cannot name one of them and is not asked: this saves half of its time.
    """
    if not has_inversion_center(structure, FAR_BEYOND * symprec):
        return None
    return SPACE_GROUP_CLASSES.get(space_group(structure, symprec) or 0)


def has_inversion_center(structure: Structure, tolerance: float) -> bool:
    """Whether inversion through some point moves every atom near another one or an image of it.

    Parameters
    ----------
    structure
        Periodic structure.
    tolerance
        Largest distance along the normal of each face of the cell [Å].
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0)
    places = np.mod(structure.frac_coords, 1.0) % 1.0 * heights  # -1e-17 modulo 1 is 1 at first
    tree = cKDTree(places, boxsize=heights)

    def maps(centers, atoms):
        images = np.mod(centers[:, None] - atoms, heights)
        found, _ = tree.query(images, p=np.inf, distance_upper_bound=tolerance)
        return np.isfinite(found).all(axis=1)

    centers = places[0] + places  # twice the centre: the first atom lands on each atom in turn
    centers = centers[maps(centers, places[:SOME])]
    return any(maps(centers[k : k + SOME], places).any() for k in range(0, len(centers), SOME))


def class_by_matid(structure: Structure) -> str | None:
    """Class by the space group of MatID's symmetry analysis, with its default tolerance.

    References
    ----------
    L. Himanen et al., Comput. Mater. Sci. 163, 211 (2019), and later versions.
    """
    from matid import SymmetryAnalyzer
    from matid.utils.exceptions import MatIDError

    analyzer = SymmetryAnalyzer(AseAtomsAdaptor.get_atoms(structure))
    try:
        return SPACE_GROUP_CLASSES.get(analyzer.get_space_group_number())
    except MatIDError:  # Spglib, which it calls, found no group
        return None


def class_by_template_matching(structure: Structure) -> str | None:
    """Commonest class of the atoms that OVITO's polyhedral template matching identifies.

    References
    ----------
    P. M. Larsen, S. Schmidt and J. Schiøtz, Model. Simul. Mater. Sci. Eng. 24, 055007 (2016).
    """
    from ovito.modifiers import PolyhedralTemplateMatchingModifier as TemplateMatching

    modifier = TemplateMatching()
    types = {int(getattr(TemplateMatching.Type, n)): label for n, label in PTM_CLASSES.items()}
    for number in types:
        modifier.structures[number].enabled = True
    return _class_of_most_atoms(structure, modifier, types)


def class_by_common_neighbors(structure: Structure) -> str | None:
    """Commonest class of the atoms that OVITO's adaptive common neighbour analysis identifies.

    References
    ----------
    A. Stukowski, Model. Simul. Mater. Sci. Eng. 20, 045021 (2012).
    """
    from ovito.modifiers import CommonNeighborAnalysisModifier as CommonNeighbors

    types = {int(getattr(CommonNeighbors.Type, n)): label for n, label in CNA_CLASSES.items()}
    return _class_of_most_atoms(structure, CommonNeighbors(), types)


def _class_of_most_atoms(structure, modifier, types):
    from ovito.io.ase import ase_to_ovito
    from ovito.pipeline import Pipeline, StaticSource

    pipeline = Pipeline(
        source=StaticSource(data=ase_to_ovito(AseAtomsAdaptor.get_atoms(structure)))
    )
    pipeline.modifiers.append(modifier)
    found = pipeline.compute().particles.structure_types[...]
    votes = Counter(types[number] for number in found if number in types)
    return votes.most_common(1)[0][0] if votes else None


BASELINES = tuple(
    Baseline(f"Spglib {symprec} Å", partial(class_by_spglib, symprec=symprec), CLASSES, "spglib")
    for symprec in SPGLIB_TOLERANCES
) + (
    Baseline("MatID", class_by_matid, CLASSES, "matid"),
    Baseline(
        "template matching",
        class_by_template_matching,
        tuple(label for label in CLASSES if label in PTM_CLASSES.values()),
        "ovito",
    ),
    Baseline(
        "common neighbours",
        class_by_common_neighbors,
        tuple(label for label in CLASSES if label in CNA_CLASSES.values()),
        "ovito",
    ),
)
