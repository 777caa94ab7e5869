"""The NumPy reference, with networks that leave nothing to chance, given weights, and scripted draws."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.testing import assert_allclose

from simulate import reference
from simulate.reference import activations, bent, convolved, lengths
from simulate.reference_gradients import backpropagated, gradients, random_matrices
from simulate.samplers import draw
from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.laws import as_law
from theory.network import FullyConnected
from theory.residual import Residual

SIGNS = {"weights": "rademacher", "activation": "abs"}

# Lengths.


def test_signs_and_absolute_values_leave_nothing_to_chance():
    """|2 s a| = 2 |a|: lengths 1, 4, 16. From (3, 4): M_0 = 25/2, then |+-3 +-4| is 7 or 1."""
    found = lengths(FullyConnected([1, 1, 1], variance_gain=4, **SIGNS), 5, 0)
    assert found.tolist() == [[1, 4, 16]] * 5
    found = lengths(FullyConnected([2, 1], variance_gain=2, input=[3, 4], **SIGNS), 40, 0)
    assert set(map(tuple, found.tolist())) == {(12.5, 49.0), (12.5, 1.0)}


@pytest.mark.parametrize(("variance", "ends"), [(1, {1.0, 9.0}), ("1/4", {2.25, 6.25}), (0, {4.0})])
def test_a_bias_is_added_before_the_activation(variance, ends):
    """|2 s + b t|, squared, with b = 1, 1/2 and 0."""
    network = FullyConnected(
        [1, 1], variance_gain=4, bias_variance=variance, bias_weights="rademacher", **SIGNS
    )
    assert set(lengths(network, 40, 0)[:, 1].tolist()) == ends


def test_a_block_adds_its_branch_to_the_trunk():
    """The branch of signs hands |x| back: x + |x|/2 is 3/2 of 1, and half of -1; then 3/2 of 9/4 ..."""
    blocks = {"weights": "rademacher", "activation": "abs", "variance_gain": 1}
    assert lengths(Residual(1, "1/2x2", [1], **blocks), 3, 0).tolist() == [[1, 1.5**2, 1.5**4]] * 3
    [rows] = activations(Residual(1, ["1/2"], [1], input=[-1], **blocks), 3, 0)
    assert rows[1].tolist() == [[-0.5]] * 3


@pytest.mark.parametrize(
    ("room", "sizes"), [(63, [3, 3, 2]), (84, [4, 4]), (10**9, [8]), (1, [1] * 8), (41, [1] * 8)]
)
def test_networks_come_in_blocks_that_fit(monkeypatch, room, sizes):
    """3 -> 4 -> 2: a network takes 12 numbers for its larger matrix and 9 for its activations."""
    monkeypatch.setattr(reference, "_BLOCK_ENTRIES", room)
    network = FullyConnected([3, 4, 2])
    blocks = list(activations(network, 8, 0))
    assert [[a.shape for a in rows] for rows in blocks] == [[(n, 3), (n, 4), (n, 2)] for n in sizes]
    assert lengths(network, 8, 0).shape == (8, 3)


def test_both_references_draw_the_same_weights_from_a_seed():
    """Layer by layer, and nothing for biases that are not there."""
    network = FullyConnected([3, 4, 2], weights="uniform")
    [rows] = activations(network, 5, 3)
    assert_allclose(gradients(network, 5, 3)[0][-1], rows[-1], rtol=1e-12)


def test_every_network_draws_its_own_weights():
    network = FullyConnected([3, 4, 2], activation="linear")
    found = lengths(network, 50, 0)
    assert len(set(found[:, 2].tolist())) == 50
    assert np.array_equal(found, lengths(network, 50, 0))


def test_what_is_no_network_is_refused():
    with pytest.raises(SpecError, match="simulate takes a network"):
        next(activations([3, 4], 1, 0))


# One layer.


def test_bending_by_hand():
    [layer] = FullyConnected([1, 3], activation="leaky_relu:1/4").layers
    assert bent(layer, np.array([-2.0, 0.0, 0.5, 2.0])).tolist() == [-0.5, 0.0, 0.5, 2.0]


@pytest.mark.parametrize(
    ("padding", "sums"), [("circular", [410 + 2, 123, 234, 341]), ("zero", [10 + 2, 123, 234, 340])]
)
def test_a_convolution_of_a_signal_by_hand(padding, sums):
    """100, 10 and 1 times the neighbour before, the place itself and the neighbour beyond, of 1, 2, 3, 4."""
    [layer] = Convolutional([1, 1], kernel=3, positions=4, padding=padding).layers
    weights, signal = np.array([[[[100.0, 10.0, 1.0]]]]), np.array([[[1.0, 2.0, 3.0, 4.0]]])
    assert convolved(layer, weights, signal).tolist() == [[sums]]


def test_a_convolution_of_an_image_by_hand():
    """A kernel of 1 x 2 reaches one to the right: 10 a + b in each row; of 2 x 1 one down, and then 0."""
    image = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    [wide] = Convolutional([1, 1], kernel=[1, 2], positions=[2, 2], padding="zero").layers
    assert convolved(wide, np.array([[[[[10.0, 1.0]]]]]), image).tolist() == [[[[12, 20], [34, 40]]]]
    [high] = Convolutional([1, 1], kernel=[2, 1], positions=[2, 2], padding="zero").layers
    assert convolved(high, np.array([[[[[10.0], [1.0]]]]]), image).tolist() == [[[[13, 24], [30, 40]]]]


def test_groups_and_networks_keep_to_themselves():
    """Two networks, two groups of three channels, one position: an output sees the three of its group."""
    [layer] = Convolutional([6, 2], kernel=1, positions=1, groups=2).layers
    weights = np.array([[[1.0, 10.0, 100.0]] * 2, [[2.0, 0.0, 0.0], [0.0, 0.0, 3.0]]])[..., None]
    signals = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 0.0, 0.0, 0.0, 0.0, 8.0]])[..., None]
    assert convolved(layer, weights, signals)[..., 0].tolist() == [[321, 654], [14, 24]]


def test_a_convolutional_network_of_signs():
    """One channel, kernel 1, gain 4: |2 s a| at every position."""
    network = Convolutional([1, 1, 1], kernel=1, positions=3, variance_gain=4, input=[1, 2, -2], **SIGNS)
    assert lengths(network, 3, 0).tolist() == [[3, 12, 48]] * 3


# Gradients.

MATRICES = [
    np.array([[[1.0, 0.0], [0.0, -1.0], [1.0, -1.0]]]),
    np.array([[[1.0, 2.0, 3.0], [-1.0, 1.0, 5.0]]]),
]


def test_gradients_by_hand():
    """From (1, 1) z_1 = (1, -1, 0), with slopes 1 and 1/4 a_1 = (1, -1/4, 0).

    z_2 = (1/2, -5/4), a_2 = (1/2, -5/16).
    Read out by (8, 16): delta_2 = (8, 4), and W_2^T delta_2 = (4, 20, 44), of which z_1 = 0 passes nothing.
    """
    network = FullyConnected([2, 3, 2], activation="leaky_relu:1/4", variance_gain=1)
    found, deltas = backpropagated(network, MATRICES, np.array([[8.0, 16.0]]))
    assert [a.tolist() for a in found] == [[[1, 1]], [[1, -0.25, 0]], [[0.5, -0.3125]]]
    assert [d.tolist() for d in deltas] == [[[4, 5, 0]], [[8, 4]]]


def test_where_slopes_are_equal_zero_passes_all():
    """Linear, from (2, 2): z_1 = (2, -2, 0), delta_2 = (8, 16), W_2^T delta_2 = (-8, 32, 104)."""
    network = FullyConnected([2, 3, 2], activation="linear", variance_gain=1, input=[2, 2])
    found, deltas = backpropagated(network, MATRICES, np.array([[8.0, 16.0]]))
    assert [a.tolist() for a in found] == [[[2, 2]], [[2, -2, 0]], [[-2, -4]]]
    assert [d.tolist() for d in deltas] == [[[-8, 32, 104]], [[8, 16]]]


def test_there_is_a_matrix_for_every_layer():
    network = FullyConnected([2, 3, 2], variance_gain=1)
    with pytest.raises(ValueError, match="shorter"):
        backpropagated(network, MATRICES[:1], np.ones((1, 3)))


def test_gradients_near_the_kink():
    """z = +-1/2 has the slope of its sign: delta is 1 and 1/4."""
    network = FullyConnected([1, 2], activation="leaky_relu:1/4", variance_gain=1)
    _, [delta] = backpropagated(network, [np.array([[[0.5], [-0.5]]])], np.ones((1, 2)))
    assert delta.tolist() == [[1, 0.25]]


def test_gradients_of_three_layers_are_derivatives():
    """F = v . a_3 of three networks at once: F is linear in each matrix, so sum delta_j z_j = F for all j."""
    network = FullyConnected([2, 3, 4, 5], activation="leaky_relu:1/4", variance_gain=1, input=[1, -2])
    random = np.random.default_rng(1)
    matrices, readout = random_matrices(network, 3, random), random.standard_normal((3, 5))
    found, deltas = backpropagated(network, matrices, readout)
    output = np.sum(found[-1] * readout, axis=1)
    for before, matrix, delta in zip(found, matrices, deltas, strict=False):
        z = np.einsum("bij,bj->bi", matrix, before)
        assert_allclose(np.sum(delta * z, axis=1), output, rtol=1e-12)
    assert_allclose(found[0], [[1, -2]] * 3)


def test_random_gradients_read_out_the_last_layer():
    """Signs of gain 1 at width 1: every delta is a sign; more networks draw more."""
    network = FullyConnected([1, 1, 1], weights="rademacher", activation="linear", variance_gain=1)
    found, deltas = gradients(network, 60, 3, "rademacher")
    assert {float(abs(x)) for a in (*found, *deltas) for x in a.ravel()} == {1.0}
    assert {float(x) for x in deltas[1].ravel()} == {1.0, -1.0}
    assert [d.shape for d in gradients(FullyConnected([2, 3, 5]), 4, 0)[1]] == [(4, 3), (4, 5)]


def test_matrices_have_the_variance_of_their_layer():
    """Signs: each entry is +-sqrt(gain/fan_in)."""
    network = FullyConnected([4, 3, 2], weights="rademacher", variance_gain=[16, 27])
    first, second = random_matrices(network, 20, np.random.default_rng(0))
    assert (first.shape, second.shape) == ((20, 3, 4), (20, 2, 3))
    assert set(np.abs(first).ravel().tolist()) == {2.0}
    assert set(np.abs(second).ravel().tolist()) == {3.0}


def test_biases_have_no_gradients_here():
    with pytest.raises(SpecError, match="set bias_variance=0"):
        gradients(FullyConnected([2, 3], bias_variance=1), 4, 0)


# Draws, from a generator that follows a script.


class Script:
    """Answers each draw with the array of its name, and notes what was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __getattr__(self, name):
        def answer(*asked, **named):
            self.asked.append((name, *asked, *named.values()))
            return np.asarray(self.answers[name])

        return answer


