"""The engine's way back: the weights of the way forward bit for bit, and gradients within rounding.

The weights of a layer are read out by feeding basis vectors to the forward pass with the streams that the
layer found; the read-out likewise. With them everything is done again in double precision.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from soundness import RUNS, check_exact, check_two_samples, exact_score
from weight_streams import LAWS, states_of

import simulate.backpropagation as backpropagation
from simulate import gradient_lengths, jacobian_lengths, lengths, simulate
from simulate.backpropagation import Tape
from simulate.job import Job
from simulate.kernels.elementary import COEFFICIENTS
from simulate.kernels.layer import BLOCK, padded, weight_passes
from simulate.kernels.streams import LANES, fill_words
from simulate.kernels.transposed import transposed_passes
from simulate.law_plan import law_plan
from simulate.methods.choice import method_named
from simulate.methods.gradients import Gradients
from simulate.plan import plan
from simulate.reference_gradients import backpropagated
from simulate.summary import decode, encode
from theory import FullyConnected, SpecError, as_law, gradient_moments
from theory.readings.exact import length_moments

UNIT = 2.0**-24
f32 = np.float32


def forward_columns(law, states, fan_in, width):
    """The raw weights (R, width, fan_in) of the forward pass, exactly; the states go on."""
    streams = np.repeat(states, fan_in, axis=0)
    rows = np.zeros((len(streams), padded(fan_in)), f32)
    rows[:, :fan_in] = np.tile(np.eye(fan_in), (len(states), 1))
    sums = np.empty((len(streams), padded(width)), f32)
    weight_passes[law.kernel](rows, fan_in, streams, law.parameters, COEFFICIENTS, sums)
    states[:] = streams[::fan_in]
    return sums.reshape(len(states), fan_in, -1)[:, :, :width].transpose(0, 2, 1)


def way_back(law, deltas, fan_in, states, function=None):
    """W^T delta for deltas (R, width); the states go on."""
    rows = np.zeros((len(deltas), padded(deltas.shape[1])), f32)
    rows[:, : deltas.shape[1]] = deltas
    sums = np.full((len(deltas), padded(fan_in)), np.nan, f32)
    chosen = function or transposed_passes[law.kernel]
    chosen(rows, fan_in, states, law.parameters, COEFFICIENTS, sums)
    return sums


def test_every_pass_has_its_transpose():
    """Orthogonal matrices excepted: their passes reflect, they do not sum."""
    assert set(transposed_passes) == set(weight_passes) - {"orthogonal"} == set(LAWS)


@pytest.mark.parametrize("fan_in, width", [(1, 1), (9, 17), (BLOCK + 5, 3), (2 * BLOCK, 2)])
@pytest.mark.parametrize("kernel", LAWS)
def test_compiled_passes_are_their_python_twins(kernel, fan_in, width):
    """Sums and states left behind, bit for bit; nothing beyond fan_in. Mutant: other last bits of delta."""
    law = law_plan(as_law(LAWS[kernel]))
    deltas = np.random.default_rng(5).normal(size=(2, width)).astype(f32)
    states, twin_states = states_of(2), states_of(2)
    sums = way_back(law, deltas, fan_in, states)
    with np.errstate(over="ignore"):
        twin = way_back(law, deltas, fan_in, twin_states, transposed_passes[kernel].py_func)
    assert np.array_equal(sums.view(np.uint32), twin.view(np.uint32))
    assert np.array_equal(states, twin_states)
    assert not sums[:, fan_in:].any()
    other = way_back(law, np.nextafter(deltas, f32(9)), fan_in, states_of(2))
    assert not np.array_equal(other, sums) or not sums.any()


@pytest.mark.parametrize("fan_in, width", [(1, 1), (5, 16), (17, 40), (BLOCK + 3, 33)])
@pytest.mark.parametrize("kernel", LAWS)
def test_weights_are_those_of_the_way_forward(kernel, fan_in, width):
    """Row by row, and the same streams afterwards. Mutant: the replay of a stream two words ahead."""
    law, forward = law_plan(as_law(LAWS[kernel])), states_of(1, seed=4)
    matrix = forward_columns(law, forward, fan_in, width)[0]
    back = np.repeat(states_of(1, seed=4), width, axis=0)
    rows = way_back(law, np.eye(width), fan_in, back)[:, :fan_in]
    assert np.array_equal(rows, matrix)
    assert np.array_equal(back, np.repeat(forward, width, axis=0))
    ahead = states_of(1, seed=4)
    fill_words(ahead, np.empty((1, 2 * LANES), np.uint32))
    shifted = way_back(law, np.eye(width), fan_in, np.repeat(ahead, width, axis=0))[:, :fan_in]
    assert fan_in * width < 80 or not np.array_equal(shifted, matrix)


@pytest.mark.parametrize("fan_in, width", [(3, 16), (40, 17), (BLOCK * 3 + 1, 70)])
@pytest.mark.parametrize("kernel", LAWS)
def test_a_way_back_is_a_product_within_rounding(kernel, fan_in, width):
    """|sum - W^T delta| <= (tiles + 4) 2^-24 sum |W_ij delta_i|: a rounding a tile, then four."""
    law, states = law_plan(as_law(LAWS[kernel])), states_of(4, seed=2)
    deltas = np.random.default_rng(6).normal(size=(4, width)).astype(f32)
    sums = way_back(law, deltas, fan_in, states_of(4, seed=2))[:, :fan_in]
    matrix = forward_columns(law, states, fan_in, width).astype(float)
    bound = (padded(width) // LANES + 4) * UNIT * np.einsum("rij,ri->rj", np.abs(matrix), np.abs(deltas))

    def agrees(used):
        return bool(np.all(np.abs(sums - np.einsum("rij,ri->rj", matrix, used.astype(float))) <= bound))

    assert agrees(deltas)
    assert not agrees(np.roll(deltas, 1, axis=1))
    assert not agrees(np.where(np.arange(width) == width - 1, 0, deltas))


NETWORKS = {
    "normal": FullyConnected([5, 7, 9, 4]),
    "uniform": FullyConnected([20, 33, 17, 40], weights="uniform", mode="fan_avg"),
    # Scales that are powers of two: sums that are 0 are 0 in double precision too.
    "signs": FullyConnected(
        [7, 11, 5], weights="rademacher", input=[1, -2, 3, 0, 1, 5, 4], mode="none", variance_gain="1/4"
    ),
    "laplace, leaky": FullyConnected([5, 18, 6, 3], weights="laplace", activation="leaky_relu:1/3"),
    "abs": FullyConnected([6, 7, 8], weights="truncated_normal:2", activation="abs", variance_gain="1e-300"),
    "linear out": FullyConnected([3, 9, 5], weights="student_t:9", output_activation="linear"),
    "falling": FullyConnected(
        [3, 9, 9, 5],
        weights="finite:-1:1/8,0:3/4,1:1/8",
        activation="slopes:-2:1/2",
        mode="none",
        variance_gain="1/4",
    ),
    "one layer": FullyConnected([4, 6], weights="truncated_normal:1/2"),
    "narrow": FullyConnected([4, 2, 1, 2, 3], variance_gain=50),
    "deep": FullyConnected([12] * 13, weights=["normal", "uniform", "laplace"] * 4),
}
READOUT = "laplace"


def explicit(network, samples, seed, readout=READOUT):
    """All true weights and read-outs of the engine's networks, in double precision."""
    layers = plan(network)
    states = Tape(layers, seed, 0, samples).marks[0].states.copy()
    matrices = []
    for layer, fan_in in zip(layers.layers, network.widths, strict=False):
        raw = forward_columns(layer.weights, states, fan_in, layer.width)
        matrices.append(np.ldexp(raw.astype(float) * layer.weight_scale, layer.weight_exponent))
    law = law_plan(as_law(readout))
    v = forward_columns(law, states, 1, network.widths[-1])[:, :, 0].astype(float) * law.scale
    return matrices, v


