"""What predict says of convolutional nets: verdicts, plain data, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.failure_modes import Thresholds
from theory.patches import conditional_second_moment
from theory.prediction import predict
from theory.reals import as_float
from theory.values import Bounded


def test_failure_of_the_spread_is_certain_excluded_or_undecided():
    net = Convolutional([3] + [16] * 10, kernel=3, positions=[32, 32], padding="zero")
    last = predict(net).layers[-1]
    second, mean = last.moments[1], last.moments[0].number
    low, high = (as_float(end / mean**2) for end in (second.lower, second.upper))
    assert 10 < low < high < 16
    for threshold, verdict in [(10, True), ((low + high) / 2, None), (16, False)]:
        judged = predict(net, thresholds=Thresholds(fm2=threshold)).failure_modes
        assert judged.fm2.fails is verdict
        assert judged.fm1.fails is False
    assert predict(net).failure_modes.fm2.worst_layer == 10


def test_the_record_is_plain_data():
    small = Convolutional([2, 3, 3], kernel=3, positions=[3, 4], padding="zero", input=range(24))
    large = small.replaced(positions=[9, 9], input=None)
    around = small.replaced(padding="circular", groups=1)
    for net in (small, large, around):
        told = json.loads(json.dumps(predict(net).to_dict()))
        assert told["layers"][2]["moments"]["2"]["bounded"]
        assert told["layers"][2]["variance"] is None
        assert told["details"]["padding"] == net.padding
    assert np.shape(predict(small).details["per_position_mean"]) == (3, 4)
    assert set(predict(large).details["per_position_mean"]) == {"corner", "centre", "minimum", "maximum"}
    assert isinstance(predict(around).details["empirical_variance"], Bounded)


def test_depth_one_is_no_longer_bounded():
    net = Convolutional([1, 4], kernel=3, positions=6, padding="zero", input=[1, -2, 3, 0, 1, 5])
    (_, last) = predict(net).layers
    assert last.moments[1].ball.overlaps(conditional_second_moment(net.layers[0], net.input).ball)
    assert last.variance.ball > 0


def test_zero_inputs_stay_zero():
    net = Convolutional([1, 4, 4], kernel=3, positions=6, padding="zero", input=[0] * 6)
    assert [m.number for m in predict(net).layers[-1].moments] == [0, 0]
    assert predict(net).failure_modes.fm2.fails is None


SMALL = Convolutional([1, 2, 1], kernel=2, positions=3, padding="zero")

BAD = {
    "order 3": (lambda: predict(SMALL, 3), "order 3 of a convolutional net"),
    "infinite kurtosis": (
        lambda: predict(Convolutional([1, 2], kernel=2, positions=3, weights="student_t:3", padding="zero")),
        "--order 1",
    ),
    "smooth": (
        lambda: predict(Convolutional([1, 2], kernel=2, positions=3, activation="tanh", variance_gain=1)),
        "not piecewise linear",
    ),
    "too long": (
        lambda: predict(Convolutional([1] + [2] * 9, kernel=2, positions=10**6, padding="zero")),
        "would take too long",
    ),
    "activations": (lambda: conditional_second_moment(SMALL.layers[0], [1]), "give 3"),
    "law": (
        lambda: conditional_second_moment(SMALL.replaced(weights="uniform").layers[0], [1, 2, 3]),
        "normal weights only",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_covered_is_refused_with_one_line(name):
    call, piece = BAD[name]
    with pytest.raises(SpecError) as caught:
        call()
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)
