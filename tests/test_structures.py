import numpy as np
import pytest
from pymatgen.core import Structure

from crystutor.crystal.structures import check_structure


def test_flat_cell():
    flat = Structure(np.diag([3.0, 3.0, 1e-9]), ["Cu"], [[0, 0, 0]])
    with pytest.raises(ValueError, match="zero volume"):
        check_structure(flat)
