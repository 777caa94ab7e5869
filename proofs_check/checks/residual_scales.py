"""Which scales of a residual net are safe, in numbers (THEORY.md section 5).

linear_scales     E M_L and E M_L^2 settle for eta_l = 1/l and not for 1/sqrt(l), linear output.
bent_scales       bounds on E M_L settle for eta_l = 2^-l and not for 1/l, ReLU output.
summable_scales   moments stay small for eta_l = 2^-l, either output, every law.
harmonic_scales   eta_l = 1/sqrt(l) -> 0, yet E M_L = (L + 1) M_0.
sign_weights      E M_L -> 0 although sum eta_l = infinity: sign weights and a negative input.
growing_modules   eta_l = 1/l with 2l - 1 hidden layers of one neuron: sum eta_l = infinity, yet bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from flint import arb, ctx, fmpq

from proofs_check import residual_oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.witness import pinned
from proofs_check.claim import Claim
from proofs_check.search import describe
from proofs_check.verdict import Evidence, Outcome
from theory import residual_closed_forms
from theory.laws import LawLike
from theory.readings.residual import length_moments
from theory.reals import ExactReal, Number, square_root
from theory.residual import Residual
from theory.residual_bounds import pair_bounds
from theory.values import as_value

__all__ = [
    "bent_scales",
    "growing_modules",
    "harmonic_scales",
    "linear_scales",
    "sign_weights",
    "summable_scales",
]

_BITS = 128
_BLOCKS = 100
_MODULES = 30
_COUNTED = 3
_FALLING = 12


def linear_scales(claim: Claim) -> list[Evidence]:
    """From block 50 to block 100: nearly settled for 1/l, which is far from true for 1/sqrt(l)."""
    laws = claim.family.representatives()
    safe = [_linear(_over, law) for law in laws]
    fatal = [_linear(_over_root, law) for law in laws]
    holds = all(_nearly_settled(_recursion(net)) for net in safe)
    noticed = not any(_nearly_settled(_recursion(net)) for net in fatal)
    detail = f"eta_l = 1/l: E M_100 < 1.05 E M_50 and E M_100^2 < 1.2 E M_50^2, {len(laws)} laws"
    evidence = paired("recursion", holds, detail, noticed, "eta_l = 1/sqrt(l)")
    holds, noticed = (
        _nearly_settled(_closed(_linear(_over))),
        not _nearly_settled(_closed(_linear(_over_root))),
    )
    return [
        *evidence,
        *paired("closed form", holds, "the same, normal weights", noticed, "eta_l = 1/sqrt(l)"),
    ]


def bent_scales(claim: Claim) -> list[Evidence]:
    """Bounds on E M_L, normal weights: settled for 2^-l and any signs of the input, not for 1/sqrt(l)."""
    halves, roots = ([eta(l) for l in range(1, _BLOCKS + 1)] for eta in (_halved, _over_root))
    safe = [_bent(x, halves) for x in ([1], [-1], [1, -2, 2], [-1, -1])]
    fatal = [_bent(x, roots) for x in ([1], [1, -2, 2], [-3, 1, 1])]
    with ctx.workprec(_BITS):
        holds = all(_settles(net) for net in safe) and all(_escapes(net) for net in fatal)
        noticed = not any(_settles(net) for net in fatal)
    detail = (
        f"eta_l = 2^-l: E M_100 < 6 M_0, {len(safe)} inputs; 1/sqrt(l): > 10,000 M_0, {len(fatal)} inputs"
    )
    return paired("bounds", holds, detail, noticed, "1/sqrt(l) taken for a schedule that settles")


def summable_scales(claim: Claim) -> list[Evidence]:
    """eta_l = 2^-l adds up to 1: prod (1 + 4^-l) < 2 and prod (1 + sqrt(2) 2^-l + 4^-l) < 6."""
    laws = claim.family.representatives()
    linear = [_linear(_halved, law) for law in laws]
    holds = all(_recursion(net)[-1][0] < 2 for net in linear)
    noticed = not all(_recursion(_linear(_over_root, law))[-1][0] < 2 for law in laws)
    detail = f"linear output, eta_l = 2^-l: E M_{_BLOCKS} < 2 M_0, {len(laws)} laws"
    evidence = paired("recursion", holds, detail, noticed, "eta_l = 1/sqrt(l)")
    halves, roots = ([eta(l) for l in range(1, _BLOCKS + 1)] for eta in (_halved, _over_root))
    with ctx.workprec(_BITS):
        holds = all(_settles(_bent([1, -2, 2], halves, law)) for law in laws)
        noticed = not any(_settles(_bent([1, -2, 2], roots, law)) for law in laws)
    detail = f"ReLU output, eta_l = 2^-l: E M_{_BLOCKS} < 6 M_0, {len(laws)} laws"
    return [*evidence, *paired("bounds", holds, detail, noticed, "eta_l = 1/sqrt(l)")]


def harmonic_scales(claim: Claim) -> list[Evidence]:
    """A convergent sequence of scales: E M_L = (L + 1) M_0 by recursion, closed form and counting."""
    net = _linear(_over_root)
    means = [row[0] for row in _recursion(net)]
    holds, noticed = _counts_up(means), not _counts_up([row[0] for row in _recursion(_linear(_over))])
    detail = f"linear output, eta_l = 1/sqrt(l): E M_{_BLOCKS} = {means[-1]} M_0"
    figures = {"witness": net.to_dict(), "mean": as_value(means[-1]).to_dict()}
    again = _counts_up([row[0] for row in _closed(net)]) and _counts_up(_counted(_even_branches()))
    roots = [square_root(fmpq(l)) for l in range(1, _COUNTED + 1)]
    different = not _counts_up(_counted(_even_branches().replaced(scales=roots)))
    return [
        *_pinned(claim, paired("witness", holds, detail, noticed, "eta_l = 1/l", figures)),
        *paired("replay", again, "closed form; counting sign weights", different, "eta_l = sqrt(l)"),
    ]


def sign_weights(claim: Claim) -> list[Evidence]:
    """One neuron everywhere, x_0 = -1, eta_l = 1/2: E M_L = (3/4)^L by counting, within the proved bounds."""
    net = Residual(1, ["1/2"] * _FALLING, [1], weights="rademacher", input=[-1])
    means = _counted(net)
    holds = means == [fmpq(3**l, 4**l) for l in range(_FALLING + 1)]
    noticed = _counted(net.replaced(input=[1])) != means
    detail = f"{describe(net)}: E M_{_FALLING} = {means[-1]} M_0"
    figures = {"witness": net.to_dict(), "mean": as_value(means[-1]).to_dict()}
    with ctx.workprec(_BITS):
        bounds = pair_bounds(net)
        again = all(b.lower <= mean <= b.upper for b, mean in zip(bounds, means, strict=True))
        above = bounds[1].upper < fmpq(9, 10)
    return [
        *_pinned(claim, paired("witness", holds, detail, noticed, "x_0 = 1", figures)),
        *paired("replay", again, "within the bounds that hold for every law", above, "E M_1 = 9/10 M_0"),
    ]


def growing_modules(claim: Claim) -> list[Evidence]:
    """One neuron, input 1: E M_L = prod (1 + 2 c_l/l + 1/l^2), c_l = pi^-l for normal weights."""
    net = _modules(lambda l: 2 * l - 1)
    with ctx.workprec(_BITS):
        mean = pair_bounds(net)[-1]
        limit = (arb.pi() ** 2 / 6).exp() / (1 - 1 / arb.pi()) ** 2
        holds = bool(mean.upper < limit) and bool(mean.upper - mean.lower < arb(2) ** -64)
        noticed = not bool(pair_bounds(_modules(lambda l: 1))[-1].upper < limit)
        total = sum((fmpq(1, l) for l in range(1, _MODULES + 1)), fmpq(0))
        detail = (
            f"modules of 1, 3, ..., {2 * _MODULES - 1} hidden layers of one neuron, eta_l = 1/l: sum eta_l = "
            f"{arb(total).str(4, radius=False)}, E M_{_MODULES} = {arb(mean.upper).str(6, radius=False)} M_0 "
            f"< {limit.str(4, radius=False)} M_0"
        )
    figures = {"witness": net.to_dict(), "mean": mean.to_dict()}
    signs = _modules(lambda l: 2 * l - 1, _COUNTED).replaced(weights="rademacher")
    again = _counted(signs) == list(_product(lambda l: fmpq(1, 2**l)))
    different = _counted(signs) != list(_product(lambda l: fmpq(1, 2)))
    counted = f"counting sign weights, {_COUNTED} blocks: c_l = 2^-l"
    return [
        *_pinned(
            claim, paired("witness", holds, detail, noticed, "one hidden layer in every module", figures)
        ),
        *paired("replay", again, counted, different, "c_l = 1/2 in every block"),
    ]


def _over(l: int) -> ExactReal:
    return fmpq(1, l)


def _over_root(l: int) -> ExactReal:
    return square_root(fmpq(1, l))


def _halved(l: int) -> ExactReal:
    return fmpq(1, 2**l)


def _linear(eta: Callable[[int], ExactReal], law: LawLike = "normal") -> Residual:
    scales = [eta(l) for l in range(1, _BLOCKS + 1)]
    return Residual(2, scales, [3], branch_output="linear", weights=law)


def _bent(values: list[int], scales: list[ExactReal], law: LawLike = "normal") -> Residual:
    return Residual(len(values), scales, [2], input=values, weights=law)


def _modules(layers: Callable[[int], int], blocks: int = _MODULES) -> Residual:
    """Trunk of one neuron, eta_l = 1/l, so many hidden layers of one neuron in module l."""
    hidden = [[1] * layers(l) for l in range(1, blocks + 1)]
    return Residual(1, [fmpq(1, l) for l in range(1, blocks + 1)], hidden)


def _even_branches() -> Residual:
    """One neuron, eta_l = 1/sqrt(l), branches of width 2l: eta_l sqrt(2/(2l)) = 1/l is rational."""
    blocks = range(1, _COUNTED + 1)
    return Residual(
        1,
        [_over_root(l) for l in blocks],
        [[2 * l] for l in blocks],
        branch_output="linear",
        weights="rademacher",
    )


def _recursion(network: Residual) -> list[list[Number]]:
    return length_moments(network, 2)


def _closed(network: Residual) -> list[list[Number]]:
    start = network.input_power_sum(1) / network.width
    return [[start, start**2], *residual_closed_forms.length_moments(network, 2)]


def _counted(network: Residual) -> list[fmpq]:
    return [row[0] for row in residual_oracle.length_moments(network, 1)]


def _nearly_settled(rows: list[list[Number]]) -> bool:
    """Whether E M_L and E M_L^2 grow little from half of the blocks on."""
    (mean, square), (last_mean, last_square) = rows[_BLOCKS // 2], rows[_BLOCKS]
    return bool(last_mean < mean * fmpq(21, 20)) and bool(last_square < square * fmpq(6, 5))


def _settles(network: Residual) -> bool:
    bounds, start = pair_bounds(network), network.input_power_sum(1) / network.width
    return bool(bounds[-1].upper < 6 * start)


def _escapes(network: Residual) -> bool:
    return bool(pair_bounds(network)[-1].lower > 10_000 * network.input_power_sum(1) / network.width)


def _counts_up(means: list[Number] | list[fmpq]) -> bool:
    """E M_l = (l + 1) M_0."""
    return all(mean == (l + 1) * means[0] for l, mean in enumerate(means))


def _product(constant: Callable[[int], fmpq]) -> Iterator[fmpq]:
    mean = fmpq(1)
    yield mean
    for l in range(1, _COUNTED + 1):
        mean *= 1 + 2 * constant(l) / l + fmpq(1, l**2)
        yield mean


def _pinned(claim: Claim, evidence: list[Evidence]) -> list[Evidence]:
    """The witness must be the one on record."""
    first, *rest = evidence
    if first.outcome is Outcome.PASSED:
        first = replace(first, outcome=pinned(claim, first.detail))
    return [first, *rest]