def test_uniform_draws_reach_from_minus_to_plus_the_root_of_three():
    script = Script(random=[0.0, 0.25, 0.5, 1.0])
    root = math.sqrt(3)
    assert_allclose(draw(as_law("uniform"), script, (4,)), [-root, -root / 2, 0, root], atol=1e-15)


def test_signs_from_fair_bits():
    script = Script(integers=[0, 1])
    assert draw(as_law("rademacher"), script, (2,)).tolist() == [-1.0, 1.0]
    assert script.asked == [("integers", 0, 2, (2,))]


def test_laplace_draws_are_centred_and_have_the_scale_of_variance_one():
    """The variance is twice the square of the scale."""
    script = Script(laplace=[0.5])
    assert draw(as_law("laplace"), script, (1,)).tolist() == [0.5]
    [(_, centre, scale, _)] = script.asked
    assert (centre, 2 * scale**2) == (0, pytest.approx(1))


def test_student_draws_are_divided_by_their_deviation():
    """The variance with df degrees of freedom is df/(df - 2): 5/3."""
    script = Script(standard_t=[1.0])
    assert_allclose(draw(as_law("student_t:5"), script, (1,)), [math.sqrt(3 / 5)])
    assert script.asked == [("standard_t", 5.0, (1,))]


def test_normal_draws_are_those_of_the_generator():
    assert draw(as_law("normal"), Script(standard_normal=[0.25]), (1,)).tolist() == [0.25]


