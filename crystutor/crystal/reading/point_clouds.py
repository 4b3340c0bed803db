"""Positions of atom probe tomography: .pos and .epos files."""

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Element, Molecule

from crystutor.arguments import InputError
from crystutor.crystal.reading.arrays import finite, with_warnings
from crystutor.crystal.reading.vasp import elements_for
from crystutor.crystal.structures import NOT_FINITE, check_number

RECORDS = {  # big-endian, lengths in nm
    "pos": np.dtype([("position", ">f4", 3), ("mass_to_charge", ">f4")]),
    "epos": np.dtype([("position", ">f4", 3), ("others", ">f4", 6), ("pulses", ">u4", 2)]),
}
LARGEST = 1e4  # extent of a tip [nm]
INVENTED = "Fe"


def read_point_cloud(
    content: bytes, file_format: str, elements: Sequence[str] | None = None
) -> Molecule:
    """Read a .pos or .epos file as a finite sample in which all atoms are alike.

    Parameters
    ----------
    content
        The file.
    file_format
        "pos" or "epos".
    elements
        One element, that all atoms get. The mass-to-charge ratios are not interpreted.

    Raises
    ------
    ValueError
        If the size of the file does not fit, or the numbers cannot be positions in nm.
    """
    record = RECORDS[file_format]
    if len(content) % record.itemsize:
        raise InputError(
            f"an .{file_format} file has {record.itemsize} bytes for each atom; this one has "
            f"{len(content)} bytes, which is no multiple"
        )
    check_number(len(content) // record.itemsize)
    positions = np.frombuffer(content, record)["position"].astype(float)
    if not np.isfinite(positions).all():
        raise InputError(NOT_FINITE)
    if (abs(positions) > LARGEST).any():
        raise InputError(f"positions beyond {LARGEST:.0f} nm: this is no .{file_format} file")
    name = elements_for(elements, 1)[0] if elements is not None else INVENTED
    atoms = finite([Element(name).Z] * len(positions), 10 * positions)
    if elements is None:
        with_warnings(atoms, f"the file names no elements: all atoms taken as {INVENTED}")
    return atoms
