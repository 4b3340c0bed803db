"""The evidence about a structure: all that is found out before the network is asked.

Worker processes import this module; it needs no TensorFlow.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from crystutor.crystal.average.cell import AverageCell, average_cells_of
from crystutor.crystal.average.structure import AverageStructure, average_structure_of
from crystutor.crystal.cells import cluster_of
from crystutor.crystal.lattice.translations import NoAverageLatticeError
from crystutor.crystal.samples import Atoms, sample_of
from crystutor.crystal.structures import (
    BareStructure,
    bond_length,
    check_structure,
    compositions_of,
)
from crystutor.detector import IMAGE_SHAPE
from crystutor.diffraction import fingerprint_of

N_ATOMS = 250  # of the cluster
WORTH_A_NOTE = 0.005  # strain


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a structure shows without the network.

    Attributes
    ----------
    elements : chemical symbols
    n_atoms : number of atoms
    warnings : what was guessed, by the reader of the file and about the sample
    reason : why there is no lattice, or None
    note : the same in a sentence; or what to beware of
    cells : average cells of the lattices that fit, the weightiest first
    clusters : atoms cut along the first cell: all alike, and of a compound with their elements, too
    images : fingerprints, shape (n_clusters, n_cells, 64, 64, 3), float32, in [0, 1]
    average : average structure, or None
    """

    elements: tuple[str, ...]
    n_atoms: int
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    note: str = ""
    cells: tuple[AverageCell, ...] = ()
    clusters: tuple[BareStructure, ...] = ()
    images: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, *IMAGE_SHAPE), np.float32))
    average: AverageStructure | None = None


def find_evidence(structure: Atoms) -> Evidence:
    """Find lattice, cluster, fingerprints and average structure.

    Raises
    ------
    ValueError
        If the structure cannot be given a fingerprint; see
        `crystutor.crystal.structures.check_structure`.
    """
    check_structure(structure)
    sample, distance = sample_of(structure), bond_length(structure)
    species = {element for each in compositions_of(structure) for element in each}
    elements = tuple(sorted({element.symbol for element in species}))
    warnings = tuple(structure.properties.get("warnings", ()))
    warnings += tuple(f"vacuum along {a}: taken as finite along {a}" for a in sample.vacuum)
    try:
        cells = average_cells_of(sample, distance)
    except NoAverageLatticeError as error:
        return Evidence(elements, len(structure), warnings, error.reason, str(error))
    cut = [cluster_of(structure, cell, N_ATOMS, distance) for cell in cells]
    shown = [[alike(cluster) for cluster in cut]]
    shown += [cut] if len(elements) > 1 else []
    return Evidence(
        elements,
        len(structure),
        warnings,
        note=_remarks(sample, cells[0]),
        cells=tuple(cells),
        clusters=tuple(clusters[0] for clusters in shown),
        images=np.array([[fingerprint_of(cluster) for cluster in clusters] for clusters in shown]),
        average=average_structure_of(structure, sample, distance, cells[0]),
    )


def evidence_or_error(structure: Atoms | ValueError) -> Evidence | ValueError:
    """Find the evidence, or return the error: one bad structure must not stop the others.

    An error in place of a structure, of a file that could not be read, is handed on.
    """
    if isinstance(structure, ValueError):
        return structure
    try:
        return find_evidence(structure)
    except ValueError as error:
        return error


def alike(cluster: BareStructure) -> BareStructure:
    """Give all atoms of a cluster its commonest element: a class is that of their places."""
    numbers, counts = np.unique(cluster.atomic_numbers, return_counts=True)
    if len(numbers) == 1:
        return cluster
    return replace(cluster, atomic_numbers=np.full(len(cluster), numbers[counts.argmax()]))


def _remarks(sample, cell):
    """What to beware of: finite axes, a strained cell."""
    finite = [axis for axis, repeats in zip("abc", sample.periodic, strict=True) if not repeats]
    remarks = [f"finite along {' and '.join(finite)}"] if 0 < len(finite) < 3 else []
    remarks += ["a finite sample"] if len(finite) == 3 else []
    remarks += [f"strained by {cell.strain:.1%}"] if cell.strain > WORTH_A_NOTE else []
    return "; ".join(remarks)
