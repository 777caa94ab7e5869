"""When the constants of Theorem 5 are attained, by enumeration and by power sums."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from flint import fmpq

from proofs_check import oracle
from proofs_check.claim import Claim
from proofs_check.stand_in import stand_in
from proofs_check.verdict import Evidence, Outcome
from theory import power_sums
from theory.laws import Law, as_law
from theory.network import FullyConnected

__all__ = ["attainment"]

_LAWS = ("rademacher", "uniform", "normal", "laplace")
_SHAPES = ((1, 1), (1, 3), (2, 1), (2, 2), (1, 1, 2), (1, 2, 1), (2, 1, 2), (2, 2, 1), (3, 1, 1, 2))


def attainment(claim: Claim) -> list[Evidence]:
    """E M_d^2 equals prod (1 + 5/n_j) only at kurtosis 3, and prod (1 + (2 kappa - 1)/n_j) only there
    or along layers with one non-zero entry."""
    equal_at = fmpq(int(claim.judgements[0]["equal_at"]))
    cases = [(as_law(law), widths, hot) for law, widths, hot in product(_LAWS, _SHAPES, (False, True))]
    evidence = []
    for name, second in (("enumeration", _counted), ("power sums", _summed)):
        good = all(_as_said(case, second, equal_at) for case in cases)
        planted = all(_as_said(case, second, equal_at + 1) for case in cases)
        detail = f"attained exactly where said, on {len(cases)} networks"
        evidence += [
            Evidence(name, Outcome.PASSED if good else Outcome.FAILED, detail, {"cases": len(cases)}),
            Evidence(
                name,
                Outcome.ACCEPTED if planted else Outcome.REJECTED,
                f"kurtosis {equal_at + 1} for {equal_at}",
                {},
                is_mutant=True,
            ),
        ]
    return evidence


def _as_said(
    case: tuple[Law, tuple[int, ...], bool],
    second_moment: Callable[[FullyConnected], fmpq],
    equal_at: fmpq,
) -> bool:
    law, widths, hot = case
    values = [1] + [0] * (widths[0] - 1) if hot else [1] * widths[0]
    network = FullyConnected(widths, weights=stand_in(law, 2), input=values)
    start = (network.input_power_sum(1) / widths[0]) ** 2
    kurtosis = network.weights[0].kurtosis
    assert isinstance(kurtosis, fmpq)
    spread, single = start, start
    for n in widths[1:]:
        spread, single = spread * (1 + fmpq(5, n)), single * (1 + (2 * kurtosis - 1) / n)
    found = second_moment(network)
    always, narrow = kurtosis == equal_at, (hot or widths[0] == 1) and set(widths[1:-1]) <= {1}
    return (found == spread) == always and (found == single) == (always or narrow)


def _counted(network: FullyConnected) -> fmpq:
    return oracle.length_moments(network, 2)[-1][1]


def _summed(network: FullyConnected) -> fmpq:
    *_, (_, second) = power_sums.length_moments(network, 2)
    assert isinstance(second, fmpq)
    return second
