"""Orthogonal initialisers against draws of torch, JAX and Keras, where they are installed.

Every draw must be gain Q, rows or columns orthonormal, to rounding: that fixes the scale for all shapes.
That Q is uniform shows in the signs: the corner entry has mean 0 with standard error 1/sqrt(N R) over R
draws, while without the signs of R's diagonal it is never positive.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest
from flint import fmpq
from soundness import POWER_RUNS, RUNS, check_power_of_shifts, check_uniform

from simulate.samplers import draw
from theory.fans import fan
from theory.initialisers import initialiser
from theory.laws import as_law
from theory.network import FullyConnected
from theory.reals import as_float, number

DRAWS, LIMIT = 400, 5
SHAPES = [(5, 3), (4, 4), (3, 7)]


def torch_draws(shape, gain):
    """(fan_out, fan_in) matrices of `torch.nn.Linear`."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    return [torch.nn.init.orthogonal_(torch.empty(*shape), gain=gain).numpy() for _ in range(DRAWS)]


def jax_draws(shape, gain):
    """Kernels are (fan_in, fan_out) in JAX."""
    jax = pytest.importorskip("jax")
    draw = jax.jit(jax.vmap(lambda key: jax.nn.initializers.orthogonal(gain)(key, shape[::-1])))
    return np.asarray(draw(jax.random.split(jax.random.key(2), DRAWS))).transpose(0, 2, 1)


def keras_draws(shape, gain):
    """Likewise in Keras."""
    os.environ.setdefault("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
    keras = pytest.importorskip("keras")
    chosen = keras.initializers.Orthogonal(gain=gain, seed=keras.random.SeedGenerator(3))
    tensors = (chosen(shape[::-1]) for _ in range(DRAWS))
    return [np.asarray(t.detach() if hasattr(t, "detach") else t).T for t in tensors]


FRAMEWORKS = {"torch": torch_draws, "jax": jax_draws, "keras": keras_draws}


def is_scaled_orthogonal(matrix, variance):
    """W W' or W' W = N variance on the diagonal, N the larger side."""
    square = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    return np.allclose(square, max(matrix.shape) * variance * np.eye(len(square)), atol=2e-5 * square.max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_framework_draws_these_matrices(framework, shape):
    """Mutants: the variance of the other side; the first column's signs made alike."""
    chosen = initialiser(f"{framework}.orthogonal:3/2")
    rows, columns = shape
    variance = as_float(number(chosen.variance_gain) / number(fan(chosen.mode, columns, rows)))
    matrices = np.array(FRAMEWORKS[framework](shape, 1.5), float)
    assert all(is_scaled_orthogonal(m, variance) for m in matrices)
    assert rows == columns or not is_scaled_orthogonal(matrices[0], variance * max(shape) / min(shape))
    assert abs(corner_score(matrices, variance)) < LIMIT
    assert abs(corner_score(-abs(matrices), variance)) > LIMIT


def corner_score(matrices, variance):
    """Of the corner's mean, 0, by its exact error."""
    return matrices[:, 0, 0].mean() / (variance / len(matrices)) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_soundness_of_the_corner(shape):
    """2,000 runs of 400 matrices by NumPy, without the frameworks."""
    runs = (np.random.default_rng([*shape, run]) for run in range(RUNS))
    scores = [corner_score(draw(as_law("orthogonal"), random, (DRAWS, *shape)), 1) for random in runs]
    check_uniform(f"corner, {shape}", scores)
    check_power_of_shifts(f"corner, {shape}", scores[:POWER_RUNS], LIMIT)


def test_default_gain_and_scale():
    """gain 1, W = Q: fan_in times the entry variance is m/max(m, n), which shrinks a ReLU net."""
    widths = [6, 3, 3, 9]
    network = FullyConnected(widths, **initialiser("torch.orthogonal").options(widths))
    assert [layer.effective_gain for layer in network.layers] == [1, 1, fmpq(1, 3)]
    assert [layer.mean_factor for layer in network.layers] == [fmpq(1, 2), fmpq(1, 2), fmpq(1, 6)]
    assert initialiser("torch.orthogonal") == initialiser("torch.orthogonal:1")
    assert initialiser("torch.orthogonal:2").variance_gain == 4
