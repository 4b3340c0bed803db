import subprocess
import sys

import crystutor


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_is_cheap():
    for statement in ("import crystutor", "import crystutor.fingerprint"):
        assert not loaded_by(statement) & {"tensorflow", "keras", "ipywidgets", "nglview"}


def test_every_public_name_exists():
    assert all(getattr(crystutor, name) is not None for name in crystutor.__all__)


def test_tensorflow_stays_quiet():
    code = "from crystutor import build_convnet; build_convnet()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""
