"""Single rules of the kernel at the edge of what they accept: judgements written by hand, no whole proof.

Whole proofs reach a rule only through rules that would object earlier; here each condition stands alone.
"""

from __future__ import annotations

import pytest
from rules_by_hand import ABSOLUTE, BIASED, RELU, holds

from proofs_check.kernel import (
    attainment_rules,
    bent_rules,
    bound_rules,
    convolutional_rules,
    data_set_rules,
    layer_facts,
    limit_rules,
    pair_rules,
    residual_rules,
)
from proofs_check.kernel.judgement import length_coefficients
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.render import statement_of
from proofs_check.kernel.residual_render import residual_sayable
from proofs_check.kernel.shape import ProofError, checked_proof
from proofs_check.prover import stored_proof


def layer(given=RELU, length=1, **coefficients):
    """E[M_j^length | a_{j-1}]; keywords p1, p2, ... are the coefficients of partitions, p0 the constant."""
    named = {key[1:].replace("0", "").replace("x", ","): text for key, text in coefficients.items()}
    return {"judgement": "layer", "given": given, "target": {"length": length}, "coefficients": named}


KEPT = layer(p1="1")


# Polynomials.


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("-3*u", {(("u", 1),): -3}),
        ("-u + 2", {(("u", 1),): -1, (): 2}),
        ("2 - u", {(("u", 1),): -1, (): 2}),
        ("u - 2", {(("u", 1),): 1, (): -2}),
        ("-u - 2", {(("u", 1),): -1, (): -2}),
    ],
)
def test_the_sign_of_the_first_monomial_is_its_own(text, terms):
    assert Polynomial.of(text).terms == terms


def test_substitution_leaves_what_does_not_name_the_variable():
    """(x + 1)^2 y + 3 with x = 2: 9 y + 3, and x = 1/2 at no power leaves 3."""
    square = Polynomial.of("x^2*y + 2*x*y + y + 3")
    assert square.substitute("x", Polynomial.of(2)) == Polynomial.of("9*y + 3")
    assert square.substitute("z", Polynomial.of(2)) == square


# Layers.


@pytest.mark.parametrize(
    ("polynomial", "holds_on_unit"),
    [
        ("u", True),
        ("1 - u", True),
        ("1 - u^2", True),
        ("1 - 2*u + u^2", True),
        ("1 - 2*u", False),
        ("-1", False),
        ("u - u^2", True),
        ("u^2 - u", False),
    ],
)
def test_polynomials_that_are_at_least_0_on_the_unit_interval(polynomial, holds_on_unit):
    assert layer_facts._non_negative(Polynomial.of(polynomial), "u") is holds_on_unit


def likely(threshold, chance, given=RELU):
    claim = {"judgement": "likely", "given": given, "threshold": threshold, "chance": chance}
    mean = layer(given, p1="1")
    square = {"judgement": "product", "given": given, "order": 2, "factor": "1 + 5*u"}
    return holds(layer_facts.paley_zygmund, claim, mean, square)


def test_paley_and_zygmund_at_their_number():
    """(1 - t)^2 = chance times the largest factor, 6: t = 1/2 gives 1/24."""
    assert likely("1/2", "1/24")
    assert likely("1/2", "1/25")
    assert not likely("1/2", "1/23")
    assert not likely("0", "1/24")
    assert not likely("1", "1/24")
    assert not likely("1/2", "0")


def test_paley_and_zygmund_need_the_first_two_moments_of_normal_weights_and_no_more():
    assert likely("1/2", "1/24", RELU | {"weights": ["1", "3", "15"]})
    assert likely("1/2", "1/24", RELU | {"weights": ["1", "3", "14"]})
    assert not likely("1/2", "1/24", RELU | {"weights": ["1", "2"]})
    assert not likely("1/2", "1/24", RELU | {"weights": ["1"]})


