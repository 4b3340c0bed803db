"""Put the network and the results of a run of `crystutor reproduce table1` into the package.

python tools/ship_results.py build/table1
"""

import json
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from crystutor import PROTOTYPES
from crystutor.convnet import WEIGHTS, build_convnet
from crystutor.table1.baselines import BASELINES
from crystutor.table1.recipes import (
    ABLATION_IMAGES,
    ABLATION_SIZE,
    CALIBRATION_SIZE,
    FINE_TUNING_EPOCHS,
    FINE_TUNING_FILM,
    FINE_TUNING_RATE,
    FINE_TUNING_SIZE,
    RECIPES,
    SHIPPED,
)
from crystutor.table1.report import load_table
from crystutor.table1.reproduce import finished_network, temperature_of
from crystutor.table1.run_folder import read_parameters
from crystutor.training.calibration import BINS
from crystutor.training.random_crystals import SHIPPED_VARIETY

DATA = Path(__file__).parents[1] / "crystutor" / "data"
PACKAGES = ("numpy", "scipy", "spglib", "gemmi", "pymatgen", "ase", "keras", "tensorflow-cpu")
BASELINE_PACKAGES = sorted({b.package for b in BASELINES if b.is_installed} - {"spglib"})
RESULTS = (
    "table1.csv",
    "table1.md",
    "table1.png",
    "confusion.csv",
    "training.csv",
    "ablation.md",
    "calibration.csv",
    "calibration.md",
    "witnesses.md",
)

CARD = """# Model card: the shipped network

This is the convolutional network of Table 2 of A. Ziletti et al., Nat. Commun. 9, 2775 (2018), with
365,719 parameters. It turns a diffraction fingerprint (64, 64, 3) into the probabilities of seven
crystal classes. Licence: MIT. It was made by

    {command}
    python tools/ship_results.py build/table1

with Python {python} and {packages}.

## Data

{crystals:,} perfect crystals, equally many of each class, sampled with seed {sampling_seed} from
the package's own prototypes over the full ranges of their parameters:
{kind_shares[published]:.0%} from published ones, {kind_shares[compound]:.0%} from the places of
{n_compounds} well-known compounds, all atoms alike, {kind_shares[hypothetical]:.0%} from named
hypothetical ones, {kind_shares[enumerated]:.0%} from {n_enumerated:,} enumerated ones, elements H
to Bi. There is no defective crystal among them, no structure of any database, and none of the
crystals of the tables below. A tenth of them is the validation set.

## Recipe

{epochs} epochs, batches of 32, Adam from 1e-3 along half a cosine, cross-entropy. Fine-tuning:
{fine_tuning_epochs} epochs from {fine_tuning_rate} on {fine_tuning_crystals:,} crystals of the
paper's kind (published prototypes, inner half of the ranges, 250 atoms, mistaken scale, films of
weight up to {fine_tuning_film:g}; none of those of the tables), and on half as many of the first.
Calibration: the logits are divided by a temperature of {temperature:.3f}. It gives the lowest
cross-entropy on {calibration_crystals} other crystals, each damaged at all levels of the tables.
What differs from the paper, and why:

| difference | value | reason |
| --- | --- | --- |
| compounds, hypothetical prototypes | {unpublished:.0%} | the published ones are too few |
| nearly body-centred simple cubic | left out | weak forbidden spots may be a foreign grain's |
| size of the clusters | {n_atoms[0]} to {n_atoms[1]} atoms | real clusters are cut in many ways |
| edges | stretched by a factor exp(N(0, {edge_spread})) | the same, with edges in any order |
| shape of the clusters | {ball_share:.0%} balls, the others blocks | windows of larger samples |
| scale | mean nearest-neighbour distance of a damaged copy | defects change it, by class |
| amorphous film | of any element, weight 0 to {film} in two thirds | speckle means nothing |
| foreign grain | of any class, weight 0 to {grain} in three fifths | nor do spots out of place |
| learning rate | falls along half a cosine | a smoother end of the training |
| fine-tuning | on crystals of the paper's kind | training ends on the commonest crystals |

The ablation adds them one by one, with {ablation_size:.1%} of the training crystals
(`ablation.md`, {ablation_images} crystals per level, balanced accuracy [%] with its 95 %
interval):

{ablation}

## Results

Balanced accuracy over the classes [%], 95 % interval by Wilson, number of structures; accuracy on
the validation set after the first {epochs} epochs: {validation:.1%} (clusters on amorphous films
included). The crystals of these tables are sampled from the published prototypes, with parameters
from the inner half of their ranges.

{table}

How probable the answers are, and how many are right [%]. "Error" is the expected calibration
error in {bins} bins. Outsiders are published crystals of other space groups, for Spglib at every
tolerance up to 0.1 Å; to name one is wrong.

{calibration}

Network and average structure together, as `classify` asks them, and outsiders with a name [%]:

{witnesses}

## Limits

* It names one element's structure in a cluster of 60 to 400 atoms. Alloys are named by their
  positions alone.
* It knows seven classes only, and names one of them for any crystal. `crystutor.classify` therefore
  asks the average structure as well.
* It calls bcc simple cubic when more than about 77 % of the centre atoms are missing. The training
  decided that: spots of a foreign grain, up to 0.4 of the brightest, mean nothing.
  `load_convnet("paper")`, trained by the paper's recipe from the same seed, changes its answer at
  about 84 %. That network tolerates less damage (second column).
* At 0.2 Å, a seventh of the bonds of light elements, it takes some simple cubic crystals for
  bct141. With a tenth of the atoms substituted, the linear softmax is ahead by one crystal.
* Its probabilities are calibrated for damaged crystals of the seven classes, and for no others.
* Crystals near the border of two classes (a tetragonal cell a few per cent from cubic) may come
  out as either.
* Do not trust it for molecules and liquids (refused where they are recognised), or for surfaces
  and clusters of fewer than about 40 atoms.
* Do not trust it for crystals of more than about 40 atoms per primitive cell that lost half of
  their atoms, or for displacements of more than a tenth of the bond length.
"""


