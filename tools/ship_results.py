"""Put the network and the results of a run of `crystutor reproduce table1` into the package.

python tools/ship_results.py build/table1
"""

import csv
import json
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from crystutor import PROTOTYPES
from crystutor.convnet import WEIGHTS, build_convnet
from crystutor.peers import PEERS
from crystutor.random_crystals import VARIETY
from crystutor.reproduce import (
    CHOICE_CRYSTALS,
    CHOICE_SHARE,
    FINISH_EPOCHS,
    FINISH_RATE,
    FINISH_SHARE,
    RECIPES,
    SHIPPED,
    finished_network,
)

DATA = Path(__file__).parents[1] / "crystutor" / "data"
PACKAGES = ("numpy", "scipy", "spglib", "gemmi", "pymatgen", "ase", "keras", "tensorflow-cpu")
PEER_PACKAGES = sorted({peer.package for peer in PEERS if peer.is_installed} - {"spglib"})
RESULTS = ("table1.csv", "table1.md", "table1.png", "confusion.csv", "training.csv", "choices.md")

CARD = """# Model card: the shipped network

What it is: the convolutional network of Table 2 of A. Ziletti et al., Nat. Commun. 9, 2775 (2018),
365,719 parameters, from a diffraction fingerprint (64, 64, 3) to the probabilities of seven crystal
classes. Licence: MIT. Made by

    {command}
    python tools/ship_results.py build/table1

with Python {python} and {packages}.

## Data

{crystals:,} perfect crystals, as many of each class, drawn with seed {draw_seed} from the
package's own prototypes over the full ranges of their parameters: {shares[0]:.0%} from published
ones, {shares[1]:.0%} from named hypothetical ones, {shares[2]:.0%} from {n_enumerated:,} enumerated
ones, elements H to Bi. No defective crystal is among
them, no structure of any database, and none of the crystals of the tables below. A tenth was only
watched during training.

## Recipe

{epochs} epochs, batches of 32, Adam from 1e-3 along half a cosine, cross-entropy; then
{finish_epochs} epochs from {finish_rate} on {finish_crystals:,} crystals of the paper's kind
(published prototypes, inner half of the ranges, 250 atoms, exact scale, no film; others than those
of the tables), and on half as many of the first. Every choice beyond the paper, with its reason:

| choice | value | reason |
| --- | --- | --- |
| hypothetical prototypes | half | the published ones are too few to stand for all |
| nearly body-centred simple cubic | not drawn | faint forbidden spots are not to decide |
| size of the clusters | {n_atoms[0]} to {n_atoms[1]} atoms | however a cluster was cut |
| edges | stretched by a factor exp(N(0, {elongation})) | the same, and any order of unequal edges |
| scale | mean nearest-neighbour distance of a damaged copy | defects change it, by class |
| amorphous film | of any element, weight 0 to {background} in two thirds | speckle means nothing |
| learning rate | falls along half a cosine | a steadier end |
| last epochs | on crystals of the paper's kind | the commonest crystals once more |

What each of them does, at {choice_share:.1%} of the size (`choices.md`, {choice_crystals} crystals
a level, balanced accuracy [%] with its 95 % interval):

{choices}

## Results

Balanced accuracy over the classes [%], 95 % interval by Wilson, number of structures; accuracy on
watched crystals after the first {epochs} epochs {validation:.1%} (clusters on amorphous films
included). The crystals of these tables are drawn from the published prototypes, with parameters
from the inner half of their ranges.

{table}

## Limits

* One element's structure in a cluster of 60 to 400 atoms. Alloys are named by their positions
  alone.
* Only the seven classes: any other crystal is given one of them. Look at the probability, and at
  the average cell that comes with the answer.
* Weak spots that a lattice forbids weigh much: bcc that loses centre atoms is called simple cubic
  when more than about 55 % of them have gone. `load_convnet("paper")`, trained by the paper's
  recipe from the same seed, changes at about 82 %, close to the paper's Fig. 4b, but bears less
  damage (second column).
* Hydrogen and helium with a tenth of much heavier atoms: their speckle outshines the crystal, and
  the linear softmax reads them better.
* Crystals near the border of two classes (a tetragonal cell a few per cent from cubic) may come
  out as either.
* Do not trust it for surfaces, molecules, liquids (refused where they are recognised), finite
  clusters (refused), crystals of more than about 40 atoms a primitive cell that lost half of their
  atoms, and displacements of more than a tenth of the bond length.
"""


def main(folder):
    parameters = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    for recipe, name in zip(RECIPES, WEIGHTS.values(), strict=False):  # the linear one stays there
        shipped = build_convnet()  # without the optimiser's memory
        shipped.set_weights(finished_network(folder, recipe).get_weights())
        shipped.save_weights(DATA / name)
    (DATA / "results").mkdir(exist_ok=True)
    for name in RESULTS:
        shutil.copy(folder / name, DATA / "results" / name)
    record = make_record(folder, parameters)
    (DATA / "convnet.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (DATA / "MODEL_CARD.md").write_text(make_card(folder, record), encoding="utf-8")


def make_record(folder, parameters):
    with (folder / "training.csv").open(encoding="utf-8") as file:
        epochs = [row for row in csv.DictReader(file) if row["network"] == SHIPPED.name]
    return {
        "command": "crystutor reproduce table1 "
        f"--size {parameters['size']} --seed {parameters['seed']} --out build/table1",
        "draw seed": parameters["seed"] + 1,
        "training seed": parameters["seed"],
        "crystals": round(SHIPPED.crystals * parameters["size"]),
        "epochs": SHIPPED.epochs,
        "last epochs on the paper's variety": {
            "epochs": FINISH_EPOCHS,
            "crystals": round(FINISH_SHARE * SHIPPED.crystals * parameters["size"]),
            "learning rate": FINISH_RATE,
        },
        "variety": vars(VARIETY),
        f"after {SHIPPED.epochs} epochs": {
            name: float(value)
            for name, value in epochs[SHIPPED.epochs - 1].items()
            if name not in ("network", "epoch")
        },
        "seconds": json.loads((folder / "seconds.json").read_text(encoding="utf-8")),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in (*PACKAGES, *PEER_PACKAGES)},
    }


def make_card(folder, record):
    return CARD.format(
        **record["variety"],
        command=record["command"],
        python=record["python"],
        packages=", ".join(f"{name} {number}" for name, number in record["packages"].items()),
        crystals=record["crystals"],
        draw_seed=record["draw seed"],
        epochs=record["epochs"],
        n_enumerated=sum(prototype.kind == "enumerated" for prototype in PROTOTYPES.values()),
        finish_epochs=FINISH_EPOCHS,
        finish_crystals=record["last epochs on the paper's variety"]["crystals"],
        finish_rate=FINISH_RATE,
        validation=record[f"after {SHIPPED.epochs} epochs"]["val_accuracy"],
        choice_crystals=CHOICE_CRYSTALS,
        choice_share=CHOICE_SHARE,
        choices=(folder / "choices.md").read_text(encoding="utf-8"),
        table=(folder / "table1.md").read_text(encoding="utf-8"),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