@pytest.mark.parametrize("name", NETWORKS)
def test_engine_is_numpy_on_the_same_weights(name):
    """|delta_j|^2 and |dF/dW_j|_F^2 of 60 nets to 4e-5; layers in the wrong order are off by far more."""
    network = NETWORKS[name]
    found = gradient_lengths(network, 60, 8, READOUT)
    a, deltas = backpropagated(network, *explicit(network, 60, 8))
    norms = np.stack([np.sum(delta**2, axis=1) for delta in deltas], axis=1)
    matrices = [np.einsum("ri,rj->rij", delta, before) for delta, before in zip(deltas, a, strict=False)]
    weights = np.stack([np.sum(w**2, axis=(1, 2)) for w in matrices], axis=1)
    assert np.allclose(found.deltas, norms, rtol=4e-5, atol=0)
    assert np.allclose(found.weights, weights, rtol=4e-5, atol=0)
    assert np.array_equal(found.lengths, lengths(network, 60, 8))
    assert np.any(found.deltas > 0)
    assert network.depth == 1 or not np.allclose(found.deltas, norms[:, ::-1], rtol=0.1, atol=0)


def test_replay_of_a_shifted_stream_is_noticed(monkeypatch):
    """Two words late on the way back: other weights, other gradients; the last layer needs no replay."""
    network = NETWORKS["normal"]
    right = gradient_lengths(network, 60, 8)

    def late(mark, delta):
        fill_words(mark.states, np.empty((len(mark.states), 2 * LANES), np.uint32))
        return transposed(mark, delta)

    transposed = backpropagation._transposed
    monkeypatch.setattr(backpropagation, "_transposed", late)
    wrong = gradient_lengths(network, 60, 8)
    assert np.array_equal(wrong.deltas[:, 2], right.deltas[:, 2])
    assert not np.allclose(wrong.deltas[:, 1], right.deltas[:, 1], rtol=0.1)


