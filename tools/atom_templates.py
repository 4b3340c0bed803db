"""Classes of single atoms by OVITO, for measure_maps.py: template matching, common neighbours.

    ptm 0.1    polyhedral template matching, RMSD cutoff 0.1 as by default; all types but
               icosahedra and graphene
    ptm 0.2    the same with a lenient cutoff
    a-cna      adaptive common neighbour analysis: fcc, bcc, hcp; where it says nothing, the
               neighbour analysis for diamond, first and second neighbours of its atoms included

Types become our classes: hcp and hexagonal diamond are hex/rh, cubic diamond is diam.
"""

from importlib.util import find_spec

import numpy as np

from crystutor.table1.baselines import CNA_CLASSES, PTM_CLASSES

CUTOFFS = {"ptm 0.1": 0.1, "ptm 0.2": 0.2}
METHODS = (*CUTOFFS, "a-cna")


def is_installed():
    return find_spec("ovito") is not None


def label_atoms(atoms, method):
    """Class of each atom, "" for none, shape (n,)."""
    if method in CUTOFFS:
        return by_template_matching(atoms, CUTOFFS[method])
    return by_common_neighbors(atoms)


def by_template_matching(atoms, cutoff):
    from ovito.modifiers import PolyhedralTemplateMatchingModifier as TemplateMatching

    modifier = TemplateMatching(rmsd_cutoff=cutoff)
    types = {int(getattr(TemplateMatching.Type, n)): label for n, label in PTM_CLASSES.items()}
    for number in types:
        modifier.structures[number].enabled = True
    return named(structure_types(atoms, modifier), types)


def by_common_neighbors(atoms):
    from ovito.modifiers import CommonNeighborAnalysisModifier as CommonNeighbors
    from ovito.modifiers import IdentifyDiamondModifier as Diamond

    types = {int(getattr(CommonNeighbors.Type, n)): label for n, label in CNA_CLASSES.items()}
    close_packed = named(structure_types(atoms, CommonNeighbors()), types)
    sizes = ("", "_FIRST_NEIGHBOR", "_SECOND_NEIGHBOR")
    kinds = (("CUBIC_DIAMOND", "diam"), ("HEX_DIAMOND", "hex/rh"))
    types = {int(getattr(Diamond.Type, f"{k}{s}")): label for k, label in kinds for s in sizes}
    diamond = named(structure_types(atoms, Diamond()), types)
    return np.where(close_packed == "", diamond, close_packed)


def structure_types(atoms, modifier):
    from ovito.io.ase import ase_to_ovito
    from ovito.pipeline import Pipeline, StaticSource

    pipeline = Pipeline(source=StaticSource(data=ase_to_ovito(atoms)))
    pipeline.modifiers.append(modifier)
    return np.array(pipeline.compute().particles.structure_types[...])


def named(numbers, types):
    names = np.full(max(numbers.max(), *types) + 1, "", dtype="U8")
    for number, label in types.items():
        names[number] = label
    return names[numbers]
