"""Figures of structures."""

from ase.visualize.plot import plot_atoms
from matplotlib.axes import Axes
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from crystutor.crystal.structures import require_atoms
from crystutor.plotting.axes import axes_or_new

FROM_THE_SIDE = "-78x,-12y,4z"  # and a little from above


def plot_structure(structure: Structure, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the atoms of a structure and its cell, seen a little from the side.

    Parameters
    ----------
    structure
        Atoms to draw.
    title
        Title of the axes.
    ax
        Axes to draw into; new ones if not given.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    require_atoms(structure)
    ax = axes_or_new(ax, (3.4, 3.4), title)
    plot_atoms(AseAtomsAdaptor.get_atoms(structure), ax, rotation=FROM_THE_SIDE, radii=0.5)
    ax.set(title=title, xlabel="horizontal [Å]", ylabel="vertical [Å]")
    return ax
