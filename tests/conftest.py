"""Crystals that many tests look at, and the memory of the notebooks' kernels."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from crystutor import EXAMPLE_CRYSTALS, build_prototype, example_cluster
from crystutor.crystal.samples import sample_of

LARGEST_KERNEL = 1.2  # [GB]; Binder guarantees 1 GB and stops at 2 GB


@pytest.fixture(scope="session", params=EXAMPLE_CRYSTALS)
def labelled_cell(request):
    """One conventional cell of each class, with its label."""
    return request.param, build_prototype(*EXAMPLE_CRYSTALS[request.param])


@pytest.fixture(scope="session")
def copper():
    """A cluster of 256 fcc copper atoms."""
    return example_cluster("fcc", "Cu")


@pytest.fixture(scope="session")
def two_grains():
    """A map of copper where x < 14 Å is fcc, x > 16 Å is called hex/rh, and no grain between."""
    crystal = build_prototype("fcc", "Cu").make_supercell((8, 5, 5), in_place=False)
    x = crystal.cart_coords[:, 0]
    grains = np.select([x < 14, x > 16], [0, 1], -1)
    turned = Rotation.from_euler("x", 45, degrees=True).as_quat()
    common = {"overlap": 1.0, "volume_share": 0.5, "n_windows": 1}
    return SimpleNamespace(
        sample=sample_of(crystal),
        atom_labels=np.array(["fcc", "hex/rh", ""])[grains],
        atom_grains=grains,
        atom_overlaps=np.where(grains < 0, np.nan, 0.99),
        grains=tuple(
            SimpleNamespace(
                number=number,
                label=label,
                bravais=bravais,
                n_atoms=np.count_nonzero(grains == number),
                orientation=orientation,
                **common,
            )
            for number, label, bravais, orientation in (
                (0, "fcc", "cF", turned),
                (1, "hex/rh", "hP", np.array([0.0, 0, 0, 1])),
            )
        ),
    )


def pytest_configure(config):
    config.pluginmanager.register(NotebookMemory())


class NotebookMemory:
    """Fails the cell of a notebook, run by nbval, after which its kernel has used too much."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        result = yield
        if kernel := getattr(item.parent, "kernel", None):
            assert peak_memory(kernel.km.provisioner.pid) < LARGEST_KERNEL
        return result


def peak_memory(pid):
    """Largest memory that a process has used so far [GB]; 0 where there is no /proc to tell."""
    status = Path(f"/proc/{pid}/status")
    text = status.read_text(encoding="ascii") if status.exists() else "VmHWM: 0 kB"
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1e6
