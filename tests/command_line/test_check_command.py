"""`actlen check` and `al.check`: verdicts, witnesses, output, refusals, and what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction

import pytest
from commands import COMMAND, in_this_process
from flint import fmpq

import actlen as al
from proofs_check import hunt, proving, settle
from proofs_check.corners import corner_rounds
from proofs_check.family import parse_family
from proofs_check.language.errors import StatementError
from proofs_check.language.meaning import check_meaning
from proofs_check.language.parse import parse
from proofs_check.shrink import shrunk
from proofs_check.verdict import Verdict
from theory.errors import SpecError
from theory.network import FullyConnected

WIDE = "weights=normal; widths=1..1000; depth=1..1000"
BOUND = "E[M[d]**2] <= M[0]**2 * exp({}*sum(1/n[j], j, 1, d))"


def run(*words, text=""):
    return in_this_process("check", *words, text=text)


def refused(*words):
    done = run(*words)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


# Each is false by little or at one corner only; the pairs show what the falsehood is.
SUBTLY_FALSE = [
    ("wide nets pass 4.9", BOUND.format("4.9"), WIDE),
    ("wide nets pass 4.95", BOUND.format("4.95"), WIDE),
    ("narrow nets of heavy weights", BOUND.format("5"), "weights=laplace; widths=1..1000; depth=1..1000"),
    ("the same for any law", BOUND.format("5"), "weights=any"),
    ("log 6 is the lower constant", "E[M[d]**2] >= M[0]**2*exp(1.81*sum(1/n[j], j, 1, d))", ""),
    ("equal at width 1", "E[M[d]**2] > M[0]**2*exp(log(2)*sum(1/n[j], j, 1, d))", "weights=rademacher"),
    ("equal always", "sqrt(E[M[d]**2]) < M[0]*prod(sqrt(1+5/n[j]), j, 1, d)", ""),
    ("not for signs", "E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", "weights=rademacher"),
    ("the last layer forgotten", "E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d-1)", ""),
    ("the index shifted", "E[M[d]**2] == M[0]**2*prod(1+5/n[j-1], j, 1, d)", ""),
    ("the first layer forgotten", "E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 2, d)", ""),
    ("one per cent more", "E[M[d]**2] == M[0]**2*prod(1+5.05/n[j], j, 1, d)", ""),
    ("a power of M_0 lost", "E[M[d]**2] == M[0]*prod(1+5/n[j], j, 1, d)", ""),
    ("one per cent less", "E[M[d]**2] <= M[0]**2*prod(1+4.95/n[j], j, 1, d)", "weights=uniform"),
    ("attained by one-hot inputs", "E[M[d]**2] > M[0]**2*prod(1+(2*kappa-1)/n[j],j,1,d)", "weights=uniform"),
    ("not by others", "E[M[d]**2] >= M[0]**2*prod(1+(2*kappa-1)/n[j],j,1,d)", "weights=laplace"),
    ("the bias forgotten", "E[M[d]] == M[0]", "bias=any"),
    ("the variance squared", "E[M[d]] == M[0] + 1/2*sum(nu2[j]**2, j, 1, d)", "bias=any"),
    ("the last bias forgotten", "E[M[d]] == M[0] + 1/2*sum(nu2[j], j, 1, d-1)", "bias=any"),
    ("the first bias for all", "E[M[d]] == M[0] + d/2*nu2[1]", "bias=any"),
    ("no bias is a bias too", "E[M[d]] > M[0]", "bias=any"),
    (
        "the fourth moment lost",
        "E[M[d]**2] <= prod(1+5/n[j],j,1,d)*(M[0]+sum(nu2[j]/2,j,1,d))**2",
        "bias=any",
    ),
    (
        "rare biases in wide nets",
        "E[M[d]**2] <= prod(1+5/n[j],j,1,d)*((M[0]+sum(nu2[j]/2,j,1,d))**2+0.495*sum(nu4[j]/n[j],j,1,d))",
        "bias=any",
    ),
    ("a quarter is sharp", "E[EmpVar] <= 0.2475*Var[M[d]]", ""),
    ("zero at depth 1", "E[EmpVar] > 0", ""),
    ("a quarter fails with biases", "E[EmpVar] <= 1/4*Var[M[d]]", "bias=any"),
    ("only to first order", "Var[M[d]] <= 5*M[0]**2*sum(1/n[j], j, 1, d)", ""),
    ("43 for 44", "E[M[d]**3] == M[0]**3*prod(1+15/n[j]+43/n[j]**2, j, 1, d)", ""),
    ("the gain too small", "E[M[d]] == M[0]", "variance_gain=1.99"),
    ("another activation", "E[M[d]] == M[0]", "activation=leaky_relu:0.1; variance_gain=2"),
    ("deep nets grow without bound", "E[M[d]**2] <= 10**6*M[0]**2", "widths=100..1000; depth=1..1000"),
    (
        "a block forgotten",
        "E[M[L]] == M[0]*prod(1+eta[l]**2, l, 1, L-1)",
        "network=residual; branch_output=linear",
    ),
    ("the bent branch adds", "E[M[L]] <= M[0]*prod(1+eta[l]**2, l, 1, L)", "network=residual"),
]


@pytest.mark.timed
@pytest.mark.full_cases("deep nets*")
@pytest.mark.parametrize(("why", "statement", "where"), SUBTLY_FALSE, ids=[s[0] for s in SUBTLY_FALSE])
def test_what_is_false_by_little_is_refuted_at_once(why, statement, where):
    start = time.process_time()
    found = al.check(statement, where)
    assert found.verdict is Verdict.REFUTED
    assert time.process_time() - start < 5
    assert not found.witness.contradicted_by
    family, network = parse_family(where), found.witness.network
    if isinstance(network, FullyConnected):
        assert family.admits(network.widths)
        assert "power sums" in found.witness.confirmed_by


TRUE = [
    ("E[M[d]**2] <= M[0]**2*exp(5*sum(1/n[j], j, 1, d))", WIDE),
    ("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)", ""),
    ("E[M[d]] == M[0] + 1/2*sum(nu2[j], j, 1, d)", "bias=any; weights=any"),
    ("0 <= E[EmpVar] <= 1/4*Var[M[d]]", "weights=any"),
    ("E[M[d]**2] >= M[0]**2*exp(log(2)*sum(1/n[j], j, 1, d))", "weights=any"),
    ("min(E[M[d]], M[0]) == max(M[0], E[M[1]]) == abs(-M[0])", "weights=uniform,laplace"),
    ("E[M[L]] == M[0]*prod(1+eta[l]**2, l, 1, L)", "network=residual; branch_output=linear"),
]


@pytest.fixture
def no_prover(monkeypatch):
    monkeypatch.setattr(settle, "checked_proof", lambda *_: None)


@pytest.mark.fast_cases("*bias=any; weights=any", "*network=residual*")
@pytest.mark.parametrize(("statement", "where"), TRUE)
@pytest.mark.usefixtures("no_prover")
def test_what_is_true_is_never_refuted(statement, where):
    found = settle.settle(statement, where, seconds=1)
    assert found.verdict in {Verdict.SUPPORTED, Verdict.INCONCLUSIVE}
    assert found.witness is None
    assert found.cases > 20


@pytest.mark.usefixtures("no_prover")
def test_support_names_the_tightest_case():
    found = settle.settle("E[M[d]**2] <= 6*M[0]**2", "widths=1..9; depth=1; input=ones", examples=20)
    assert found.verdict is Verdict.SUPPORTED
    assert found.tightest.network.widths[-1] == 1
    assert found.tightest.relative_slack == 0
    looser = settle.settle("E[M[d]**2] <= 8*M[0]**2", "widths=1..9; depth=1; input=ones", examples=20)
    assert looser.tightest.relative_slack == 0.25


@pytest.mark.usefixtures("no_prover")
def test_a_tie_that_nothing_decides_is_inconclusive():
    found = settle.settle("sqrt(2) + sqrt(3) <= sqrt(5 + 2*sqrt(6))", "depth=1; widths=1", examples=3)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.undecided == found.cases > 0
    assert not found.out_of_time


@pytest.mark.usefixtures("no_prover")
def test_the_time_limit_is_kept_and_said():
    start = time.process_time()
    found = settle.settle("E[M[d]**2] >= M[0]**2", "weights=any; bias=any", seconds=0.5)
    assert time.process_time() - start < 3
    assert (found.verdict, found.out_of_time) == (Verdict.INCONCLUSIVE, True)


def test_a_witness_that_another_route_contradicts_refutes_nothing(monkeypatch):
    """The first route broken: 6 becomes 7 for M_1^2; the power sums see it."""

    class Wrong:
        def __init__(self, network):
            self.network = network

        def expectation(self, monomial):
            return fmpq(7)

    for module in (hunt, settle):
        monkeypatch.setattr(module, "pinpointed", Wrong)
    found = settle.settle("E[M[d]**2] == 6*M[0]**2", "widths=1; depth=1; input=ones")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert set(found.witness.contradicted_by) == {"power sums", "enumeration"}


def test_a_proof_comes_after_the_quick_corners_and_before_the_long_search(monkeypatch):
    asked = []
    proof = {"format": "test", "parts": [{}]}
    monkeypatch.setattr(settle, "checked_proof", lambda *given: asked.append(given) or proof)
    assert settle.settle("E[M[d]] == 2*M[0]").verdict is Verdict.REFUTED
    assert asked == []
    found = settle.settle("E[M[d]] == M[0]", "widths=1..3; depth=1..2")
    assert (found.verdict, found.proof, len(asked)) == (Verdict.PROVED, proof, 1)
    json.dumps(found.to_dict())


class _Prover:
    """A prover and its kernel, which accepts or not."""

    class RejectedProofError(Exception):
        pass

    def __init__(self, proof, accepts):
        self.proof, self.accepts = proof, accepts

    def prove(self, statement, family, *, seconds):
        return self.proof

    def check_proof(self, statement, family, proof):
        if not self.accepts:
            raise self.RejectedProofError


@pytest.mark.parametrize(
    ("proof", "accepts", "kept"), [({}, True, True), ({}, False, False), (None, True, False)]
)
def test_a_proof_counts_only_if_the_kernel_accepts_it(monkeypatch, proof, accepts, kept):
    stub = _Prover(proof, accepts)
    monkeypatch.setattr(proving, "import_module", lambda name: stub)
    found = proving.checked_proof(parse("E[M[d]] == M[0]"), parse_family(""), 1)
    assert (found is not None) is kept


def test_witnesses_are_small():
    assert al.check(BOUND.format("4.9"), WIDE).witness.network.widths == (1, 122)
    assert al.check("E[EmpVar] <= 0.24*Var[M[d]]").witness.network.widths == (1, 20, 1)
    found = al.check("E[M[d]] <= M[0] + 3/2", "bias=any; depth=4..9; widths=3..5").witness.network
    assert found.depth == 4
    assert set(found.widths) == {3}


def test_shrinking_stays_within_the_family_and_within_what_fails():
    family = parse_family("widths=2..2000; depth=3..40")
    start = FullyConnected([900] * 30, input=[1] * 900)
    small = shrunk(start, family, lambda net: sum(net.widths) >= 17)
    assert family.admits(small.widths)
    assert sum(small.widths) == 17
    assert small.depth == 3
    assert shrunk(start, family, lambda net: False) == start


@pytest.mark.parametrize(
    "where", ["", "widths=7", "depth=1; input=ones", "widths=5..6; depth=2..3; bias=normal"]
)
def test_corners_are_members(where):
    family = parse_family(where)
    members = [net for net, _ in zip(corner_rounds(family, 50), range(400), strict=False)]
    assert members
    assert all(family.admits(net.widths) for net in members)
    assert family.any_input or all(net.input is None for net in members)
    assert family.has_bias or not any(net.has_bias for net in members)


LANGUAGE = [
    ("E[M[d]**d] >= M[0]**d", "depth=1..3; widths=1..3"),
    ("kappa == 9/5", "weights=uniform; depth=1..3; widths=1..3"),
    ("g == 2", "depth=1..2; widths=1..2"),
    ("g == 200/101", "activation=leaky_relu:0.1; depth=1..2; widths=1..2"),
    ("nu2[1]**2 <= nu4[d] + nu2[1]**2", "bias=any; depth=1..3; widths=1..3"),
    ("kappa >= 1", "weights=finite:-1:1/4,0:1/2,1:1/4,normal; depth=1..2; widths=1..2"),
    ("eta[L] == 1/2", "network=residual; scales=1/2; depth=1..2; widths=1..2"),
    ("exp(log(M[0])) == sqrt(M[0]**2) == abs(-M[0])", "depth=1..2; widths=1..3"),
    ("sum(1, j, 3, 1) == 0 < prod(2, j, 3, 1) == 1", "depth=1..2; widths=1..3"),
    ("E[(M[1] - M[0])**2] == Var[M[1]]", "input=ones; depth=1..2; widths=1..3"),
]


@pytest.mark.parametrize(("statement", "where"), LANGUAGE)
@pytest.mark.usefixtures("no_prover")
def test_the_words_of_the_language_work_on_members(statement, where):
    found = settle.settle(statement, where, examples=20, corners=100, seconds=60)
    assert found.verdict is Verdict.SUPPORTED


BAD = [
    ("E[M[d+1]] == 1", "", "M[d+1] does not exist", 3),
    ("n[-1] == 1", "", "n[-1] does not exist", 1),
    ("E[M[2]] == 1", "", "leave those out with --where depth=2..100000", 3),
    ("E[M[d]] == kapa", "", "did you mean kappa?", 12),
    ("E[M[d]] == L", "", "L belongs to residual nets", 12),
    ("E[M[d]] == nu2", "", "nu2 takes an index", 12),
    ("eta[1] == 1", "", "eta belongs to residual nets", 1),
    ("nu2[1] == 0", "network=residual", "nu2 belongs to fully connected nets", 1),
    ("n[1,2] == 1", "", "takes one index", 1),
    ("sum(d, d, 1, 3) == 6", "", "meaning of its own", None),
    ("sum(1/n[j+1], j, 1, d) > 0", "", "n[j+1] does not exist", 7),
    ("1/(n[1]-1) > 0", "", "divides by zero on a member of the family (widths 1,1", None),
    ("log(1-n[1]) < 0", "", "log of a number that is not positive", None),
    ("2**10**10 == 1", "", "beyond all bounds", None),
    ("2**n[1] > 0", "widths=1..100", "from 0 to 64, or d", None),
    ("((10**64)**64)**64 > (((2**64)**64)**64)**64", "", "bits", None),
    ("sum(1, j, 1, 10**9) > 0", "", "100,000 terms", None),
    ("E[M[1]**13] > 0", "", "from 1 to 12", None),
    ("M[d] > 0", "", "write E[...]", None),
    ("E[M[d]] == 1", "widths=5..2", "1 <= low <= high", None),
    ("E[M[d]] == 1", "depth=0", "1 <= low <= high", None),
    ("E[M[d]] == 1", "weigths=normal", "did you mean 'weights'", None),
    ("E[M[d]] == 1", "weights=normal" + " " * 10_000, "the limit", None),
]


@pytest.mark.parametrize(("statement", "where", "piece", "column"), BAD)
def test_what_means_nothing_is_refused_with_its_place(statement, where, piece, column):
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        al.check(statement, where)
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 2
    if column is not None:
        assert caught.value.column == column


def test_an_index_is_refused_where_the_shallowest_net_lacks_it_and_only_there():
    check_meaning(parse("E[M[2]] >= 0"), parse_family("depth=2..5"))
    check_meaning(parse("prod(n[j-5], j, 6, d) > 0"), parse_family("depth=1..9"))
    with pytest.raises(StatementError, match="depth 1 "):
        check_meaning(parse("E[M[2]] >= 0"), parse_family("depth=1..5"))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_time_limits_are_seconds(seconds):
    with pytest.raises(SpecError, match="time limit"):
        al.check("E[M[d]] == M[0]", seconds=seconds)


# The command itself.


def test_a_refutation_on_the_command_line():
    done = run(BOUND.format("4.9"), "--where", WIDE)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("refuted  E[M[d]**2] <= ")
    assert "network widths 1,122; weights normal; input ones" in done.stdout
    assert "127/122" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_has_the_documented_keys():
    done = run("E[M[d]**2] == 2*M[0]**2", "--where", "weights=rademacher; depth=1..3", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {"verdict", "statement", "witness", "cases", "proof", "seconds"} <= set(found)
    assert found["verdict"] == "refuted"
    assert found["witness"]["network"]["weights"] == "rademacher"
    left, right = (Fraction(side["exact"]) for side in found["witness"]["sides"])
    assert left != right


def test_what_stays_open_exits_3_or_0_where_that_is_accepted():
    # Irrational ties at a corner: no route decides them, so this stays open whatever the prover knows.
    words = ["sqrt(2) + sqrt(3) <= sqrt(5 + 2*sqrt(6))", "--where", "depth=1; widths=1", "--time-limit", "1"]
    assert run(*words).returncode == 3
    done = run(*words, "--accept-supported")
    assert done.returncode == 0
    assert done.stdout.startswith("inconclusive")


def test_standard_input_is_read():
    done = run("-", text="E[M[d]] == 2*M[0]\n")
    assert done.returncode == 1
    assert done.stdout.startswith("refuted  E[M[d]] == 2*M[0]")


def test_syntax_errors_show_the_place():
    message, statement, caret = refused("E[M[d]] <= 3^2")
    assert message == "actlen: cannot read the statement at column 13, near '^2': write ** for a power"
    assert statement == "  E[M[d]] <= 3^2"
    assert caret.index("^") - 2 == 12


CAPS = {
    "a megabyte": ("-", "1" * 1_000_000),
    "nested parentheses": ("-", "(" * 10_000 + "1" + ")" * 10_000 + " == 1"),
    "nested within the length": ("(" * 1_900 + "1" + ")" * 1_900 + " == 1", None),
    "many signs": ("-" * 3_900 + "1 == 1", None),
    "an import": ("__import__('os') == 1", None),
    "a tower": ("2**10**10 == 1", None),
    "a tower in a family": ("9**9**9**9**9 == 1", None),
    "a long product": ("prod(prod(10**64, j, 1, 99999), i, 1, 99999) > 0", None),
    "nested sums": ("sum(sum(sum(1, i, 1, 999), j, 1, 999), k, 1, 999) > 0", None),
    "no family": ("1 == 1", None, "--where", "widths=5..2"),
}


# A child starts with the memory peak of its parent, so a small process stands between.
MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""


@pytest.mark.fast_cases("a megabyte", "nested sums", "an import")
@pytest.mark.parametrize("case", CAPS.values(), ids=CAPS)
def test_hostile_input_costs_little(case, tmp_path):
    """Under 2 s of processor time (twice that here, for slow machines) and 500 MB, exit 2, one line."""
    statement, text, *options = case
    given = tmp_path / "input"
    given.write_text(text or "")
    with given.open("rb") as stdin:
        found = subprocess.run(
            [sys.executable, "-c", MEASURED, *COMMAND, "check", statement, *options],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
    status, kilobytes, seconds = (float(word) for word in found.stdout.split())
    assert status == 2, found.stderr
    assert len(found.stderr.splitlines()) in {1, 3}
    assert kilobytes < 500_000
    assert seconds < 4
