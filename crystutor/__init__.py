"""Teach how a neural network reads crystal symmetry from diffraction fingerprints.

The way of a crystal through the package:

    crystal             a structure from a file, its average lattice, a cluster in standard axes
    detector            which scattering vector each pixel sees
    diffraction         the fingerprint, an image of 64 x 64 x 3
    convnet             the network of Table 2
    verdict             from a structure to the name of its class
    attention           what the network looks at
    transition_paths    bcc to simple cubic, the rhombohedral path
    plotting            fingerprints, probabilities, atoms

Beside it:

    training            random crystals, data sets, fitting
    maps                what is where in a larger sample
    table1              the reproduction of Table 1 of the paper
    explore             explorers for notebooks
    commands            the command line
    arguments           what is not accepted is said in one line
    executors, files    work on any executor; files that appear whole or not at all

Importing `crystutor` loads neither TensorFlow nor widgets. Names that need them are imported when
they are first used.
"""

import os

os.environ.setdefault("SPGLIB_WARNING", "OFF")  # its C code would write to standard error

from crystutor.crystal.average.cell import find_average_cell
from crystutor.crystal.average.structure import AverageStructure, average_structure
from crystutor.crystal.cells import (
    build_cluster,
    example_cluster,
    standard_cell,
)
from crystutor.crystal.defects import (
    displace_atoms,
    remove_atoms,
    remove_body_centers,
    substitute_atoms,
)
from crystutor.crystal.lattice.translations import find_translations, overlap
from crystutor.crystal.prototypes import (
    EXAMPLE_CRYSTALS,
    PROTOTYPES,
    Prototype,
    build_prototype,
    build_rhombohedral,
)
from crystutor.crystal.reading.frames import EXAMPLES, read_structure, read_structures
from crystutor.crystal.space_groups import CLASSES, space_group
from crystutor.crystal.structures import bond_length
from crystutor.detector import PAPER_DETECTOR, Detector
from crystutor.diffraction import fingerprint, fingerprints
from crystutor.maps.polycrystals import build_polycrystal, simulate_atom_probe
from crystutor.training.dataset import (
    defective_dataset,
    load_dataset,
    pristine_dataset,
    save_dataset,
)
from crystutor.training.random_crystals import PAPER_VARIETY, SHIPPED_VARIETY

__version__ = "0.1.0"
VARIETY = SHIPPED_VARIETY  # its name in version 0.1.0
_LAZY = {
    "Classification": "verdict.classification",
    "LiveCurve": "explore.live_curve",
    "build_convnet": "convnet",
    "build_linear_softmax": "convnet",
    "class_template": "attention",
    "gradient_saliency": "attention",
    "response_maps": "attention",
    "classify": "verdict.classifier",
    "load_convnet": "convnet",
    "predict_probabilities": "convnet",
    "fetch_structures": "crystal.databases",
    "StructureMap": "maps.structure_map",
    "map_structure": "maps.mapping",
    "train_convnet": "training.fit",
    "CLASS_COLORS": "plotting.axes",
    "plot_difference": "plotting.images",
    "plot_fingerprint": "plotting.images",
    "plot_path": "plotting.answers",
    "plot_probabilities": "plotting.answers",
    "plot_response": "plotting.images",
    "plot_structure": "plotting.atoms",
    "plot_trajectory": "plotting.answers",
    "plot_confusion": "table1.figures",
    "plot_levels": "table1.figures",
    "view_structure": "explore.views",
    "view_map": "explore.map_scenes",
    "plot_map": "maps.figures",
    "plot_pole_figure": "maps.figures",
    "bcc_to_sc": "transition_paths",
    "rhombohedral_path": "transition_paths",
    **dict.fromkeys(
        (
            "bcc_to_sc_explorer",
            "fingerprint_explorer",
            "map_explorer",
            "response_map_explorer",
            "rhombohedral_explorer",
            "structure_explorer",
            "upload_explorer",
        ),
        "explore.explorers",
    ),
}
__all__ = [
    "CLASSES",
    "EXAMPLES",
    "EXAMPLE_CRYSTALS",
    "PAPER_DETECTOR",
    "PAPER_VARIETY",
    "PROTOTYPES",
    "SHIPPED_VARIETY",
    "VARIETY",
    "AverageStructure",
    "Detector",
    "Prototype",
    "average_structure",
    "bond_length",
    "build_cluster",
    "build_polycrystal",
    "build_prototype",
    "build_rhombohedral",
    "defective_dataset",
    "displace_atoms",
    "example_cluster",
    "find_average_cell",
    "find_translations",
    "fingerprint",
    "fingerprints",
    "load_dataset",
    "overlap",
    "pristine_dataset",
    "read_structure",
    "read_structures",
    "remove_atoms",
    "remove_body_centers",
    "save_dataset",
    "simulate_atom_probe",
    "space_group",
    "standard_cell",
    "substitute_atoms",
    *_LAZY,
]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'crystutor' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"crystutor.{_LAZY[name]}"), name)


def __dir__():
    return __all__
