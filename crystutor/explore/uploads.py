"""Files that are uploaded in a notebook."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pymatgen.core import Molecule, Structure

from crystutor.arguments import InputError
from crystutor.crystal.cells import build_cluster
from crystutor.crystal.reading.frames import read_structures
from crystutor.crystal.supercells import choose_repeats

N_ATOMS = 250  # of a cluster
LARGEST_UPLOAD = 8_000_000  # [bytes]; a plain Jupyter server drops messages of more than 10 MB


def count_frames(upload: tuple[dict, ...]) -> int:
    """Count the structures in an uploaded file; 0 if there is none, or a bad one."""
    try:
        return len(_read(*_name_and_content(upload[0]))) if upload else 0
    except ValueError:
        return 0  # `read_upload` says why


def read_upload(file: dict, frame: int) -> tuple[str, Structure | Molecule, Structure]:
    """Name, structure and cluster of a frame of an uploaded file.

    Raises
    ------
    ValueError
        If the file is too large, or cannot be read; the message names it as the user knows it.
    """
    name, content = _name_and_content(file)
    structure, cluster = _read_frame(name, content, frame)
    n = len(_read(name, content))
    return (f"{name}, frame {frame} of 0 to {n - 1}" if n > 1 else name), structure, cluster


def _name_and_content(file):
    name = Path(file["name"]).name
    if file["size"] > LARGEST_UPLOAD:
        raise InputError(
            f"{name} has {file['size'] / 1e6:.0f} MB; up to {LARGEST_UPLOAD / 1e6:.0f} MB are "
            "accepted here: save it beside the notebook and use read_structures"
        )
    return name, bytes(file["content"])


@lru_cache(maxsize=1)
def _read(name, content):
    """Structures of a file's content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return [structure for _, structure in read_structures(path)]
        except ValueError as error:
            raise InputError(str(error).replace(str(path), name)) from error


@lru_cache(maxsize=1)
def _read_frame(name, content, frame):
    structures = _read(name, content)
    structure = structures[min(frame, len(structures) - 1)]
    try:
        return structure, _cluster(structure)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


def _cluster(structure):
    """Some 250 atoms; of a compound whole cells, since a cell of its places may mix elements up."""
    cluster, n = build_cluster(structure), len(structure)
    if len(structure.composition) == 1 or n > N_ATOMS or not all(cluster.lattice.pbc):
        return cluster
    matrix = structure.lattice.matrix
    return structure * choose_repeats(matrix, structure.volume * N_ATOMS / n)
