"""Recipes: how each network of Table 1 and of the ablation is trained."""

from dataclasses import dataclass, replace
from functools import partial

from crystutor.training.random_crystals import PAPER_VARIETY, SHIPPED_VARIETY

FINE_TUNING_SIZE, FINE_TUNING_EPOCHS, FINE_TUNING_RATE = 0.5, 2, 3e-4  # size over the training's
FINE_TUNING_FILM = 20.0  # heavy atoms among hydrogen's scatter as diffusely as a thick film
CALIBRATION_SIZE = 0.025  # crystals, each damaged at every level, over those of the run
PAPER_IMAGES = 2000  # per level, for the network of the paper's recipe
ABLATION_IMAGES = 280  # per level, for each network of the ablation
ABLATION_SIZE = 0.125  # training crystals of the ablation over those of the run
_WIDE = replace(
    PAPER_VARIETY,
    kind_shares=SHIPPED_VARIETY.kind_shares,
    parameter_spread=SHIPPED_VARIETY.parameter_spread,
)
_SHAPED = replace(
    _WIDE,
    n_atoms=SHIPPED_VARIETY.n_atoms,
    edge_spread=SHIPPED_VARIETY.edge_spread,
    ball_share=SHIPPED_VARIETY.ball_share,
)
VARIETIES = {
    "paper": PAPER_VARIETY,
    "wide": _WIDE,
    "shaped": _SHAPED,
    "scaled": replace(SHIPPED_VARIETY, film=0.0, grain=0.0),
    "filmed": replace(SHIPPED_VARIETY, grain=0.0),
    "shipped": SHIPPED_VARIETY,
    "fine-tuning": replace(
        PAPER_VARIETY,
        vacancies=SHIPPED_VARIETY.vacancies,
        displacement=SHIPPED_VARIETY.displacement,
        film=FINE_TUNING_FILM,
    ),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    name : name of the network in the tables
    variety : variety of the crystals, a key of `VARIETIES`
    relative_size : number of crystals over the size of the run
    epochs : number of passes
    cosine : whether the learning rate falls along half a cosine
    linear : whether the network is one linear layer with a softmax
    fine_tuned : whether two epochs at a small rate follow, on half as many crystals of the paper's
        kind, at mistaken scales and with films, and on a quarter of the first ones
    calibrated : whether a temperature follows, see `crystutor.training.calibration`
    max_images_per_level : largest number of damaged crystals that it classifies at each level
    ablation : whether it belongs to the ablation, where each network has one change more than the
        one before
    weights : key of `crystutor.convnet.WEIGHTS`, if the network ships with the package
    """

    name: str
    variety: str
    relative_size: float
    epochs: int = 5
    cosine: bool = False
    linear: bool = False
    fine_tuned: bool = False
    calibrated: bool = False
    max_images_per_level: int | None = None
    ablation: bool = False
    weights: str | None = None

    @property
    def folder(self) -> str:
        """Folder of the network before fine-tuning; recipes with the same training share it."""
        kind = "linear" if self.linear else "convnet"
        rate = "cosine" if self.cosine else "constant"
        return f"{kind}_{self.variety}_{self.relative_size:g}_{self.epochs}_epochs_{rate}"

    @property
    def fine_tuned_folder(self) -> str:
        """Folder of the network after fine-tuning."""
        return f"{self.folder}_fine_tuned"


SHIPPED = Recipe(
    "ConvNet",
    "shipped",
    1.5,
    epochs=6,
    cosine=True,
    fine_tuned=True,
    calibrated=True,
    weights="shipped",
)
_ablation = partial(
    Recipe, relative_size=ABLATION_SIZE, max_images_per_level=ABLATION_IMAGES, ablation=True
)
RECIPES = (
    SHIPPED,
    Recipe(
        "ConvNet, paper's recipe",
        "paper",
        1.0,
        max_images_per_level=PAPER_IMAGES,
        weights="paper",
    ),
    replace(SHIPPED, name="linear softmax", linear=True, calibrated=False, weights=None),
    _ablation("paper's recipe", "paper"),
    _ablation("+ compounds, hypothetical prototypes, full ranges", "wide"),
    _ablation("+ any size, shape and order of axes", "shaped"),
    _ablation("+ mistaken scale", "scaled"),
    _ablation("+ amorphous film", "filmed"),
    _ablation("+ foreign grain", "shipped"),
    _ablation("+ falling learning rate", "shipped", cosine=True),
    _ablation("+ fine-tuning on the paper's crystals", "shipped", cosine=True, fine_tuned=True),
)
ABLATIONS = tuple(recipe.name for recipe in RECIPES if recipe.ablation)
