"""Write the address of the repository into all files that name it.

    python tools/set_repository.py https://github.com/someone/crystutor

Its one place is "Repository" in pyproject.toml; what it says now is replaced everywhere.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("pyproject.toml", "README.md", "CITATION.cff", "paper/paper.md")
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")


def main(address: str, root: Path = ROOT) -> None:
    """Replace the old address, also as Binder writes it."""
    new = GITHUB.fullmatch(address)
    if not new:
        sys.exit(f"{address} is not of the form https://github.com/OWNER/NAME")
    old = GITHUB.fullmatch(repository(root))
    assert old is not None
    for name in FILES:
        path = root / name
        text = path.read_text(encoding="utf-8").replace(old[0], new[0])
        path.write_text(text.replace(f"/gh/{old[1]}/", f"/gh/{new[1]}/"), encoding="utf-8")


def repository(root: Path = ROOT) -> str:
    """Return the address of the repository, from pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


if __name__ == "__main__":
    main(sys.argv[1])