def test_dying_needs_relu_a_kept_mean_and_one_half():
    claim = {"judgement": "zero", "given": RELU, "assumes": ["atomless_weights"], "per_neuron": "1/2"}
    assert holds(layer_facts.dying, claim, KEPT)
    assert not holds(layer_facts.dying, claim | {"per_neuron": "1/3"}, KEPT)
    assert not holds(layer_facts.dying, claim | {"assumes": []}, KEPT)
    assert not holds(layer_facts.dying, claim, layer(p1="1", p0="1/2*b2"))
    assert not holds(layer_facts.dying, claim | {"given": ABSOLUTE}, layer(ABSOLUTE, p1="1"))


@pytest.mark.parametrize(
    ("term", "rises"),
    [
        ("u", True),
        ("2*u", True),
        ("u^2", True),
        ("u^2 + u^3", True),
        ("-u", False),
        ("1", False),
        ("1 - u", False),
        ("u - u^2", False),
    ],
)
def test_moving_widths_together_lowers_a_convex_sum_alone(term, rises):
    claim = {"judgement": "equal_widths_sum", "given": RELU, "term": term}
    assert holds(layer_facts.exchange_sum, claim) is rises


# Limits.


@pytest.mark.parametrize(
    ("predicate", "premise"),
    [
        (limit_rules._growing, layer(p0="1/2*b2", p1="1")),
        (limit_rules._submartingale, layer(p0="1/2*b2", p1="1")),
        (limit_rules._submartingale, layer(p1="1")),
        (limit_rules._martingale, KEPT),
        (limit_rules._contracting, {"judgement": "root", "given": RELU}),
        (limit_rules._rare, {"judgement": "rare_biases", "given": RELU}),
        (limit_rules._few_biases, {"judgement": "limit", "says": limit_rules.FEW_BIASES, "given": RELU}),
        (limit_rules._overshoot, {"judgement": "overshoot", "given": RELU}),
        (limit_rules._likely, {"judgement": "likely", "given": RELU}),
    ],
)
def test_premises_of_theorems_fit_one_kind_and_one_net(predicate, premise):
    assert predicate(RELU, premise)
    assert not predicate(BIASED, premise)
    assert not predicate(RELU, premise | {"judgement": "sum"})


def test_what_martingales_and_their_neighbours_are_not():
    assert not limit_rules._martingale(RELU, layer(p1="1", p0="1/2*b2"))
    assert not limit_rules._martingale(RELU, layer(p1="2"))
    assert not limit_rules._growing(RELU, KEPT)
    assert not limit_rules._submartingale(RELU, layer(p1="2"))
    assert not limit_rules._submartingale(RELU, layer(p1="1", p0="-1/2*b2"))
    assert not limit_rules._submartingale(RELU, layer(p1="1", p0="m4"))
    says = {"judgement": "limit", "says": limit_rules.CONVERGES, "given": RELU}
    assert not limit_rules._few_biases(RELU, says)


def square_bounded(*factors, **other):
    bound = {
        "judgement": "bound",
        "given": RELU,
        "order": 2,
        "relation": "<=",
        "factors": {"max": [*factors]},
    }
    return limit_rules._bounded_square(RELU, bound | other)


def test_bounds_of_second_moments_that_stay_bounded_with_the_sum_of_1_over_n():
    assert square_bounded("1 + 5*u", "1 - u + 2*u*m4")
    assert not square_bounded("2 + 5*u")
    assert not square_bounded("1 + 5*u", "1 + 2*m4")
    assert not square_bounded("1 + u*h")
    assert not square_bounded("1 + 5*u", order=4)
    assert not square_bounded("1 + 5*u", relation=">=")
    assert not square_bounded("1 + 5*u", given=BIASED)


# Bounds of the empirical variance.


def quarter(lower_factor, square="d - 2*k + 2", weight=("k - 1", "d - k + 1")):
    claim = {"judgement": "quarter_bound", "given": RELU, "square": square}
    middle = {"judgement": "middle_layers", "given": RELU, "weight": list(weight)}
    factors = {"min": [lower_factor]}
    lower = {"judgement": "bound", "given": RELU, "order": 2, "relation": ">=", "factors": factors}
    return holds(bound_rules.quarter, claim, middle, lower)


