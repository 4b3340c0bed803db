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
    assert curve.picture.value[:4] == b"\x89PNG"
    ax = curve.plot(Figure().subplots())
    assert len(ax.lines) == 2 and ax.get_title() == "a test"
