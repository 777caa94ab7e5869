"""Each framework initialiser against draws of the framework itself, where it is installed.

Orthogonal matrices, whose entries depend on each other, are in tests/specs/test_orthogonal_initialisers.py.
N = 10^6 entries w, divided by the exact variance. The standard errors are exact, sqrt((kappa - 1)/N)
for the mean of w^2 and sqrt((m_8 - kappa^2)/N) for the mean of w^4; the limit is 5 of them. So a variance
off by 1.5 % or a kurtosis off by 0.1 would be seen (normal entries are the widest case: the limit is at
0.7 % and 0.05). Seeds are fixed, one per draw.
"""

from __future__ import annotations

import math
import os
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from pydoc import locate
from zlib import crc32

import numpy as np
import pytest
from flint import arb, fmpq
from soundness import POWER_RUNS, RUNS, check_power_of_shifts, check_uniform

from simulate.samplers import draw
from theory.fans import fan
from theory.initialisers import INITIALISERS, initialiser
from theory.laws import Normal, TruncatedNormal, as_law
from theory.reals import as_float, number

FAN_IN, FAN_OUT, LIMIT = 400, 2_500, 5
CONSTANT = ".87962566103423978"

SOURCES = {
    "jax": "jax/_src/nn/initializers.py",
    "keras": "keras/src/initializers/random_initializers.py",
}


@pytest.mark.parametrize("package", SOURCES)
def test_the_installed_framework_has_the_constant_of_our_enclosure(package):
    """test_initialisers.py encloses it: sqrt(v(2)), to 1e-16."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    root = Path(find_spec(package).submodule_search_locations[0]).parent
    assert CONSTANT in (root / SOURCES[package]).read_text()


def timm_module():
    """The one file that defines timm's initialisers; the package itself also wants torchvision."""
    pytest.importorskip("torch")
    if find_spec("timm") is None:
        pytest.skip("timm is not installed")
    root = Path(find_spec("timm").submodule_search_locations[0])
    spec = spec_from_file_location("timm_weight_init", root / "layers" / "weight_init.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keras_module():
    os.environ.setdefault("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
    return pytest.importorskip("keras")


@pytest.mark.parametrize("name", [name for name in INITIALISERS if "." in name])
def test_the_cited_source_exists(name):
    stem = name.partition(":")[0]
    source = initialiser(f"{stem}:1" if ":" in name else stem).source
    package = source.partition(".")[0]
    if package == "timm":
        assert hasattr(timm_module(), source.rpartition(".")[2])
        return
    keras_module() if package == "keras" else pytest.importorskip(package)
    assert callable(locate(source))
    assert locate(source + "x") is None


def seed(*parts):
    return crc32(repr(parts).encode())


def torch_draw(function, *arguments, **options):
    torch = pytest.importorskip("torch")
    apply = function if callable(function) else getattr(torch.nn.init, function)
    torch.manual_seed(seed(apply.__name__, arguments, options))
    return apply(torch.empty(FAN_OUT, FAN_IN), *arguments, **options).numpy()


def torch_linear(fan_in=FAN_IN, fan_out=FAN_OUT):
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed("linear", fan_in))
    return torch.nn.Linear(fan_in, fan_out)


def jax_draw(function, *arguments):
    jax = pytest.importorskip("jax")
    chosen = getattr(jax.nn.initializers, function)(*arguments)
    return np.asarray(chosen(jax.random.key(seed(function)), (FAN_IN, FAN_OUT)))


def flax_dense():
    linen, jax = pytest.importorskip("flax.linen"), pytest.importorskip("jax")
    state = linen.Dense(FAN_OUT).init(jax.random.key(seed("flax")), jax.numpy.zeros((1, FAN_IN)))["params"]
    assert not np.asarray(state["bias"]).any()
    return np.asarray(state["kernel"])


def as_array(tensor):
    """Of either backend, without Keras' own conversion, which NumPy 2 warns about."""
    return tensor.detach().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)


def keras_draw(class_name, **options):
    keras = keras_module()
    chosen = getattr(keras.initializers, class_name)(seed=seed(class_name), **options)
    return as_array(chosen((FAN_IN, FAN_OUT)))


def keras_dense():
    keras = keras_module()
    keras.utils.set_random_seed(seed("keras"))
    layer = keras.layers.Dense(FAN_OUT)
    layer.build((None, FAN_IN))
    assert not as_array(layer.bias.value).any()
    return as_array(layer.kernel.value)


SCHEMES = [f"{scheme}_{shape}" for scheme in ("he", "lecun", "glorot") for shape in ("normal", "uniform")]
DRAWS = {
    **{f"torch.{f}": lambda f=f: torch_draw(f + "_") for f in ("kaiming_normal", "kaiming_uniform")},
    **{f"torch.{f}": lambda f=f: torch_draw(f + "_") for f in ("xavier_normal", "xavier_uniform")},
    "torch.linear_default": lambda: torch_linear().weight.detach().numpy(),
    "torch.normal:0.02": lambda: torch_draw("normal_", std=0.02),
    "torch.uniform:0.3": lambda: torch_draw("uniform_", -0.3, 0.3),
    **{
        f"torch.trunc_normal:{s}": lambda s=s: torch_draw("trunc_normal_", std=float(s))
        for s in (0.02, 1, 10)
    },
    "timm.trunc_normal:1": lambda: torch_draw(timm_module().trunc_normal_, std=1.0),
    "timm.trunc_normal_tf:0.02": lambda: torch_draw(timm_module().trunc_normal_tf_, std=0.02),
    **{f"jax.{f}": lambda f=f: jax_draw(f) for f in SCHEMES},
    "jax.normal:0.02": lambda: jax_draw("normal", 0.02),
    "jax.truncated_normal:0.02": lambda: jax_draw("truncated_normal", 0.02),
    "flax.dense_default": flax_dense,
    **{f"keras.{f}": lambda f=f: keras_draw(f.title().replace("_", "")) for f in SCHEMES},
    "keras.random_normal:1/20": lambda: keras_draw("RandomNormal", stddev=0.05),
    "keras.random_uniform:0.3": lambda: keras_draw("RandomUniform", minval=-0.3, maxval=0.3),
    "keras.truncated_normal:1/20": lambda: keras_draw("TruncatedNormal", stddev=0.05),
    "keras.dense_default": keras_dense,
}