def test_a_quarter_needs_steps_that_do_not_fall():
    assert quarter("1 + 5*u")
    assert quarter("1")
    assert not quarter("1 - u")
    assert not quarter("1/2 + 5*u")
    assert not quarter("1 + 5*u", square="d - 2*k + 1")


# Two positions, channels.


@pytest.mark.parametrize(
    ("text", "is_zero"),
    [
        ("s*v - 1", True),
        ("s^2 + r^2 - 1", True),
        ("s^3 - s + r^2*s", True),
        ("v^2 - r^2*v^2 - 1", True),
        ("s^3*v - 1 + r^2", True),
        ("s", False),
        ("v - s", False),
        ("s^2 - 1", False),
        ("v - 1", False),
        ("s^3 - s - r^2*s", False),
        ("r*s - r", False),
    ],
)
def test_what_vanishes_where_s_is_the_root_of_1_less_r_squared_and_v_its_inverse(text, is_zero):
    assert pair_rules._vanishes(Polynomial.of(text)) is is_zero


def channels(factor, *sizes):
    claim = {"judgement": "channel_spread", "given": RELU | {"biases": ["0"]}, "factor": factor}
    return holds(pair_rules.channel_identity, claim, widths=[list(pair) for pair in sizes])


def test_channels_are_counted_at_sizes_from_1_to_12_of_two_groups():
    assert channels("u", (2, 1), (2, 2), (2, 12))
    assert not channels("u", (2, 1), (2, 2), (2, 13))
    assert not channels("u", (2, 0), (2, 1), (2, 2))
    assert not channels("u", (2, 1), (2, 2), (3, 3))
    assert not channels("2*u", (2, 1), (2, 2), (2, 3))


def test_covariances_of_squares_need_the_fourth_moment():
    claim = {"judgement": "pair_covariance", "coefficients": {"square": "2", "fourth": "0"}}
    assert holds(pair_rules.pair_identity, claim | {"given": RELU})
    assert not holds(pair_rules.pair_identity, claim | {"given": RELU | {"weights": ["1"]}})
    wrong = claim | {"coefficients": {"square": "2", "fourth": "1"}}
    assert not holds(pair_rules.pair_identity, wrong | {"given": RELU})


@pytest.mark.parametrize("padding", ["zero", "circular"])
@pytest.mark.parametrize("positions", range(1, 7))
def test_how_often_a_position_is_seen_counted_from_its_own_side(positions, padding):
    """Position q is seen by those p with q - p between -(k-1)//2 and k//2, around the circle or not."""
    for kernel in range(1, positions + 1):
        left, right = (kernel - 1) // 2, kernel // 2
        seen = [
            sum(
                (q - p - offset) % positions == 0 if padding == "circular" else q - p == offset
                for p in range(positions)
                for offset in range(-left, right + 1)
            )
            for q in range(positions)
        ]
        assert convolutional_rules._times_seen(positions, kernel, padding) == seen


def circle(*sizes, padding="circular"):
    kind = {"given": RELU, "factor": "g*c1", "padding": padding}
    claim, means = {"judgement": "convolution_mean", **kind}, {"judgement": "convolution_means", **kind}
    return holds(convolutional_rules.around_the_circle, claim, means, widths=[list(size) for size in sizes])


def test_sizes_around_the_circle():
    assert circle((3, 3), (12, 5), (1, 1))
    assert not circle((13, 3))
    assert not circle((3, 3), (2, 3))
    assert not circle((3, 3), (4, 0))
    assert not circle((5, 2))
    assert not circle((3, 3), padding="zero")


def rotated(weights, order=2, biases=("0", "0")):
    given = RELU | {"weights": weights, "biases": list(biases)}
    moments = {"judgement": "product", "given": given, "order": order, "factor": "1 + 5*u"}
    claim = {"judgement": "ratio_law", "given": given, "assumes": ["normal_weights"]}
    return holds(data_set_rules.rotation, claim, moments)


