"""Each initialiser against its definition, exactly; names, parameters and options that are refused."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import mpmath
import pytest
from commands import in_this_process
from flint import arb, ctx, fmpq

from actlen.describing import network_from_fields
from theory.errors import SpecError
from theory.initialisers import INITIALISERS, initialiser
from theory.laws import Normal, TruncatedNormal, as_law
from theory.readings.exact import length_moments
from theory.reals import TruncatedNormalMoment, number

CORRECTION = fmpq(87962566103423978, 10**17)  # the constant of JAX's and Keras' variance_scaling

ROWS = [tuple(row.split()) for row in (
    "he_normal normal 2 fan_in", "he_uniform uniform 2 fan_in",
    "xavier_normal normal 1 fan_avg", "xavier_uniform uniform 1 fan_avg",
    "glorot_normal normal 1 fan_avg", "glorot_uniform uniform 1 fan_avg",
    "lecun_normal normal 1 fan_in", "lecun_uniform uniform 1 fan_in",
    "torch.kaiming_normal normal 2 fan_in", "torch.kaiming_uniform uniform 2 fan_in",
    "torch.xavier_normal normal 1 fan_avg", "torch.xavier_uniform uniform 1 fan_avg",
    "jax.he_normal truncated_normal:2 2 fan_in", "jax.he_uniform uniform 2 fan_in",
    "jax.lecun_normal truncated_normal:2 1 fan_in", "jax.lecun_uniform uniform 1 fan_in",
    "jax.glorot_normal truncated_normal:2 1 fan_avg", "jax.glorot_uniform uniform 1 fan_avg",
    "keras.he_normal truncated_normal:2 2 fan_in", "keras.he_uniform uniform 2 fan_in",
    "keras.lecun_normal truncated_normal:2 1 fan_in", "keras.lecun_uniform uniform 1 fan_in",
    "keras.glorot_normal truncated_normal:2 1 fan_avg", "keras.glorot_uniform uniform 1 fan_avg",
    "flax.dense_default truncated_normal:2 1 fan_in", "keras.dense_default uniform 1 fan_avg",
    "torch.normal:0.02 normal 1/2500 none", "torch.uniform:0.3 uniform 3/100 none",
    "jax.normal:0.02 normal 1/2500 none", "keras.random_normal:1/20 normal 1/400 none",
    "keras.random_uniform:0.3 uniform 3/100 none", "torch.linear_default uniform 1/3 fan_in",
    "torch.orthogonal orthogonal 1 fan_max", "torch.orthogonal:3/2 orthogonal 9/4 fan_max",
    "jax.orthogonal orthogonal 1 fan_max", "jax.orthogonal:3/2 orthogonal 9/4 fan_max",
    "keras.orthogonal orthogonal 1 fan_max", "keras.orthogonal:3/2 orthogonal 9/4 fan_max",
)]  # fmt: skip
TRUNCATED = {  # name: cut in standard deviations, STD
    "torch.trunc_normal:0.02": (fmpq(100), fmpq(1, 50)),
    "torch.trunc_normal:1": (fmpq(2), fmpq(1)),
    "torch.trunc_normal:10": (fmpq(1, 5), fmpq(10)),
    "timm.trunc_normal:1": (fmpq(2), fmpq(1)),
    "timm.trunc_normal_tf:0.02": (fmpq(2), fmpq(1, 50)),
    "jax.truncated_normal:0.02": (fmpq(2), fmpq(1, 50)),
    "keras.truncated_normal:1/20": (fmpq(2), fmpq(1, 20)),
}


@pytest.mark.parametrize("name, law, gain, mode", ROWS)
def test_exact_definition(name, law, gain, mode):
    found = initialiser(name)
    assert (found.weights, str(found.variance_gain), found.mode) == (as_law(law), gain, mode)
    assert (found.bias_weights is None) == (found.bias_gain == 0) == (name != "torch.linear_default")


def test_every_known_name_has_its_exact_definition_here():
    stems = {name.partition(":")[0] for name in (*(row[0] for row in ROWS), *TRUNCATED)}
    assert stems == {name.partition(":")[0] for name in INITIALISERS}
    assert {"torch.trunc_normal:STD", "torch.uniform:BOUND", "he_normal"} <= set(INITIALISERS)


def test_the_documentation_lists_every_name():
    page = (Path(__file__).parents[2] / "docs" / "spec.md").read_text(encoding="utf-8")
    assert [name for name in INITIALISERS if f"`{name}`" not in page] == []


def test_the_default_bias_of_torch():
    """uniform(-1/sqrt(fan_in), 1/sqrt(fan_in)): variance 1/(3 fan_in)."""
    found = initialiser("torch.linear_default")
    assert (found.bias_weights, found.bias_gain) == (as_law("uniform"), fmpq(1, 3))


@pytest.mark.parametrize("name", TRUNCATED)
def test_variance_of_the_truncated_laws(name):
    """STD^2 (1 - 2 cut phi(cut)/(2 Phi(cut) - 1)), integrated by parts; no correction."""
    cut, std = TRUNCATED[name]
    found = initialiser(name)
    assert found.weights == TruncatedNormal(cut)
    assert found.variance_gain == TruncatedNormalMoment(cut, 1, std**2)
    assert found.mode == "none"
    with mpmath.workdps(40):
        c, s = (mpmath.mpf(int(x.p)) / int(x.q) for x in (cut, std))
        inside = 1 - 2 * c * mpmath.npdf(c) / mpmath.erf(c / mpmath.sqrt(2))
        expected = arb(mpmath.nstr(s**2 * inside, 30))
    assert abs(number(found.variance_gain) / expected - 1) < 1e-12
    corrected = expected / arb(mpmath.nstr(inside, 30))
    assert cut == 100 or abs(number(found.variance_gain) / corrected - 1) > 0.2


def off_by_less(constant, tolerance):
    with ctx.workprec(200):
        root = TruncatedNormalMoment(fmpq(2), 1).enclosure().sqrt()
        return bool(abs(root - constant) < arb(tolerance))


def test_the_correcting_constant_is_the_standard_deviation_of_the_truncated_law():
    assert off_by_less(CORRECTION, fmpq(1, 10**16))
    assert not off_by_less(CORRECTION + fmpq(2, 10**16), fmpq(1, 10**16))
    kappa = initialiser("keras.he_normal").weights.kurtosis
    assert fmpq(236553, 100000) < kappa < fmpq(236554, 100000)


def mean_lengths(**fields):
    return [row[0] for row in length_moments(network_from_fields(fields), 1)]


def test_sixfold_shrink_and_plateau_of_the_default_of_torch():
    """E M -> E M/6 + 1/(6n) per layer of fan_in n: with n = 100 the fixed point is 1/500."""
    means = mean_lengths(widths="784,100x20,10", init="torch.linear_default")
    plateau = fmpq(1, 5 * 100)
    assert plateau == plateau / 6 + fmpq(1, 600)
    assert means[1] == fmpq(1, 6) + fmpq(1, 6 * 784)
    assert all(b - plateau == (a - plateau) / 6 for a, b in pairwise(means[1:]))
    assert 0 < means[-1] - plateau < fmpq(1, 10**15)
    mutant = fmpq(1, 4 * 100)
    assert not any(b - mutant == (a - mutant) / 6 for a, b in pairwise(means[1:]))


def test_bias_options_win_over_the_initialiser():
    fields = {"widths": "784,100x20,10", "init": "torch.linear_default"}
    assert mean_lengths(**fields, bias_variance=0)[-1] == fmpq(1, 6**21)
    net = network_from_fields(fields | {"bias_weights": "normal"})
    assert set(net.bias_weights) == {Normal()}
    assert net.bias_variance[:2] == (fmpq(1, 3 * 784), fmpq(1, 300))
    assert not network_from_fields(fields | {"init": "keras.dense_default"}).has_bias


def kaiming(**options):
    return lambda: initialiser("torch.kaiming_normal", **options)


BAD = {
    "no parameter": (lambda: initialiser("torch.trunc_normal"), "such as torch.trunc_normal:0.02"),
    "empty parameter": (lambda: initialiser("keras.random_normal:"), "needs its standard deviation"),
    "parameter too many": (lambda: initialiser("torch.linear_default:2"), "takes no parameter"),
    "negative parameter": (lambda: initialiser("torch.normal:-1"), "must be positive"),
    "empty gain": (lambda: initialiser("torch.orthogonal:"), "needs its gain"),
    "gain zero": (lambda: initialiser("jax.orthogonal:0"), "must be positive"),
    "zero parameter": (lambda: initialiser("timm.trunc_normal_tf:0"), "must be positive"),
    "text as parameter": (lambda: initialiser("jax.truncated_normal:x"), "finite number"),
    "nan as parameter": (lambda: initialiser("jax.normal:nan"), "finite number"),
    "nothing cut": (lambda: initialiser("torch.trunc_normal:1e-9"), "torch.normal:STD"),
    "prefix forgotten": (lambda: initialiser("kaiming_normal"), "'torch.kaiming_normal'"),
    "misspelt": (lambda: initialiser("keras.he_norml"), "'keras.he_normal'"),
    "unknown framework": (lambda: initialiser("tf.he_normal"), "'he_normal'"),
    "fan mode that torch lacks": (kaiming(mode="fan_avg"), "known: fan_in, fan_out"),
    "fan mode of another type": (kaiming(mode=3), "known: fan_in, fan_out"),
    "unknown nonlinearity": (kaiming(nonlinearity="rellu"), "did you mean 'relu'?"),
    "nonlinearity of another type": (kaiming(nonlinearity=3), "unknown nonlinearity"),
    "slope of relu": (kaiming(nonlinearity="relu", negative_slope="0.1"), "belongs to leaky_relu"),
    "slope nan": (kaiming(negative_slope=math.nan), "negative slope must be a finite number"),
    "arguments elsewhere": (lambda: initialiser("torch.xavier_normal", mode="fan_in"), "takes no mode"),
    "cut 0": (lambda: as_law("truncated_normal:0"), "must be positive"),
    "negative cut": (lambda: as_law("truncated_normal:-2"), "must be positive"),
    "bad widths with a bias": (
        lambda: mean_lengths(widths=[3, 0], init="torch.linear_default"),
        "n_1 must be",
    ),
    "init and mode": (lambda: mean_lengths(widths="3,2", init="he_normal", mode="fan_out"), "drop mode"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_one_helpful_line(name):
    call, piece = BAD[name]
    with pytest.raises(SpecError) as caught:
        call()
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)
    assert 20 <= len(str(caught.value)) <= 350


def predict(*words):
    return in_this_process("predict", "--widths", "784,100x20,10", *words)


def test_the_picture_from_the_command_line():
    done = predict("--init", "torch.linear_default", "--json")
    means = [layer["moments"]["1"]["value"] for layer in json.loads(done.stdout)["layers"]]
    assert means[0] / means[1] == pytest.approx(6, rel=0.01)
    assert means[-1] == pytest.approx(1 / 500, rel=1e-12)


@pytest.mark.parametrize(
    "words",
    [
        ("--weights", "truncated_normal:0"),
        ("--mode", "fan_middle"),
        ("--init", "torch.kaiming_normal", "--mode", "fan_out"),
        ("--init", "torch.trunc_normal"),
    ],
)
def test_the_command_line_refuses_with_status_2(words):
    done = predict(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("actlen: ")


def test_names_are_cheap_to_import():
    script = "import sys, theory.initialisers; print([m for m in ('numpy', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
