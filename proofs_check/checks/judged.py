"""Iterate the judgements of a proof as they stand, and hold the result against enumeration."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from proofs_check import oracle
from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.kernel.judgement import Judgement
from proofs_check.members import enumerable_members
from proofs_check.prover import stored_proof
from proofs_check.verdict import Evidence, Outcome
from theory.augmented import from_power_sums
from theory.network import FullyConnected, Layer
from theory.partitions import Partition
from theory.readings.exact import length_moments
from theory.reals import Number

__all__ = ["judged_recursion"]


def judged_recursion(claim: Claim) -> list[Evidence]:
    """E M_d^2 from the proof's own coefficients equals enumeration and recursion."""
    assert claim.proof is not None
    proof = stored_proof(claim.proof)
    judgements = [proof["steps"][i]["concludes"] for i in proof["conclusions"]]
    members = list(enumerable_members(claim.fully_connected_family, 2))
    agreed, cases = _agree(judgements, members)
    broken = [_replaced(j, claim) for j in judgements]
    planted, _ = _agree(broken, members)
    return [
        Evidence(
            "judged recursion",
            Outcome.PASSED if agreed and cases >= 10 else Outcome.FAILED,
            f"the proved coefficients give E M_d^2 of {cases} enumerated networks",
            {"cases": cases},
        ),
        Evidence(
            "judged recursion",
            Outcome.ACCEPTED if planted else Outcome.REJECTED,
            f"{claim.mutant.replace} changed to {claim.mutant.by}",
            {},
            is_mutant=True,
        ),
    ]


def _replaced(judgement: Judgement, claim: Claim) -> Judgement:
    replace, by = claim.mutant.replace or "", claim.mutant.by or ""
    changed = {p: text.replace(replace, by) for p, text in judgement["coefficients"].items()}
    return {**judgement, "coefficients": changed}


def _agree(judgements: Sequence[Judgement], members: Sequence[FullyConnected]) -> tuple[bool, int]:
    cases = 0
    for network in members:
        try:
            counted = oracle.length_moments(network, 2, max_states=4_000)[-1][1]
        except oracle.OracleLimitError:
            continue
        cases += 1
        if not counted == _iterated(judgements, network) == length_moments(network, 2)[-1][1]:
            return False, cases
    return cases > 0, cases


def _iterated(judgements: Sequence[Judgement], network: FullyConnected) -> Number:
    """E M_d^2 = E of the normalised A_2 + A_11 after the last layer."""
    sums = [network.input_power_sum(r) for r in range(3)]
    n = fmpq(network.widths[0])
    state: dict[Partition, Number] = {(): fmpq(1)}
    for parts in ((1,), (2,), (1, 1)):
        state[parts] = from_power_sums(parts, sums.__getitem__, fmpq(1)) / n ** sum(parts)
    for layer in network.layers:
        after: dict[Partition, Number] = {(): fmpq(1)}
        for judgement in judgements:
            target = tuple(judgement["target"]["augmented"])
            terms = judgement["coefficients"].items()
            after[target] = sum((_at(text, layer) * state[_parts(source)] for source, text in terms), fmpq(0))
        state = after
    return state[2,] + state[1, 1]


def _at(text: str, layer: Layer) -> Number:
    """A coefficient at this layer's width, kurtosis and bias moments."""
    b4 = layer.bias.even_moment(2) * layer.bias_variance**2
    given = {"u": fmpq(1, layer.width), "m4": layer.weights.kurtosis, "b2": layer.bias_variance, "b4": b4}
    return value_at(text, given)


def _parts(text: str) -> Partition:
    return tuple(int(part) for part in text.split(",")) if text else ()
