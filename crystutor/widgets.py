"""Interactive views for notebooks."""

import nglview
from pymatgen.core import Structure


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
    view = nglview.NGLWidget(atoms, default_representation=False)
    view.add_spacefill(radius_type="covalent", radius_scale=0.6)
    view.add_unitcell()
    view.center()
    return view
