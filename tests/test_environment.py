import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

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
