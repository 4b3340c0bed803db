"""Write the example structures that come with the package.

python tools/make_examples.py crystutor/data/examples
"""

import sys
from pathlib import Path

from crystutor import build_cluster, build_prototype, remove_atoms

SEED = 29


def main(folder):
    copper = build_prototype("fcc", "Cu", a=3.6149)  # M. E. Straumanis and L. S. Yu, 1969
    copper.to(str(folder / "Cu.cif"))
    damaged = remove_atoms(build_cluster(copper), 0.25, seed=SEED)
    damaged.to(str(folder / "Cu_25_percent_vacancies.cif"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