def test_finite_draws_have_variance_one():
    """-3, -1, 1, 3 with 1/8, 3/8, 3/8, 1/8: variance 3."""
    script = Script(choice=[7.0])
    assert draw(as_law("finite:-3:1/8,-1:3/8,1:3/8,3:1/8"), script, (1,)).tolist() == [7.0]
    [(_, values, _, chances)] = script.asked
    assert_allclose(values, np.array([-3, -1, 1, 3]) / math.sqrt(3))
    assert_allclose(chances, [1 / 8, 3 / 8, 3 / 8, 1 / 8])


def test_cut_normal_draws_invert_the_distribution_function():
    """0, 1/2 and 1 give the ends and the middle, 1/4 a quantile; by the standard library's normal law.

    Cut at 1 the variance is 1 - 2 phi(1)/(Phi(1) - Phi(-1)).
    """
    normal = NormalDist()
    low, high = normal.cdf(-1), normal.cdf(1)
    deviation = math.sqrt(1 - 2 * normal.pdf(1) / (high - low))
    found = draw(as_law("truncated_normal:1"), Script(random=[0.0, 0.25, 0.5, 1.0]), (4,))
    quarter = normal.inv_cdf(low + (high - low) / 4)
    assert_allclose(found * deviation, [-1, quarter, 0, 1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3)])
def test_orthogonal_draws_by_gram_and_schmidt(shape):
    """Columns of unit length times the root of the longer side, the first along that of the normal matrix.

    Wide matrices are the transposed of long ones, square ones are not transposed. In two copies.
    """
    longer, shorter = max(shape), min(shape)
    normal = np.random.default_rng(4).standard_normal((2, longer, shorter))
    script = Script(standard_normal=normal)
    found = draw(as_law("orthogonal"), script, (2, *shape))
    assert script.asked == [("standard_normal", (2, longer, shorter))]
    assert found.shape == (2, *shape)
    for q, g in zip(found, normal, strict=True):
        columns = q if shape[0] >= shape[1] else q.T
        assert_allclose(columns.T @ columns, longer * np.eye(shorter), atol=1e-12)
        for k in range(shorter):
            rest = g[:, k] - columns[:, :k] @ columns[:, :k].T @ g[:, k] / longer
            assert_allclose(columns[:, k], math.sqrt(longer) * rest / np.linalg.norm(rest), atol=1e-12)
