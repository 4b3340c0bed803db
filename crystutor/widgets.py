"""Interactive views for notebooks."""

import nglview
from pymatgen.core import Structure

REPRESENTATIONS = [
    {"type": "spacefill", "params": {"radiusType": "covalent", "radiusScale": 0.6}},
    {"type": "unitcell", "params": {}},
]


def view_structure(structure: Structure) -> nglview.NGLWidget:
    """Show a structure in an interactive NGL view: drag to turn, scroll to zoom.

    Parameters
    ----------
    structure
        Atoms to show, with the edges of their cell.

    Returns
    -------
    nglview.NGLWidget
    """
    atoms = nglview.ASEStructure(structure.to_ase_atoms())
    return nglview.NGLWidget(atoms, representations=REPRESENTATIONS)