def test_rotations_need_two_moments_of_normal_weights():
    assert rotated(["1", "3"])
    assert rotated(["1", "3", "15"])
    assert not rotated(["1"])
    assert not rotated(["1", "2"])
    assert not rotated(["1", "3"], order=1)
    assert not rotated(["1", "3"], biases=("b2", "b4"))


# Residual nets.


@pytest.mark.parametrize(
    "polynomial, found", [("0", True), ("u*e", True), ("1/2*u", True), ("m4 - 1", True), ("m4 - 2", False)]
)
def test_non_negative_for_every_kurtosis(polynomial, found):
    assert residual_rules._non_negative(Polynomial.of(polynomial)) is found


def test_terms_of_an_order_are_one_multiple_or_rejected():
    """A_11 + A_2 is M^2 (normalised, each ordered pair counted): (1, 1) and (2,) need equal multiples."""
    terms = {p: Polynomial.of(3) * c for p, c in length_coefficients(2).items()}
    assert residual_rules._multiple(terms, 2) == Polynomial.of(3)
    for p in terms:
        with pytest.raises(ProofError):
            residual_rules._multiple(terms | {p: Polynomial.of(5)}, 2)


def test_lengths_are_kept_by_products_of_order_1_and_factor_1():
    product = {"judgement": "product", "order": 1, "factor": "1"}
    assert residual_rules.keeps_the_mean(product)
    for other in ({"judgement": "sum"}, {"order": 2}, {"factor": "2"}):
        assert not residual_rules.keeps_the_mean(product | other)


def test_symbols_that_the_language_can_say():
    assert residual_sayable({"judgement": "block_product", "factor": "1 + u*e*c*s*p*m4"})
    assert residual_sayable({"judgement": "block_product", "factor": "1 + u"})
    assert not residual_sayable({"judgement": "block_product", "factor": "1 + m6"})


def stored(proof, rule):
    """The first step of a stored proof with this rule, and its premises."""
    steps = stored_proof(proof)["steps"]
    step = next(step for step in steps if step["rule"] == rule)
    return step, [steps[i]["concludes"] for i in step.get("from", [])]


@pytest.mark.parametrize("rise", ["-1/2*e", "-1*e", "0"])
def test_means_rise_by_factors_that_are_positive(rise):
    step, (block,) = stored("residual-relu-rising", "rising_mean")
    assert holds(bent_rules.rising_mean, step["concludes"], block)
    falling = step["concludes"] | {"factor": f"1 - {rise[1:]}*c" if rise != "0" else "1"}
    assert holds(bent_rules.rising_mean, falling, block | {"rise": rise}) is (rise == "0")


def test_the_square_of_half_a_root_is_at_least_a_quarter_of_the_gain():
    step, (kept,) = stored("residual-relu-rising", "half_root")
    for square, fits in (("1/2", True), ("3/4", True), ("1", True), ("2/5", False), ("49/100", False)):
        assert holds(bent_rules.half_root, step["concludes"] | {"square": square}, kept) is fits


def test_blocks_are_bounded_on_the_assumptions_of_their_premises():
    step, premises = stored("residual-linear-second-upper", "block_bound")
    claim = step["concludes"]
    assert holds(residual_rules.block_bound, claim, *premises)
    other = claim | {"given": claim["given"] | {"biases": ["b2", "b4"]}}
    assert not holds(residual_rules.block_bound, other, *premises)


def test_blocks_multiply_up_to_order_two():
    """With no terms at all everything else fits at any order."""

    def product(order, kind="product", **more):
        return {"judgement": kind, "given": RELU, "order": order, **more}

    kept, grown = product(1, factor="1"), product(2, factor="1 + 5*u")
    for order, fits in ((1, True), (2, True), (3, False)):
        branch = "1" if order == 1 else "1 + 5*u"
        claim = product(order, "block_product", factor="0", branch=branch)
        premises = (product(order, "block", terms={}), kept, *[grown] * (order - 1))
        assert holds(residual_rules.block_product, claim, *premises) is fits


