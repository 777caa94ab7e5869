"""Records as readers meet them outside of the command line: in notebooks, as JSON, as floats."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq

from actlen import Convolutional, FullyConnected, predict
from theory.errors import SpecError
from theory.precision import at_precision
from theory.schedule_table import compared_schedules
from theory.values import Enclosed, Exact, Floating


def cells(prediction):
    return re.findall(r"<td>(.*?)</td>", prediction._repr_html_())


def test_a_notebook_shows_a_row_for_each_layer():
    """M_0 = 1 and E M_1^2 = 1 + 5/4; a mutant net has another width in its row."""
    assert cells(predict(FullyConnected([2, 4]))) == ["0", "2", "1", "1", "1", "4", "1", "2.25"]
    assert cells(predict(FullyConnected([2, 5])))[4:] == ["1", "5", "1", "2"]


def test_a_notebook_shows_both_bounds_where_no_number_is_known():
    net = Convolutional([1, 2, 2], kernel=2, positions=3, input=[1, 2, 3])
    last = predict(net).layers[-1].moments[1]
    assert last.lower < last.upper
    assert cells(predict(net))[-1] == f"{float(last.lower):.6g} to {float(last.upper):.6g}"


LONG = Exact(fmpq(10**200 + 1, 3**400))


def test_long_fractions_become_bounds_that_hold_them_unless_all_digits_are_asked():
    short = LONG.to_dict(exact_digits=10)
    assert "exact" not in short
    assert fmpq(*_fraction(short["lower"])) <= LONG.number <= fmpq(*_fraction(short["upper"]))
    assert fmpq(*map(int, LONG.to_dict(exact_digits=None)["exact"].split("/"))) == LONG.number


def _fraction(decimal):
    return Fraction(decimal).as_integer_ratio()


def test_floating_numbers_say_so_and_are_valid_json():
    """JSON knows no infinity: it becomes null, beside its logarithm."""
    value = Floating(2.0, 1e-15)
    assert float(value) == 2 != float(Floating(3.0, 1e-15))
    assert value.to_dict() == {"value": 2.0, "log": math.log(2), "floating": True, "relative_error": 1e-15}
    assert json.dumps(Floating(math.inf, 0.0).to_dict()["value"], allow_nan=False) == "null"
    assert Floating(0.0, 0.0).log is None


def test_a_ball_that_never_sharpens_is_refused_and_one_that_does_is_not():
    """The mutant rounds at 53 bits whatever the precision."""

    def rounded():
        with ctx.workprec(53):
            return Enclosed(arb(2).sqrt())

    found = at_precision(lambda: Enclosed(arb(2).sqrt()), lambda value: [value], 30)
    assert found.ball.rel_accuracy_bits() > 99
    with pytest.raises(SpecError, match="do not give 30 digits"):
        at_precision(rounded, lambda value: [value], 30)


def test_rows_of_the_table_of_schedules_are_json():
    """sum eta^2 = 1/10 + ...: ten blocks of 1/L and a linear output give (1 + 1/100)^10."""
    rows = [json.loads(json.dumps(row.to_dict())) for row in compared_schedules(blocks=[10])]
    (row,) = (r for r in rows if (r["schedule"], r["branch_output"]) == ("1/L", "linear"))
    assert row["blocks"] == 10
    assert row["mean"]["value"] == pytest.approx(1.01**10, rel=1e-12)
    assert row["mean"]["value"] != pytest.approx(1.1**10, rel=1e-3)