def scores(sample, law, variance):
    """How many standard errors the mean of w^2 is from 1, and that of w^4 from kappa."""
    squares = sample.astype(float).ravel() ** 2 / float(arb(variance))
    kappa, eighth = (float(arb(law.even_moment(r))) for r in (2, 4))
    root = math.sqrt(squares.size)
    second = (squares.mean() - 1) * root / math.sqrt(kappa - 1)
    fourth = ((squares**2).mean() - kappa) * root / math.sqrt(eighth - kappa**2)
    return second, fourth


def worst(sample, law, variance):
    return max(map(abs, scores(sample, law, variance)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal:2"])
def test_soundness_of_the_scores(name):
    """2,000 runs of 20,000 entries by NumPy: the laws that frameworks draw, without the frameworks."""
    law = as_law(name)
    runs = (draw(law, np.random.default_rng(run), (20_000,)) * 0.3 for run in range(RUNS))
    found = [scores(sample, law, fmpq(9, 100)) for sample in runs]
    for what, kind in zip(("variance", "kurtosis"), zip(*found, strict=True), strict=True):
        check_uniform(f"initialisers, {name}, {what}", kind)
        check_power_of_shifts(f"initialisers, {name}, {what}", kind[:POWER_RUNS], LIMIT)


def entry_variance(chosen):
    return arb(number(chosen.variance_gain) / number(fan(chosen.mode, FAN_IN, FAN_OUT)))


def other_law(law):
    return TruncatedNormal(fmpq(2)) if float(arb(law.kurtosis)) > 2.9 else Normal()


@pytest.mark.parametrize("name", DRAWS)
def test_the_framework_draws_this_law(name):
    """Mutants: 3 % more variance; normal for truncated or uniform, and the reverse."""
    sample, chosen = DRAWS[name](), initialiser(name)
    variance = entry_variance(chosen)
    second, fourth = scores(sample, chosen.weights, variance)
    print(f"{name}: variance {second:.2f}, kurtosis {fourth:.2f} standard errors")  # noqa: T201
    assert max(abs(second), abs(fourth)) < LIMIT
    assert abs(scores(sample, chosen.weights, variance * fmpq(103, 100))[0]) > LIMIT
    assert abs(scores(sample, other_law(chosen.weights), variance)[1]) > LIMIT


def test_every_framework_name_is_sampled():
    stems = {name.partition(":")[0] for name in INITIALISERS if "." in name}
    matrices = {f"{package}.orthogonal" for package in ("torch", "jax", "keras")}
    assert stems == matrices | {name.partition(":")[0] for name in DRAWS}


def test_the_bias_that_torch_draws():
    found = initialiser("torch.linear_default")
    sample = torch_linear(4, 1_000_000).bias.detach().numpy()
    assert worst(sample, found.bias_weights, fmpq(1, 12)) < LIMIT
    assert abs(scores(sample, found.bias_weights, fmpq(1, 4))[0]) > LIMIT


KAIMING = [
    ("linear", None, "1"), ("sigmoid", None, "1"), ("conv2d", None, "1"), ("tanh", None, "25/9"),
    ("relu", None, "2"), ("selu", None, "9/16"), ("leaky_relu", "0.5", "8/5"), ("leaky_relu", None, "2"),
    (None, "1", "1"),
]  # fmt: skip


@pytest.mark.parametrize("nonlinearity, slope, gain", KAIMING)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_arguments_of_kaiming(nonlinearity, slope, gain, mode):
    name = "torch.kaiming_uniform"
    found = initialiser(name, mode=mode, nonlinearity=nonlinearity, negative_slope=slope)
    assert (str(found.variance_gain), found.mode, found.weights.name) == (gain, mode, "uniform")
    kaiming = {"a": float(slope or 0), "mode": mode, "nonlinearity": nonlinearity or "leaky_relu"}
    sample = torch_draw("kaiming_uniform_", **kaiming)
    assert worst(sample, found.weights, entry_variance(found)) < LIMIT
    assert abs(scores(sample, found.weights, entry_variance(found) * fmpq(103, 100))[0]) > LIMIT


def test_every_gain_of_torch_is_known():
    init = pytest.importorskip("torch").nn.init
    for nonlinearity in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu"):
        found = initialiser("torch.kaiming_normal", nonlinearity=nonlinearity).variance_gain
        assert init.calculate_gain(nonlinearity) ** 2 == pytest.approx(as_float(found), rel=1e-15)


@pytest.mark.slow
def test_timm_small_std_has_an_atom_in_single_precision():
    """Its uniform_(-1, 1) is -1 with chance 2^-24; erfinv(-1) = -inf, then clamped to -2 = -100 STD."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    sample = timm_module().trunc_normal_(torch.empty(2**26), std=0.02)
    assert int((sample == -2).sum()) > 0
    assert float(sample.max()) < 0.2
    assert not int((torch.nn.init.trunc_normal_(sample, std=0.02).abs() > 0.2).sum())
