"""Try wheel and sdist as a user gets them: outside the clone, in an empty environment.

    python tools/check_dist.py build/dist

The wheel must hold every file of the package, the sdist every file of the clone. The wheel is
installed and classifies an example. Then some tests of the unpacked sdist run.
"""

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ONLY_FOR_GIT = {".gitattributes", ".gitignore"}
TEST_TOOLS = ("nbval", "pytest")
TESTS = ("tests/test_main.py", "tests/test_package.py")


def main(folder):
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    check_contents(wheel, sdist)
    with TemporaryDirectory() as temporary:
        place = Path(temporary)
        venv.create(place / "venv", with_pip=True)
        python = place / "venv/bin/python"
        run(python, "-m", "pip", "install", "--quiet", wheel, cwd=place)
        run(python, "-m", "pip", "check", cwd=place)
        classify_example(python, place)
        with tarfile.open(sdist) as archive:
            archive.extractall(place, filter="data")
        run(python, "-m", "pip", "install", "--quiet", *TEST_TOOLS, cwd=place)
        print(run(python, "-m", "pytest", *TESTS, cwd=place / sdist.name.removesuffix(".tar.gz")))


def check_contents(wheel, sdist):
    """Compare what was packed with what git knows."""
    tracked = set(run("git", "ls-files").splitlines())
    packed = set(zipfile.ZipFile(wheel).namelist())
    missing = {name for name in tracked if name.startswith("crystutor/")} - packed
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    missing |= tracked - packed - ONLY_FOR_GIT
    if missing:
        sys.exit(f"not packed: {', '.join(sorted(missing))}")


def classify_example(python, place):
    """Name the class of the wheel's own copper, from a folder that is no clone."""
    example = run(python, "-c", "import crystutor; print(crystutor.EXAMPLES / 'Cu.cif')", cwd=place)
    command = python.with_name("crystutor")
    [answer] = json.loads(run(command, "classify", "--json", example.strip(), cwd=place))
    if answer["class"] != "fcc" or not Path(answer["file"]).is_relative_to(place.resolve()):
        sys.exit(f"the wheel answers {answer}")
    print(f"wheel: {answer['formula']} is {answer['class']}, {answer['probability']:.2%}")


def run(*command, cwd=None):
    """Run a command and return what it prints; what fails stops the check."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}failed: {' '.join(map(str, command))}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
