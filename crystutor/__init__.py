"""Teach how a neural network reads crystal symmetry from diffraction fingerprints.

The way of a crystal through the package, one module a step:

    structures, prototypes    a structure from a file or from a table of prototypes
    bragg, average_lattice    its lattice, from its own diffraction
    blocks, cells             its standard cell, and a cluster of about 250 atoms
    defects                   vacancies, displacements, substitutions
    detector, fingerprint     diffraction image, 64 x 64 x 3
    random_crystals, dataset  many of them, with labels
    convnet, training         the network; they import TensorFlow
    attention                 what the network looks at
    symmetry, peers           the baseline: Spglib, and other methods
    levels, benchmark, report, reproduce    Table 1 of the paper

Importing `crystutor` loads neither TensorFlow nor widgets: names that need them are looked up
when they are first used.
"""

import os

os.environ.setdefault("SPGLIB_WARNING", "OFF")  # its C code would write to standard error

from crystutor.cells import bond_length, build_cluster, find_average_cell, standard_cell
from crystutor.dataset import (
    defective_dataset,
    load_dataset,
    pristine_dataset,
    save_dataset,
)
from crystutor.defects import (
    displace_atoms,
    remove_atoms,
    remove_body_centers,
    substitute_atoms,
)
from crystutor.detector import PAPER_DETECTOR, Detector
from crystutor.fingerprint import fingerprint, fingerprints
from crystutor.prototypes import PROTOTYPES, Prototype, build_prototype, build_rhombohedral
from crystutor.random_crystals import PAPER_VARIETY, VARIETY
from crystutor.structures import EXAMPLES, read_structure
from crystutor.symmetry import CLASSES, space_group

__version__ = "0.1.0"
_LAZY = {
    "Classification": "convnet",
    "LiveCurve": "live",
    "build_convnet": "convnet",
    "build_linear_softmax": "convnet",
    "class_template": "attention",
    "gradient_saliency": "attention",
    "response_maps": "attention",
    "classify": "convnet",
    "load_convnet": "convnet",
    "predict_probabilities": "convnet",
    "train_convnet": "training",
    **dict.fromkeys(
        (
            "CLASS_COLORS",
            "plot_confusion",
            "plot_difference",
            "plot_fingerprint",
            "plot_levels",
            "plot_path",
            "plot_probabilities",
            "plot_response",
            "plot_structure",
        ),
        "plotting",
    ),
    "view_structure": "panel",
    "bcc_to_sc": "paths",
    "rhombohedral_path": "paths",
    **dict.fromkeys(
        (
            "bcc_to_sc_explorer",
            "fingerprint_explorer",
            "response_map_explorer",
            "rhombohedral_explorer",
            "structure_explorer",
            "upload_explorer",
        ),
        "widgets",
    ),
}
__all__ = [
    "CLASSES",
    "EXAMPLES",
    "PAPER_DETECTOR",
    "PAPER_VARIETY",
    "PROTOTYPES",
    "VARIETY",
    "Detector",
    "Prototype",
    "bond_length",
    "build_cluster",
    "build_prototype",
    "build_rhombohedral",
    "defective_dataset",
    "displace_atoms",
    "find_average_cell",
    "fingerprint",
    "fingerprints",
    "load_dataset",
    "pristine_dataset",
    "read_structure",
    "remove_atoms",
    "remove_body_centers",
    "save_dataset",
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