def main(folder):
    for recipe in RECIPES:
        if recipe.weights is not None:
            shipped = build_convnet()  # without the optimiser's memory
            shipped.set_weights(finished_network(folder, recipe).get_weights())
            shipped.save_weights(DATA / WEIGHTS[recipe.weights])
    (DATA / "results").mkdir(exist_ok=True)
    for name in RESULTS:
        shutil.copy(folder / name, DATA / "results" / name)
    record = make_record(folder)
    (DATA / "convnet.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (DATA / "MODEL_CARD.md").write_text(make_card(folder, record), encoding="utf-8")


def make_record(folder):
    """Make the record of how the shipped network was trained."""
    parameters = read_parameters(folder)
    training = load_table(folder / "training.csv")
    epochs = [row for row in training if row["network"] == SHIPPED.name]
    size = SHIPPED.relative_size * parameters["size"]
    return {
        "command": f"crystutor reproduce table1 --size {parameters['size']} "
        f"--baseline-sample {parameters['baseline_sample']} --seed {parameters['seed']} "
        "--out build/table1",
        "sampling seed": parameters["seed"] + 1,
        "training seed": parameters["seed"],
        "crystals": round(size),
        "epochs": SHIPPED.epochs,
        "fine-tuning on the paper's variety": {
            "epochs": FINE_TUNING_EPOCHS,
            "crystals": round(FINE_TUNING_SIZE * size),
            "learning rate": FINE_TUNING_RATE,
        },
        "calibration": {
            "crystals": round(CALIBRATION_SIZE * parameters["size"]),
            "temperature": temperature_of(folder, SHIPPED),
        },
        "variety": vars(SHIPPED_VARIETY),
        f"after {SHIPPED.epochs} epochs": {
            name: value
            for name, value in epochs[SHIPPED.epochs - 1].items()
            if name not in ("network", "epoch")
        },
        "seconds": json.loads((folder / "seconds.json").read_text(encoding="utf-8")),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in (*PACKAGES, *BASELINE_PACKAGES)},
    }


def make_card(folder, record):
    """Make the model card from the record and the tables of the run."""
    kinds = [prototype.kind for prototype in PROTOTYPES.values()]
    return CARD.format(
        **record["variety"],
        command=record["command"],
        python=record["python"],
        packages=", ".join(f"{name} {number}" for name, number in record["packages"].items()),
        crystals=record["crystals"],
        sampling_seed=record["sampling seed"],
        epochs=record["epochs"],
        n_compounds=kinds.count("compound"),
        n_enumerated=kinds.count("enumerated"),
        unpublished=1 - record["variety"]["kind_shares"]["published"],
        temperature=record["calibration"]["temperature"],
        calibration_crystals=record["calibration"]["crystals"],
        bins=BINS,
        fine_tuning_epochs=FINE_TUNING_EPOCHS,
        fine_tuning_crystals=record["fine-tuning on the paper's variety"]["crystals"],
        fine_tuning_rate=FINE_TUNING_RATE,
        fine_tuning_film=FINE_TUNING_FILM,
        validation=record[f"after {SHIPPED.epochs} epochs"]["val_accuracy"],
        ablation_images=ABLATION_IMAGES,
        ablation_size=ABLATION_SIZE,
        ablation=(folder / "ablation.md").read_text(encoding="utf-8"),
        table=(folder / "table1.md").read_text(encoding="utf-8"),
        calibration=(folder / "calibration.md").read_text(encoding="utf-8"),
        witnesses=(folder / "witnesses.md").read_text(encoding="utf-8"),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