def test_autograd_of_torch_on_the_same_weights():
    """The ten nets above, one copy each, every entry of dF/dW_j squared and summed, to 4e-5."""
    torch = pytest.importorskip("torch")
    for network in NETWORKS.values():
        matrices, v = explicit(network, 12, 3)
        found = gradient_lengths(network, 12, 3, READOUT)
        row = int(np.argmax(found.weights[:, -1]))
        weights = [torch.tensor(w[row], dtype=torch.float64, requires_grad=True) for w in matrices]
        a = torch.tensor(backpropagated(network, matrices, v)[0][0][row])
        for layer, weight in zip(network.layers, weights, strict=True):
            plus, minus = (int(s.p) / int(s.q) for s in layer.activation.slopes)
            z = weight @ a
            at_zero = plus if plus == minus else 0.0
            a = torch.where(z > 0, plus * z, torch.where(z < 0, minus * z, at_zero * z))
        (torch.tensor(v[row]) @ a).backward()
        squares = [float((weight.grad**2).sum()) for weight in weights]
        assert np.allclose(found.weights[row], squares, rtol=4e-5, atol=0)
        assert min(squares) > 0


def test_scales_beyond_floats():
    """500 layers that each lose a factor 2^-20: the logarithms are those of the net scaled by hand."""
    deep, tiny = FullyConnected([3] * 500, activation="abs"), 2.0**-20
    scaled = deep.replaced(variance_gain=tiny**2)
    tables = [Tape(plan(net), 5, 0, 30) for net in (deep.replaced(variance_gain=1), scaled)]
    normal = law_plan(as_law("normal"))
    plain, small = ([d.lengths for d in tape.deltas(normal)] for tape in tables)
    for step, (one, other) in enumerate(zip(plain, small, strict=True)):
        shift = 2 * step * math.log(tiny)
        assert np.allclose(other.logs(), one.logs() + shift, rtol=1e-12, atol=1e-9)
    assert small[-1].exponent.max() < -15_000


def test_the_dead_pass_nothing_back():
    """Narrow layers, 2,000 nets: dead at a_{j-1} = 0 in every table; a linear output's delta lives on."""
    network = FullyConnected([2, 1, 2, 1, 3])
    found = gradient_lengths(network, 2_000, 3)
    dead = found.lengths[:, :-1] == 0
    assert 0.2 < np.mean(dead[:, 1]) < 0.7
    assert not np.any(found.deltas[dead])
    assert not np.any(found.weights[dead])
    linear = gradient_lengths(network.replaced(output_activation="linear"), 2_000, 3)
    assert np.all(linear.deltas[:, -1] > 0)
    assert not np.any(linear.weights[:, -1][dead[:, -1]])


