import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from crystutor.commands.lab import STUDENT_FOLDER

ROOT = Path(__file__).parents[1]


def pip_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    return [Requirement(line) for line in environment["dependencies"][-1]["pip"]]


def test_binder_gets_the_same_environment():
    assert (ROOT / "binder/environment.yml").read_text() == (ROOT / "environment.yml").read_text()


def test_pins_satisfy_the_package():
    pins = {(pin.name, str(pin.marker)): str(pin.specifier) for pin in pip_list()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for needed in map(Requirement, project["dependencies"]):
        pinned = pins[needed.name, str(needed.marker)]
        assert pinned.startswith("==")
        assert needed.specifier.contains(pinned.removeprefix("=="))


def test_repo2docker_uses_the_binder_folder():
    command = ["jupyter-repo2docker", "--no-build", "--debug", "."]
    path = Path(sys.executable).parent / command[0]
    run = subprocess.run([path, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    dockerfile = run.stdout + run.stderr
    assert '--file "binder/environment.yml"' in dockerfile
    assert "binder/postBuild" in dockerfile
    assert "python=3.11" in dockerfile


def test_the_binder_badge_opens_the_first_of_the_student_copies():
    [address] = re.findall(r"^\[binder\]: (\S+)", (ROOT / "README.md").read_text("utf-8"), re.M)
    pattern = r"https://mybinder\.org/v2/gh/[\w-]+/crystutor/HEAD\?urlpath=lab/tree/(\S+)"
    folder, name = re.fullmatch(pattern, address)[1].split("/")
    assert (ROOT / "notebooks" / name).exists()
    assert folder == str(STUDENT_FOLDER)
    post_build = (ROOT / "binder/postBuild").read_text("utf-8")
    assert "\ncrystutor lab --student --copy-only\n" in post_build


@pytest.mark.slow
def test_the_pinned_environment_runs_the_first_notebook(tmp_path):
    python = tmp_path / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *map(str, pip_list())], check=True)
    subprocess.run([*install, "--no-deps", ROOT], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    notebook = ROOT / "notebooks/00_start_here.ipynb"
    test = [python, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-c", "/dev/null"]
    subprocess.run([*test, notebook], cwd=tmp_path, check=True)
