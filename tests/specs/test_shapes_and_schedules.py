"""Residual and convolutional nets at the door: each refusal beside its nearest neighbour that is accepted.

The neighbour is the mutant: a door that is too narrow refuses it, and a door too wide takes the bad one.
"""

from __future__ import annotations

from functools import partial

import pytest
from flint import fmpq

from theory.convolutional import Convolutional
from theory.correlation import cosine_of, infinite_width_cosines
from theory.errors import SpecError
from theory.network import FullyConnected
from theory.residual import Residual
from theory.schedules import scales_from_text, schedule

LONG = "1" * 2_000_000

RESIDUAL = {
    "an output that is neither": (
        {"branch_output": "tanh"},
        {"branch_output": "linear"},
        "unknown branch output 'tanh'",
    ),
    "scales that are a number": ({"scales": 0.5}, {"scales": [0.5]}, "scales is a sequence such as"),
    "no blocks": ({"scales": []}, {"scales": [0]}, "scales needs at least one block"),
    "a negative scale": ({"scales": [1, -1]}, {"scales": [1, 0]}, "the scale of block 2 is -1"),
    "no branch": ({"branch_widths": None}, {"branch_widths": [4]}, "needs the hidden widths of its branch"),
    "an empty branch": ({"branch_widths": []}, {"branch_widths": [1]}, "at least one hidden layer"),
    "more branches than scales": (
        {"branch_widths": [[2], [3]]},
        {"branch_widths": [[2], [3]], "scales": [1, 1]},
        "2 modules are given for 1 scales",
    ),
    "a module without end": (
        {"branch_widths": None, "modules": [[3]]},
        {"branch_widths": None, "modules": [[5, 3]]},
        "a module lists its hidden widths and its last one",
    ),
    "a module that ends elsewhere": (
        {"branch_widths": None, "modules": [[5, 4]]},
        {"branch_widths": None, "modules": [[4, 3]]},
        "a module ends at width 4, but the trunk has width 3",
    ),
    "branch and modules": (
        {"modules": [[5, 3]]},
        {"modules": [[5, 3]], "branch_widths": None},
        "or its modules, not both",
    ),
}

CONVOLUTIONAL = {
    "a kernel past the border": ({"kernel": 5}, {"kernel": 4}, "the kernel reaches over 5 positions"),
    "an unknown padding": ({"padding": "same"}, {"padding": "zero"}, "unknown padding 'same'"),
    "too many neurons": (
        {"positions": [10**6, 10**6]},
        {"positions": [100, 100]},
        "neurons; take fewer positions",
    ),
    "no channels": ({"channels": [2, 0]}, {"channels": [2, 1]}, "channels c_0,...,c_d such as 3,16x4: c_1"),
    "a kernel for an axis that is not": (
        {"kernel": [1, 1]},
        {"kernel": [1, 1], "positions": [4, 1]},
        "as many as there are axes (1)",
    ),
    "three axes": ({"positions": [2, 2, 2]}, {"positions": [2, 2], "kernel": 2}, "or two for images"),
    "a kernel of nothing": ({"kernel": 0}, {"kernel": 1}, "kernel must be whole numbers from 1"),
    "positions that are true": ({"positions": True}, {"positions": 3}, "positions must be whole numbers"),
    "groups that do not divide": ({"groups": 4}, {"groups": 2}, "groups of layer 1 is 4"),
    "groups in halves": ({"groups": 0.5}, {"groups": 1}, "groups must be a whole number of at least 1"),
}

CALLS = {
    "a schedule without blocks": (partial(schedule, "1/L", 0), partial(schedule, "1/L", 1), "from 1 to"),
    "no schedule": (partial(schedule, "1/M", 2), partial(schedule, "1/L", 2), "'1/M' is no schedule"),
    "a base that grows": (
        partial(schedule, "geometric:3/2", 2),
        partial(schedule, "geometric:1", 2),
        "lies in [0, 1], not 3/2",
    ),
    "scales without end": (partial(scales_from_text, LONG), partial(scales_from_text, "1"), "use a file"),
    "too many blocks": (
        partial(scales_from_text, "1x9999999"),
        partial(scales_from_text, "1x99"),
        "the depth limit",
    ),
    "no times": (partial(scales_from_text, "1x0"), partial(scales_from_text, "1x1"), "0 times; leave it out"),
    "a schedule that does not end": (
        partial(scales_from_text, "1/L"),
        partial(scales_from_text, "1/Lx1"),
        "needs its number of blocks, such as 1/Lx50",
    ),
    "an imaginary scale": (
        partial(scales_from_text, "sqrt(-1)"),
        partial(scales_from_text, "sqrt(0)"),
        "at least 0 and real",
    ),
    "inputs of two nets": (
        partial(cosine_of, [1, 2], [1]),
        partial(cosine_of, [1, 2], [1, 0]),
        "as many coordinates, not 2 and 1",
    ),
    "no direction": (partial(cosine_of, [0, 0], [1, 0]), partial(cosine_of, [0, 1], [1, 0]), "of length 0"),
    "angles with biases": (
        partial(infinite_width_cosines, FullyConnected([2, 3], bias_variance=1), [1, 0], [0, 1]),
        partial(infinite_width_cosines, FullyConnected([2, 3]), [1, 0], [0, 1]),
        "nets without biases",
    ),
}


def residual(options):
    return Residual(**{"width": 3, "scales": [1], "branch_widths": [2]} | options)


def convolutional(options):
    return Convolutional(**{"channels": [2, 2], "kernel": 2, "positions": 4} | options)


CASES = CALLS | {
    f"{kind}: {name}": (partial(made, bad), partial(made, good), piece)
    for kind, made, table in (
        ("residual", residual, RESIDUAL),
        ("convolutional", convolutional, CONVOLUTIONAL),
    )
    for name, (bad, good, piece) in table.items()
}


@pytest.mark.parametrize(("bad", "good", "piece"), CASES.values(), ids=CASES)
def test_the_bad_one_is_refused_in_one_line_and_its_neighbour_accepted(bad, good, piece):
    with pytest.raises(SpecError) as caught:
        bad()
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)
    good()


def test_named_scales_by_hand():
    """sqrt(9/4) = 3/2; three blocks of 1/L are 1/3 each; 1/2, 1/4. Mutants: another root, L, base."""
    assert scales_from_text("sqrt(9/4)x2") == [fmpq(3, 2)] * 2 != scales_from_text("sqrt(9)x2")
    assert scales_from_text("1/Lx3") == [fmpq(1, 3)] * 3 != scales_from_text("1/Lx2,0")
    assert scales_from_text("geometric:1/2x2") == [fmpq(1, 2), fmpq(1, 4)] != schedule("geometric:1/3", 2)