MEANS = {
    "normal": FullyConnected([10, 8, 12, 10], input=[1, -2, 3, 0, 1, 5, 4, 0, 0, 1]),
    "uniform": FullyConnected([5, 2, 6], weights="uniform", mode="fan_out"),
    "laplace, leaky": FullyConnected([6, 9, 7], weights="laplace", activation="leaky_relu:1/5"),
    "truncated, linear out": FullyConnected(
        [4, 1, 5], weights="truncated_normal:2", output_activation="linear"
    ),
}


def exact_means(name):
    """Names, means and variances of |delta_j|^2 and |dF/dW_j|^2, all layers, in the order of `columns`."""
    for layer in gradient_moments(MEANS[name], 2, "uniform").layers:
        yield f"delta_{layer.index}", float(layer.delta_moments[0]), float(layer.delta_variance)
        yield f"dW_{layer.index}", float(layer.weight_moments[0]), float(layer.weight_variance)


def columns(name, count, seed):
    found = gradient_lengths(MEANS[name], count, seed, "uniform")
    return [table[:, j] for j in range(MEANS[name].depth) for table in (found.deltas, found.weights)]


@pytest.mark.parametrize("name", MEANS)
def test_means_are_the_exact_ones(name):
    """100,000 nets, exact standard errors, 5 of them: a mean off by 5 % would show. Mutant: 10 % off."""
    for column, (_, mean, variance) in zip(columns(name, 100_000, 21), exact_means(name), strict=True):
        assert abs(exact_score(column, mean, variance)) < 5
        assert abs(exact_score(column, 1.1 * mean, variance)) > 5
        assert (5 + 1.2816) * math.sqrt(variance / 100_000) < 0.05 * mean


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANS)
def test_soundness_of_means_of_gradients(name):
    """2,000 runs of 1,000 networks."""
    runs = [columns(name, 1_000, run) for run in range(RUNS)]
    for draws, (what, mean, variance) in zip(zip(*runs, strict=True), exact_means(name), strict=True):
        # |dF/dW_1|^2 = |delta_1|^2 |x|^2.
        if what != "dW_1":
            check_exact(f"gradients, {name}, {what}", draws.__getitem__, mean, variance, 5)


JACOBIAN_LAWS, ALONG = ["uniform", "normal", "laplace"], [1, 1, 0]


def jacobian_and_forward(law, count, seed):
    """|J_j u|^2 and |a_j|^2 from u, tables with a column for each layer."""
    network = FullyConnected([3, 4, 2, 5], weights=law, input=[1, -2, "1/2"])
    found = jacobian_lengths(network, ALONG, count, 2 * seed)
    started = lengths(network.replaced(input=ALONG), count, 2 * seed + 1)[:, 1:] * network.widths[1:]
    return found, started


@pytest.mark.parametrize("law", JACOBIAN_LAWS)
def test_a_jacobian_sends_u_as_the_net_sends_u(law):
    """Kolmogorov, 20,000 nets against 20,000: a distance of 0.028 would be seen."""
    for found, started in zip(*(table.T for table in jacobian_and_forward(law, 20_000, 2)), strict=True):
        assert ks_2samp(found, started).pvalue > 1e-6
        assert ks_2samp(found, 1.5 * started).pvalue < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("law", JACOBIAN_LAWS[:2])
def test_soundness_of_jacobians(law):
    """2,000 runs of 1,000 networks, the last layer, which may be dead: p-values are larger than uniform."""

    def draw(run):
        return tuple(table[:, -1] for table in jacobian_and_forward(law, 1_000, run))

    check_two_samples(f"jacobians, {law}", draw, 1e-6, atoms=True)


def test_jacobians_are_those_of_numpy_and_signs_refute_the_law():
    """J u by explicit matrices; with signs, x = (1, -1), u = (1, 1) it vanishes in every net."""
    network, u = NETWORKS["laplace, leaky"], [1, -1, 2, 0, 3]
    matrices, v = explicit(network, 40, 6)
    a, _ = backpropagated(network, matrices, v)
    along = np.tile(np.array(u, float), (40, 1))
    for j, matrix in enumerate(matrices):
        z = np.einsum("rij,rj->ri", matrix, a[j])
        along = np.where(z > 0, 1, 1 / 3) * np.einsum("rij,rj->ri", matrix, along)
        found = jacobian_lengths(network, u, 40, 6)[:, j]
        assert np.allclose(found, np.sum(along**2, axis=1), rtol=4e-5, atol=0)
    signs = FullyConnected([2, 2], weights="rademacher", input=[1, -1])
    assert not jacobian_lengths(signs, [1, 1], 500, 1).any()
    assert 0.5 < np.mean(lengths(signs.replaced(input=[1, 1]), 500, 1)[:, 1]) < 1.5


