import numpy as np
from matplotlib.figure import Figure

from crystutor import LiveCurve, build_linear_softmax, train_convnet


def test_the_curve_grows_with_every_batch():
    rng = np.random.default_rng(1)
    images, labels = rng.random((80, 64, 64, 3), dtype=np.float32), np.arange(80) % 7
    curve = LiveCurve("a test")
    train_convnet(
        images, labels, build_linear_softmax(1), epochs=2, batch_size=8, callbacks=[curve]
    )
    assert curve.bar.value == curve.bar.max == len(curve.losses) == 18  # a tenth is for validation
    assert [batch for batch, _ in curve.validation] == [9, 18]
    assert curve.picture.value[:5] == b"<?xml"
    ax = curve.plot(Figure().subplots())
    assert len(ax.lines) == 2 and ax.get_title() == "a test"


def test_the_legend_leaves_the_curve_free():
    curve = LiveCurve("a title of some forty characters, or so")
    curve.losses, curve.validation = [2.0, 1.0, 0.5], [(3, 0.6)]
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    ax = curve.plot(figure.subplots())
    figure.canvas.draw()
    legend, title = ax.get_legend().get_window_extent(), ax.title.get_window_extent()
    assert ax.get_window_extent().y1 <= legend.y0 < legend.y1 <= title.y0
