"""Passes over one layer: bit for bit their Python twins, and within rounding of double precision.

The weights of a pass are read out by feeding it basis vectors with the same streams: a column each,
exactly. With them a layer is done again in double precision. Measured there: nets of 6 layers of 40
neurons, all laws, with biases and leaky ReLU, have M_6 to 9e-7 (rms 3e-7); what is systematic is the
rounding of the scales to single precision, at most 1.2e-7 a layer. Without biases 10,000 layers add
at most 2e-5 to log M. An earlier error may grow where a net all but cancels: half of 40 nets keep M to
3e-4 in all 10,000 layers, the worst to 1.4e-2, where one standard deviation of log M is near 100.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from weight_streams import LAWS, states_of

from simulate.kernels import samplers
from simulate.kernels.activation import activate
from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.layer import BLOCK, padded, weight_passes
from simulate.kernels.samplers import HALF_WORDS
from simulate.kernels.streams import LANES, fill_words
from simulate.law_plan import law_plan
from simulate.plan import plan
from simulate.population import Population
from theory.laws import as_law
from theory.network import FullyConnected

UNIT = 2.0**-24
f32 = np.float32


def sums_of(law, inputs, width, states, weight_pass=None):
    """Raw sums of fresh weights times inputs (R, m); the states go on."""
    rows = np.zeros((len(inputs), padded(inputs.shape[1])), f32)
    rows[:, : inputs.shape[1]] = inputs
    sums = np.full((len(inputs), padded(width)), np.nan, f32)
    chosen = weight_pass or weight_passes[law.kernel]
    chosen(rows, inputs.shape[1], states, law.parameters, COEFFICIENTS, sums)
    return sums


def raw_weights(law, states, fan_in, width):
    """The weights (R, width, fan_in) that a pass would draw, exactly, and the states after it."""
    streams = np.repeat(states, fan_in, axis=0)
    columns = sums_of(law, np.tile(np.eye(fan_in, dtype=f32), (len(states), 1)), width, streams)
    matrix = columns.reshape(len(states), fan_in, -1)[:, :, :width].transpose(0, 2, 1)
    return matrix.astype(float), streams[::fan_in]


def same_bits(x, y):
    return np.array_equal(x.view(np.uint32), y.view(np.uint32))


def test_every_pass_has_a_law():
    assert set(weight_passes) == {*LAWS, "orthogonal"}  # the latter in test_orthogonal_simulated.py
    assert all(law_plan(as_law(name)).kernel == kernel for kernel, name in LAWS.items())


@pytest.mark.parametrize("fan_in, width", [(1, 1), (9, 17), (BLOCK + 5, 3), (2 * BLOCK, 2)])
@pytest.mark.parametrize("kernel", LAWS)
def test_compiled_passes_are_their_python_twins(kernel, fan_in, width):
    """Sums and states left behind, bit for bit. Mutant: inputs changed in their last bits.

    Not whole multiples of 4, 8 or 16 inputs, of a block, of 16 outputs; the twin also checks every index.
    """
    law = law_plan(as_law(LAWS[kernel]))
    inputs = np.random.default_rng(5).normal(size=(2, fan_in)).astype(f32)
    states, twin_states = states_of(2), states_of(2)
    sums = sums_of(law, inputs, width, states)
    with np.errstate(over="ignore"):
        twin = sums_of(law, inputs, width, twin_states, weight_passes[kernel].py_func)
    assert same_bits(sums, twin)
    assert np.array_equal(states, twin_states)
    assert not np.array_equal(states, states_of(2))
    inputs = np.nextafter(inputs, f32(9))
    assert not same_bits(sums_of(law, inputs, width, states_of(2)), twin)


def words_a_tile(kernel, fan_in):
    """How many words a lane draws for one output: 8, 16 or, through the buffer, 4 inputs at a time."""
    if kernel == "rademacher":
        return -(-fan_in // 16)
    if kernel == "uniform":
        return -(-fan_in // 8) * 4
    return -(-fan_in // 4) * 2 * HALF_WORDS[kernel]


def weights_from_words(kernel, words, fan_in):
    """The weights (fan_in, LANES) of one tile, straight from its words (count, LANES), in plain Python."""
    if kernel == "uniform":
        halves = np.stack(samplers.signed_halves(words), axis=1)
        return halves.reshape(-1, LANES)[:fan_in]
    if kernel == "rademacher":
        bits = np.repeat(words, 16, axis=0)[:fan_in]
        return 1 - 2.0 * (bits >> (31 - np.arange(fan_in, dtype=np.uint32) % 16)[:, None] & 1)
    law, rows, step = law_plan(as_law(LAWS[kernel])), [], BLOCK * HALF_WORDS[kernel] // 2
    for start in range(0, len(words), step):
        block = words[start : start + step].ravel()
        weights = np.empty(block.size * 2 // HALF_WORDS[kernel], f32)
        with np.errstate(over="ignore"):
            getattr(samplers, kernel)(block, weights, law.parameters, COEFFICIENTS)
        rows.append(weights.reshape(-1, LANES))
    return np.concatenate(rows)[:fan_in]


@pytest.mark.parametrize("fan_in", [1, 5, 17, BLOCK + 3, 2 * BLOCK])
@pytest.mark.parametrize("kernel", LAWS)
def test_weights_are_those_of_the_words(kernel, fan_in):
    """Column j of lane i is weight j of that lane, drawn from its own words: none is used twice or lost.

    Two tiles, whole blocks and parts of 4, 8 or 16 inputs; the state left behind is that after all their
    words. Mutants: another lane; the tiles swapped; two words fewer.
    """
    law, states = law_plan(as_law(LAWS[kernel])), states_of(1, seed=8)
    matrix, after = raw_weights(law, states, fan_in, 2 * LANES)
    words = np.empty((1, 2 * words_a_tile(kernel, fan_in) * LANES), np.uint32)
    fewer = states.copy()
    fill_words(states, words)
    fill_words(fewer, words[:, 2 * LANES :].copy())
    assert np.array_equal(after, states)
    assert not np.array_equal(after, fewer)
    tiles = [weights_from_words(kernel, w, fan_in) for w in np.split(words.reshape(-1, LANES), 2)]
    expected = np.concatenate(tiles, axis=1).T
    assert np.array_equal(matrix[0], expected)
    assert not np.array_equal(matrix[0], np.roll(expected, 1, axis=0))
    assert not np.array_equal(matrix[0], np.roll(expected, LANES, axis=0))


@pytest.mark.parametrize("fan_in, width", [(3, 16), (40, 17), (BLOCK * 3 + 1, 33)])
@pytest.mark.parametrize("kernel", LAWS)
def test_a_pass_is_a_product_within_rounding(kernel, fan_in, width):
    """|sum - W a| <= m 2^-24 sum |W_ij a_j|: each of m products and sums rounds once, or fewer times.

    The inputs fall as 2^-j, so mutants show: one column off by 1e-5, when m = 3; two inputs swapped;
    the last input but 3 dropped (2^-8 of the sum is far above the bound of 2^-17).
    """
    law, states = law_plan(as_law(LAWS[kernel])), states_of(5, seed=2)
    signs = np.random.default_rng(6).choice([-1.0, 1.0], (5, fan_in))
    inputs = (signs * 2.0 ** -(np.arange(fan_in) % 9) * 1.1).astype(f32)
    matrix, after = raw_weights(law, states, fan_in, width)
    sums = sums_of(law, inputs, width, states)[:, :width]
    assert np.array_equal(states, after)

    def agrees(weights, values=inputs):
        exact = np.einsum("rij,rj->ri", weights, values.astype(float))
        bound = fan_in * UNIT * np.einsum("rij,rj->ri", np.abs(weights), np.abs(values))
        return bool(np.all(np.abs(sums - exact) <= bound))

    assert agrees(matrix)
    assert not agrees(np.roll(matrix, 1, axis=2))
    assert not agrees(matrix, np.where(np.arange(fan_in) == fan_in - 3, 0, inputs))
    assert fan_in > 3 or not agrees(matrix * np.where(np.arange(fan_in) == 1, 1 + 1e-5, 1))


def activated(sums, width, biases, weight, bias, slopes, exponents, lengths, function=activate):
    """Copies after `activate`; weight and bias are (scale, exponent), slopes plain numbers."""
    sums, exponents, lengths = sums.copy(), np.array(exponents, np.int64), np.array(lengths, float)
    function(sums, width, *weight, biases, *bias, tuple(map(f32, slopes)), exponents, lengths)
    return sums, exponents, lengths


def exact_activations(sums, width, biases, weight, bias, slopes, exponents):
    """(activation, sum of the sizes of its two terms), R rows, in 200 bits with unbounded exponents."""

    def product(row, factor, exponent):
        return [mpmath.ldexp(float(x) * mpmath.mpf(factor), int(exponent)) for x in row[:width]]

    rows = []
    for r in range(len(sums)):
        signal = product(sums[r], weight[0], exponents[r] + weight[1])
        pairs = zip(signal, product(biases[r], *bias) or [0] * width, strict=True)
        rows.append([((s + b) * slopes[0 if s + b > 0 else 1], abs(s) + abs(b)) for s, b in pairs])
    return rows


def layer_agrees(found, sums, width, biases, weight, bias, slopes):
    """Each activation to 6 roundings of its terms, or 2^-120 of the largest; M to 1e-12 of theirs."""
    steepest, lengths = max(map(abs, slopes)), found[2]
    expected = exact_activations(sums, width, biases, weight, bias, slopes, EXPONENTS)
    for row, exponent, length, pairs in zip(*found, expected, strict=True):
        true = [mpmath.ldexp(float(x), int(exponent)) for x in row[:width]]
        floor = max(abs(y) for y, _ in pairs) * mpmath.mpf(2) ** -120
        bounds = [6 * UNIT * steepest * size + floor for _, size in pairs]
        mean = sum(x * x for x in true) / width
        if any(abs(x - y) > bound for x, (y, _), bound in zip(true, pairs, bounds, strict=True)):
            return False
        if abs(mpmath.ldexp(length, 2 * int(exponent)) - mean) > mean * 1e-12:
            return False
    return bool(np.all((lengths == 0) | (lengths >= 0.5) & (lengths < 2)))


def layer_of(width, bias_exponent, seed):
    """Random sums and biases (R = 6, padded, rubbish beyond the width), then weight and bias factors."""
    random = np.random.default_rng(seed)
    sums, biases = (random.normal(size=(6, padded(width))).astype(f32) for _ in range(2))
    if bias_exponent is None:
        return sums, width, np.empty((6, 0), f32), (1.0, -2), (0.0, 0)
    return sums, width, biases, (0.8, -2), (0.6, bias_exponent)


EXPONENTS = [0, -3, 40, -300, 100_000, -100_000]
SLOPES = [(1.0, 0.0), (1.0, 0.125), (1.0, -1.0), (0.75, 3.0)]


@pytest.mark.parametrize("bias_exponent", [None, 0, -30, 200, -100_000, 100_000])
@pytest.mark.parametrize("width", [1, 15, 16, 17])
def test_activate_against_200_bits(width, bias_exponent):
    """Six networks whose exponents span 2^200000, biases above, near and below their signals.

    Lengths lie in [1/2, 2) and padding becomes 0. Mutants, where no slope hides them: an exponent off
    by one, the slopes swapped, the bias off by 1 %, a neuron too many.
    """
    with mpmath.workprec(200):
        for i, slopes in enumerate(SLOPES):
            sums, _, biases, weight, bias = layer_of(width, bias_exponent, i)
            found = activated(sums, width, biases, weight, bias, slopes, EXPONENTS, np.ones(6))
            assert layer_agrees(found, sums, width, biases, weight, bias, slopes)
            assert not np.any(found[0][:, width:])
            if slopes[1] == 0:
                continue
            assert not layer_agrees(found, sums, width, biases, (weight[0], -1), bias, slopes)
            assert not layer_agrees(found, sums, width, biases, weight, bias, slopes[::-1])
            assert width == LANES or not layer_agrees(found, sums, width + 1, biases, weight, bias, slopes)
            assert biases.size == 0 or not layer_agrees(
                found, sums, width, 1.01 * biases, weight, bias, slopes
            )


@pytest.mark.parametrize("width", [1, 15, 17])
def test_activate_is_its_python_twin(width):
    """Bit for bit, biased or not, one network dead. Mutant: other slopes."""
    for bias_exponent in (None, -5):
        case = layer_of(width, bias_exponent, 9)
        case[0][0] = 0
        tail = (EXPONENTS, [0, 1, 1, 1, 1, 1])
        found, twin = (activated(*case, (1, 0.1), *tail, f) for f in (activate, activate.py_func))
        for x, y in zip(found, twin, strict=True):
            assert x.tobytes() == y.tobytes()
        assert not same_bits(found[0], activated(*case, (1.25, 0.2), *tail)[0])


@pytest.mark.parametrize("weight_exponent", [0, 300, -300, 3000])
@pytest.mark.parametrize("bias_exponent", [0, -100, -200, -3000, 3000])
def test_a_dead_layer_goes_on_with_its_bias(bias_exponent, weight_exponent):
    """Exactly phi(b), whatever the sizes: a dead network has no exponent that could matter.

    Mutant: an exponent of 1 taken for that of the bias.
    """
    biases = np.zeros((1, LANES), f32)
    biases[0, :4] = [1, -2, 3, 0.5]
    zeros = np.zeros((1, LANES), f32)
    for width, squares in ((4, 1 + 9 + 0.25), (2, 1)):
        weight, bias = (0.75, weight_exponent), (0.5, bias_exponent)
        sums, exponents, lengths = activated(zeros, width, biases, weight, bias, (1, 0), [0], [0.0])
        exponent = int(exponents[0]) - bias_exponent
        assert np.ldexp(sums[0, :4], exponent).tolist() == [0.5, 0, 1.5 * (width == 4), 0.25 * (width == 4)]
        assert math.ldexp(lengths[0], 2 * exponent) == squares / 4 / width
        assert math.ldexp(lengths[0], 2 * exponent + 2) != squares / 4 / width


def test_a_dead_net_wakes_at_a_tiny_bias():
    """Signs of width 1, bias variance 1e-100: of nets dead before a layer half have M = 1e-100 after it.

    100 and more such nets: 0 or all of them by chance has probability 2^-99.
    """
    net = FullyConnected(
        [1, 1, 1], weights="rademacher", bias_weights="rademacher", bias_variance=Fraction(1, 10**100)
    )
    layers = plan(net)
    population = Population(layers, 3, 0, 0, 300)
    population.advance(layers.layers[0])
    dead = population.lengths == 0
    population.advance(layers.layers[1])
    logs = logs_of(population)[dead]
    assert np.count_nonzero(dead) > 100
    assert 0 < np.count_nonzero(np.isfinite(logs)) < np.count_nonzero(dead)
    assert logs[np.isfinite(logs)] == pytest.approx(-100 * math.log(10), rel=1e-7)


def logs_of(population):
    """log M_j, -inf for a dead layer."""
    with np.errstate(divide="ignore"):
        return np.log(population.lengths) + 2 * math.log(2) * population.exponents


def bent(z, layer):
    """The activation function in double precision."""
    return np.where(z > 0, z * float(layer.slopes[0]), z * float(layer.slopes[1]))


def both_ways(network, seed, count, off=1.0):
    """For each layer log M_j, twice (layers, count): from the kernels, and in double precision.

    The second way draws no weights of its own; `off` is a mutant's factor on its last layer.
    """
    layers, rows = plan(network), []
    population = Population(layers, seed, 0, 0, count)
    a, exponent = np.tile(np.array(layers.input), (count, 1)), np.full(count, layers.input_exponent)
    for layer in layers.layers:
        matrix, states = raw_weights(layer.weights, population.states, population.width, layer.width)
        last = layer is layers.layers[-1]
        z = np.einsum("rij,rj->ri", matrix, a) * layer.weight_scale * (off if last else 1)
        exponent = exponent + layer.weight_exponent
        if layer.bias is not None:
            biases, _ = raw_weights(layer.bias, states, 1, layer.width)
            z = np.ldexp(z, exponent[:, None] - layer.bias_exponent) + biases[:, :, 0] * layer.bias_scale
            exponent = np.full(count, layer.bias_exponent)
        a = bent(z, layer)
        mean = np.mean(a * a, axis=1)
        half = np.frexp(mean)[1] >> 1
        a, exponent = np.ldexp(a, -half[:, None]), exponent + half
        population.advance(layer)
        with np.errstate(divide="ignore"):
            rows.append((logs_of(population), np.log(np.ldexp(mean, -2 * half)) + 2 * math.log(2) * exponent))
    return np.array(rows).transpose(1, 0, 2)


@pytest.mark.parametrize("kernel", LAWS)
def test_single_precision_keeps_m_to_5e_6(kernel):
    """6 layers of 40 neurons, leaky ReLU and biases of the same law, 100 nets.

    Measured at most 9e-7, on average below 4e-7. Mutant: the last layer's weights off by 5e-6.
    """
    net = FullyConnected(
        [40] * 7,
        weights=LAWS[kernel],
        activation="leaky_relu:1/10",
        bias_weights=LAWS[kernel],
        bias_variance="1/10",
    )
    ours, double = both_ways(net, 3, 100)
    errors = np.abs(ours - double)[-1]
    assert np.max(errors) < 5e-6
    assert np.mean(errors) < 1e-6
    assert np.max(np.abs(np.subtract(*both_ways(net, 3, 100, off=1 + 5e-6)))) > 5e-6


DEEP = [3 + 7 * i % 6 for i in range(10_001)]


@pytest.mark.full
@pytest.mark.parametrize("gain", ["1/4", "8"])
def test_ten_thousand_layers_without_overflow(gain):
    """log M_d of 9 nets of widths 3 to 8, |z|, against double precision, which carries its own activations.

    |log M_d| is above 15,000, where exp is 0 or infinite. The median net to 1e-3, 1e-7 a layer: a scale off
    by 2e-7 in every layer, the mutant, moves it by 4e-3. Without a kink to die at no layer is dead.
    Not every net, because one that all but cancels loses digits: rounding the activations of double
    precision itself to single precision moves one of these by 5e-3. What a layer adds is tested below.
    """
    ours, double = both_ways(FullyConnected(DEEP, variance_gain=gain, activation="abs"), 4, 9)
    assert np.all(np.isfinite(ours))
    assert np.all(np.abs(ours[-1]) > 15_000)
    assert np.median(np.max(np.abs(ours - double), axis=0)) < 1e-3
    mutant = ours + 4e-7 * np.arange(10_000)[:, None]
    assert np.median(np.max(np.abs(mutant - double), axis=0)) > 1e-3


def one_layer_errors(network, seed, count):
    """log M_j - log M_{j-1} minus what double precision makes of the same a_{j-1}; no biases, (layers, R)."""
    layers, rows = plan(network), []
    population = Population(layers, seed, 0, 0, count)
    for layer in layers.layers:
        matrix, _ = raw_weights(layer.weights, population.states, population.width, layer.width)
        a, before = population.activations[:, : population.width].astype(float), logs_of(population)
        z = bent(np.einsum("rij,rj->ri", matrix, a), layer) * layer.weight_scale
        ratio = np.log(np.mean(z * z, axis=1) / np.mean(a * a, axis=1))
        population.advance(layer)
        rows.append(logs_of(population) - before - ratio - 2 * math.log(2) * layer.weight_exponent)
    return np.array(rows)


@pytest.mark.full
def test_rounding_errors_do_not_add_up():
    """10,000 layers, 9 nets: errors of one layer at most 3e-6, their sums a random walk of at most 5e-5.

    Measured 1.4e-6 (rms 6e-8) and 1.5e-5. Mutant: scales off by 5e-9, 1e-8 a layer.
    """
    errors = one_layer_errors(FullyConnected(DEEP, variance_gain=8, activation="abs"), 4, 9)
    assert np.max(np.abs(errors)) < 3e-6
    assert np.max(np.abs(np.cumsum(errors, axis=0))) < 5e-5
    assert np.all(np.max(np.abs(np.cumsum(errors + 1e-8, axis=0)), axis=0) > 5e-5)


SHALLOW = [3 + 7 * i % 6 for i in range(41)]


def test_a_length_of_zero_is_a_dead_layer():
    """Normal ReLU nets of width 3 to 8, 40 layers: zero exactly where double precision is zero.

    Dead are 1 in 8 nets of a layer of width 3, so at layer 40 nearly all. Where nets live M agrees.
    """
    ours, double = both_ways(FullyConnected(SHALLOW, variance_gain="1/4"), 5, 100)
    alive = np.isfinite(double)
    assert np.array_equal(np.isfinite(ours), alive)
    assert np.count_nonzero(alive[0]) > 80
    assert np.count_nonzero(alive[-1]) < 40
    assert np.max(np.abs(ours[alive] - double[alive])) < 1e-4


def exactly_dead(network, seed, count):
    """Of ReLU nets with weights on a lattice, in whole numbers: (layers, R); with it our log M_j."""
    layers = plan(network)
    population, dead, logs = Population(layers, seed, 0, 0, count), [], []
    a = np.ones((count, population.width), object)
    for layer in layers.layers:
        matrix, _ = raw_weights(layer.weights, population.states, population.width, layer.width)
        whole = np.rint(matrix / np.min(np.abs(matrix[matrix != 0]))).astype(int).astype(object)
        a = np.einsum("rij,rj->ri", whole, a)
        a = np.where(a > 0, a, 0)
        population.advance(layer)
        dead.append(np.all(a == 0, axis=1))
        logs.append(logs_of(population))
    return np.array(dead), np.array(logs)


@pytest.mark.parametrize("law", ["rademacher", "finite:-1:1/6,0:2/3,1:1/6"])
def test_lattice_weights_are_dead_exactly_where_whole_numbers_are(law):
    """8 layers of 5 neurons: sums of lattice weights are exact as long as they fit in 24 bits.

    Mutant: dead one layer late.
    """
    dead, logs = exactly_dead(FullyConnected([5] * 9, weights=law), 1, 1000)
    assert np.count_nonzero(dead[1:] & ~dead[:-1]) > 100
    assert np.array_equal(np.isneginf(logs), dead)
    assert not np.array_equal(np.isneginf(logs[1:]), dead[:-1])


EXTREMES = {
    "tiny entries": {"variance_gain": Fraction(1, 10**300), "mode": "none"},
    "huge entries": {"variance_gain": 10**300, "mode": "none"},
    "huge input": {"input": [10**400, -3, Fraction(10**400, 7)]},
    "tiny input": {"input": [Fraction(1, 10**400), Fraction(-1, 10**401), 0]},
    "a tiny input beside a bias": {"input": [Fraction(1, 10**400)] * 3, "bias_variance": "1/3"},
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_scales(name):
    """30 layers, M_d down to 10^-9000 and up to 10^9000: still single precision's 1e-5.

    Mutant: M_d of the same net with 1 % more variance.
    """
    net = FullyConnected([3, *[20] * 30], **EXTREMES[name])
    ours, double = both_ways(net, 6, 10)
    assert np.all(np.isfinite(ours))
    assert np.max(np.abs(ours - double)) < 1e-5
    assert np.max(np.abs(ours + math.log(1.01) - double)) > 1e-5


def run(network, seed=7, first=0, count=20):
    layers = plan(network)
    population = Population(layers, seed, 0, first, count)
    for layer in layers.layers:
        population.advance(layer)
    return population


@pytest.mark.parametrize("power", [-700, -1, 1, 700])
def test_powers_of_four_change_exponents_only(power):
    """Gain times 4^p a layer and input times 2^p: the same bits, 11 p more in the exponent.

    Mutant: a gain times 2, after which the lengths differ.
    """
    gain, factor = Fraction(9, 5), Fraction(4) ** power
    one = run(FullyConnected([3, *[9] * 10], weights="laplace", variance_gain=gain, input=[1, 2, 5]))
    big = [x * Fraction(2) ** power for x in (1, 2, 5)]
    other = run(FullyConnected([3, *[9] * 10], weights="laplace", variance_gain=gain * factor, input=big))
    assert same_bits(one.activations, other.activations)
    assert np.array_equal(one.lengths, other.lengths)
    alive = one.lengths > 0
    assert np.array_equal((other.exponents - one.exponents)[alive], np.full(alive.sum(), 11 * power))
    mutant = run(FullyConnected([3, *[9] * 10], weights="laplace", variance_gain=2 * gain, input=[1, 2, 5]))
    assert not np.array_equal(one.lengths, mutant.lengths)


def test_bits_do_not_depend_on_how_many_networks_go_together():
    """A layer of each law, with biases: 10 networks at once, 4 and 6, or one by one. Mutant: from 5 on."""
    laws, widths = list(LAWS.values()), [7, 19, 16, 33, 5, 40, 17, 8, 3]
    net, first = FullyConnected(widths, weights=laws, bias_weights="laplace", bias_variance="1/2"), 2**32 - 4
    whole = run(net, first=first, count=10)
    for cuts in ([0, 4, 10], range(11)):
        parts = [run(net, first=first + a, count=b - a) for a, b in pairwise(cuts)]
        for name in ("activations", "exponents", "lengths", "states"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert joined.tobytes() == getattr(whole, name).tobytes()
    assert not same_bits(run(net, first=first + 5, count=10).activations, whole.activations)
