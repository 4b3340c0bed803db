"""A progress bar and the loss curve, live, while a network learns."""

import ipywidgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystutor._keras import keras
from crystutor.arguments import require
from crystutor.explore.panel import to_svg

DRAWN_EVERY = 10  # batches


class LiveCurve(keras.callbacks.Callback):
    """Keras callback that draws the loss while a network is trained.

    Parameters
    ----------
    title
        Title of the figure.

    Attributes
    ----------
    widget : what to display before the training starts
    losses : mean loss of the epoch so far, after each batch
    validation : (number of batches so far, validation loss) after each epoch
    """

    def __init__(self, title: str = "") -> None:
        super().__init__()
        require("title", title, isinstance(title, str), "a text")
        self.title = title
        self.losses: list[float] = []
        self.validation: list[tuple[int, float]] = []
        self.bar = ipywidgets.IntProgress(value=0, description="batches")
        self.picture = ipywidgets.Image(format="svg+xml")
        self.picture.layout = {"max_width": "100%", "max_height": "60vh", "object_fit": "contain"}
        self.widget = ipywidgets.VBox([self.bar, self.picture])
        self.widget.layout.align_items = "flex-start"  # not stretched

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Set the length of the bar."""
        self.bar.max = self.params["epochs"] * self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Move the bar; draw now and then."""
        self.losses.append(float(logs["loss"]))
        self.bar.value = len(self.losses)
        if len(self.losses) % DRAWN_EVERY == 0:
            self._draw()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Add the validation loss, and draw."""
        if "val_loss" in logs:
            self.validation.append((len(self.losses), float(logs["val_loss"])))
        self._draw()

    def plot(self, ax: Axes) -> Axes:
        """Draw the curves into given axes, and return them."""
        batches = range(1, len(self.losses) + 1)
        ax.semilogy(batches, self.losses, color="#0072B2", label="training, mean of the epoch")
        if self.validation:
            ends, losses = zip(*self.validation, strict=True)
            ax.semilogy(ends, losses, "o", color="#D55E00", label="validation")
        ax.set(xlabel="batches", ylabel="loss (cross-entropy)")
        ax.set_title(self.title, pad=30)  # above the legend
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        return ax

    def _draw(self):
        figure = Figure(figsize=(7, 3.9), layout="constrained")
        self.plot(figure.subplots())
        self.picture.value = to_svg(figure)