def test_simulate_with_gradients(tmp_path):
    """One record with three tables: those of `gradient_lengths`, for any cut, and again from the store."""
    network, store = FullyConnected([4, 6, 3], weights="uniform"), tmp_path / "runs.sqlite"
    found = simulate(network, gradients=True, readout="uniform", samples=3_000, seed=2, store=store)
    table = gradient_lengths(network, 3_000, 2, "uniform")
    for layers, columns in ((found.deltas, table.deltas), (found.weights, table.weights)):
        assert [layer.index for layer in layers] == [1, 2]
        for layer, column in zip(layers, columns.T, strict=True):
            for k, moment in enumerate(layer.moments, start=1):
                assert moment.value == pytest.approx(np.mean(column**k), rel=1e-12)
                error = np.std(column**k, ddof=1) / math.sqrt(3_000)
                assert moment.standard_error == pytest.approx(error, rel=1e-9)
            assert layer.dead.value == np.mean(column == 0)
    assert found.layers[2].moments[0].value == pytest.approx(np.mean(table.lengths[:, 2]), rel=1e-12)
    again = simulate(network, gradients=True, readout="uniform", samples=3_000, seed=2, store=store)
    cut = simulate(
        network, gradients=True, readout="uniform", samples=3_000, seed=2, shard_leaves=1, threads=1
    )
    for other in (again, cut):
        assert (other.deltas, other.weights, other.layers) == (found.deltas, found.weights, found.layers)
    other = simulate(network, gradients=True, samples=3_000, seed=2, store=store)
    assert other.deltas != found.deltas
    shown = found.to_dict()
    assert shown["readout"] == "uniform"
    assert len(shown["deltas"]) == len(shown["weight_gradients"]) == 2


def test_summaries_of_gradients_survive_as_bytes():
    job = Job(FullyConnected([4, 6, 3]), "gradients", 2, 2)
    record = method_named("gradients").leaf(job, 0, 50)
    copy = decode(Gradients.record, encode(record))
    assert encode(copy) == encode(record)
    assert encode(record.merged(copy)) != encode(record)
    assert record.merged(copy).count == 100


REFUSED = {
    "biases": lambda: gradient_lengths(FullyConnected([2, 3], bias_variance=1), 5, 0),
    "no samples": lambda: gradient_lengths(FullyConnected([2, 3]), 0, 0),
    "a bad seed": lambda: gradient_lengths(FullyConnected([2, 3]), 5, -1),
    "no network": lambda: gradient_lengths([2, 3], 5, 0),
    "tanh": lambda: gradient_lengths(FullyConnected([2, 3], activation="tanh", variance_gain=1), 5, 0),
    "an unknown law": lambda: gradient_lengths(FullyConnected([2, 3]), 5, 0, "norml"),
    "a short direction": lambda: jacobian_lengths(FullyConnected([2, 3]), [1], 5, 0),
    "another method": lambda: simulate(FullyConnected([2, 3]), gradients=True, method="law"),
    "a tilt": lambda: simulate(FullyConnected([2, 3]), gradients=True, tilt=1.0),
    "a covariance": lambda: simulate(FullyConnected([2, 3]), gradients=True, covariance=True),
    "a heavy read-out": lambda: simulate(FullyConnected([2, 3]), gradients=True, readout="student_t:5"),
    "biases of a run": lambda: simulate(FullyConnected([2, 3], bias_variance=1), gradients=True),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_one_line(call):
    with pytest.raises(SpecError) as refusal:
        call()
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_heavy_tails_are_not_trusted():
    """|dF/dW_j|^2 squared at 30 layers of 8: decided by networks rarer than 2,000, and said so."""
    network = FullyConnected([8] * 31)
    found = simulate(network, gradients=True, samples=2_000, seed=1)
    assert all(layer.moments[1].note is not None for layer in found.weights)
    assert any(note.startswith("|dF/dW|^2: ") for note in found.notes)
    assert length_moments(network, 2)[-1][1] > 100