@pytest.mark.parametrize("weights", [["2", "3"], ["1"], []])
def test_blocks_need_standardised_weights_and_as_many_moments_as_their_order(weights):
    step, _ = stored("residual-linear-second-normal", "block_identity")
    claim = step["concludes"]
    assert claim["order"] == 2
    assert holds(residual_rules.block_identity, claim, widths=step["widths"])
    changed = claim | {"given": claim["given"] | {"weights": weights}}
    assert not holds(residual_rules.block_identity, changed, widths=step["widths"])


def test_blocks_need_as_many_widths_as_their_degree_and_none_beyond_six():
    """What is true of n = 2 alone, 1/2 in the place of 1/n, is caught by the second width that it needs."""
    step, _ = stored("residual-linear-second-normal", "block_identity")
    claim = step["concludes"]
    at_two = claim | {"terms": {p: text.replace("u", "1/2") for p, text in claim["terms"].items()}}
    assert not holds(residual_rules.block_identity, at_two, widths=[[2, 2]])
    assert holds(residual_rules.block_identity, claim, widths=[[2, n] for n in (2, 3, 6)])
    for far in ([7, 4], [2, 7]):
        assert not holds(residual_rules.block_identity, claim, widths=[[2, 2], [2, 3], far])


def test_bent_blocks_are_counted_at_their_trunks():
    for proof in ("residual-relu-upper", "residual-relu-rising"):
        step, premises = stored(proof, "bent_identity")
        assert holds(bent_rules.bent_identity, step["concludes"], *premises)
        for key in ("growth", "cross", "rise"):
            changed = step["concludes"] | {key: step["concludes"][key] + " + e"}
            assert not holds(bent_rules.bent_identity, changed, *premises)


def test_attainment_needs_one_kurtosis():
    """A difference with two roots m4 = +-1 vanishes at 1, but not there alone; one without m4 nowhere."""

    def attained(difference, equal_at="1"):
        claim = {"judgement": "attainment", "given": RELU, "difference": difference, "equal_at": equal_at}
        return holds(attainment_rules.attained, claim, layer(length=2, p1x1="1", p2=f"1 + {difference}"))

    assert attained("u*m4 - u")
    assert not attained("u*m4^2 - u")
    assert not attained("u")
    assert not attained("0")


def test_rates_of_exponential_bounds_in_words():
    """e^{rate/n} above; below log(1 + rate), as 1 + rate u >= (1 + rate)^u on [0, 1]."""
    upper, lower = (
        statement_of(stored_proof(f"exponential-{side}")["steps"][-1]["concludes"])
        for side in ("upper", "lower")
    )
    assert "log(" not in upper
    assert "log(1 + " in lower


# Shape.


def with_step(**changes):
    proof = stored_proof("second-moment-normal")
    proof["steps"][1] |= changes
    return proof


@pytest.mark.parametrize(
    "changes",
    [{"from": [1]}, {"from": [-1]}, {"from": ["0"]}, {"from": [2]}, {"says": "so"}, {"widths": [[1]]}],
)
def test_steps_of_another_shape(changes):
    with pytest.raises(ProofError, match="step 1"):
        checked_proof(with_step(**changes))


def test_steps_may_have_every_key():
    every = {"from": [0], "widths": [[1, 1]], "theorem": "none", "discharges": {"one": [0, "two"]}}
    assert checked_proof(with_step(**every))[1]["theorem"] == "none"


@pytest.mark.parametrize(
    "parts, fits", [([1], True), ([2, 1], True), ([1, 0], False), ([0], False), ([], False)]
)
def test_targets_are_partitions(parts, fits):
    proof = stored_proof("second-moment-normal")
    proof["steps"][0]["concludes"]["target"] = {"augmented": parts}
    if fits:
        checked_proof(proof)
    else:
        with pytest.raises(ProofError, match="partition"):
            checked_proof(proof)
