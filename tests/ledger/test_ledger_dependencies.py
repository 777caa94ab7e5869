"""What claims rest on, cite and leave open; and that settling them side by side changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from multiprocessing import active_children

import pytest

from actlen.ledger_text import print_claims, print_ledger
from actlen.report import ledger_markdown
from proofs_check.claim import Claim, Known, check_dependencies, load_ledger
from proofs_check.claim import _claim as read_claim
from proofs_check.kernel.limit_rules import THEOREMS
from proofs_check.kernel.registry import BY_NAME
from proofs_check.kernel.residual_limits import RESIDUAL_THEOREMS
from proofs_check.ledger.assumptions import meanings
from proofs_check.ledger.dependencies import refuted_below
from proofs_check.ledger.run import settle
from proofs_check.ledger.settled import Settled, summary
from proofs_check.ledger.side_by_side import settle_side_by_side
from proofs_check.ledger.textbook import FACTS, SELF_CONTAINED, cited_by, facts_of
from proofs_check.prover import stored_proof
from proofs_check.search import find_witness
from proofs_check.shared_work import once, sharing
from proofs_check.verdict import Verdict
from theory.errors import SpecError

LEDGER = load_ledger()
CLAIMS = {claim.id: claim for claim in LEDGER}
OPEN = [claim for claim in LEDGER if claim.expected is Verdict.OPEN]


def verify(*words):
    return subprocess.run(
        [sys.executable, "-m", "actlen", "verify", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
    )


# What proofs really use: every step that another claim concludes is a claim that this one rests on.


def said(judgement):
    return json.dumps(judgement, sort_keys=True)


def concluded_by():
    """{judgement: the proved claims that conclude it}."""
    found = {}
    for claim in LEDGER:
        if claim.proof is not None and claim.expected is Verdict.PROVED:
            proof = stored_proof(claim.proof)
            for number in proof["conclusions"]:
                found.setdefault(said(proof["steps"][number]["concludes"]), set()).add(claim.id)
    return found


def all_below(name, claims):
    reached, pending = set(), [name]
    while pending:
        for below in claims[pending.pop()].depends:
            if below not in reached:
                reached.add(below)
                pending.append(below)
    return reached


def left_out(claims):
    """(claim, what it uses) wherever none of the claims that conclude a step is among its dependences."""
    known = concluded_by()
    found = []
    for name, claim in claims.items():
        for step in stored_proof(claim.proof)["steps"] if claim.proof else ():
            users = known.get(said(step["concludes"]), set())
            if users and name not in users and not users & all_below(name, claims):
                found.append((name, sorted(users)))
    return found


def test_claims_depend_on_what_their_proofs_use():
    assert left_out(CLAIMS) == []


@pytest.mark.parametrize("name", ["corollary-2-upper", "dichotomy-converging", "residual-relu-criterion"])
def test_a_dependence_that_is_left_out_is_noticed(name):
    assert left_out(CLAIMS | {name: replace(CLAIMS[name], depends=())})


def test_most_claims_depend_on_something_and_the_rest_start_from_definitions():
    roots = {claim.id for claim in LEDGER if not claim.depends}
    assert {"fm1-mean", "second-moment", "theorem-5-upper", "mean-any-gain"} <= roots
    assert len(roots) <= 25


def test_circles_and_strangers_are_refused():
    base = CLAIMS["fm1-mean"]
    a, b, c = (replace(base, id=name, depends=below) for name, below in zip("abc", "bca", strict=True))
    with pytest.raises(SpecError, match="in a circle: a, b, c; leave out"):
        check_dependencies([a, b, c])
    with pytest.raises(SpecError, match="in a circle: a;"):
        check_dependencies([replace(a, depends=("a",))])
    with pytest.raises(SpecError, match="unknown claim that a depends on 'b'"):
        check_dependencies([a])
    check_dependencies([a, b, replace(c, depends=())])


# Marks, in all three forms of output.


def output(claims, below, capsys, width=80):
    settled = [Settled(claim, claim.expected, (), 0.0) for claim in claims]
    print_ledger(settled, len(settled), below, 1.0)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= width
    return text, ledger_markdown(settled, len(settled), below)


def unmarked(claims, text, page):
    """Ids of claims that rest on refuted ones without a mark in both forms."""
    missing = []
    flat = " ".join(text.split())
    for name, below in refuted_below(claims, []).items():
        line = f"rests on what is refuted: {', '.join(below)}"
        section = page.partition(f"\n## {name}: ")[2].partition("\n## ")[0]
        if line not in flat or f"**R{line[1:]}.**" not in section:
            missing.append(name)
    return missing


def test_what_rests_on_a_refuted_claim_is_marked(capsys):
    below = refuted_below(LEDGER, [])
    assert below["corollary-2-lost-constant"] == ["five-everywhere"]
    assert below["equal-widths-any-law"] == ["five-everywhere"]
    assert unmarked(LEDGER, *output(LEDGER, below, capsys)) == []


def test_a_mark_that_is_missing_is_noticed(capsys):
    fewer = {k: v for k, v in refuted_below(LEDGER, []).items() if k != "permutation-uniform"}
    below = {"permutation-uniform"}
    claims = [claim for claim in LEDGER if claim.id in below | {"five-everywhere"}]
    assert unmarked(claims, *output(claims, fewer, capsys)) == ["permutation-uniform"]


def test_a_proved_claim_is_marked_when_what_it_rests_on_falls():
    fallen = Settled(CLAIMS["theorem-5-upper"], Verdict.REFUTED, (), 0.0)
    below = refuted_below(LEDGER, [fallen])
    assert below["corollary-2-upper"] == ["theorem-5-upper"]
    assert below["residual-convergent-sum"] == ["theorem-5-upper"]
    assert "second-moment-normal" not in below


def test_marks_in_json():
    done = verify("--only", "permutation-uniform", "--only", "gradient-independence-outright", "--json")
    assert done.returncode == 0, done.stderr
    marked, plain = json.loads(done.stdout)["claims"]
    assert (marked["depends"], marked["rests_on_refuted"]) == (["five-everywhere"], ["five-everywhere"])
    assert plain["rests_on_refuted"] == []


# Textbook facts.


def unplaced(rules, theorems):
    placed = {name for name in (*rules, *theorems) if cited_by(name)} | SELF_CONTAINED
    return (set(rules) | set(theorems)) - placed


def test_every_rule_and_theorem_says_what_it_cites_or_that_it_cites_nothing():
    theorems = {*THEOREMS, *RESIDUAL_THEOREMS}
    assert unplaced(BY_NAME, theorems) == set()
    assert {name for name in SELF_CONTAINED if name not in {*BY_NAME, *theorems}} == set()
    assert not [name for name in SELF_CONTAINED if cited_by(name)]
    assert unplaced({**BY_NAME, "a_new_rule": None}, theorems) == {"a_new_rule"}


# Names that the docstring of a rule, or the statement of a theorem, mentions.
NAMES = {
    "Cauchy": "schwarz",
    "Jensen": "jensen",
    "Minkowski": "minkowski",
    "Bernoulli": "bernoulli",
    "Chebyshev": "chebyshev",
    "Barlow": "ageing",
    "Paley": "paley_zygmund",
    "Harris": "harris",
    "Price": "price",
    "Sheppard": "sheppard",
    "Fubini": "fubini",
    "Fatou": "fatou",
    "Borel": "borel_cantelli_1",
    "Doob": "doob",
}


@pytest.mark.parametrize("name", [*BY_NAME, *THEOREMS, *RESIDUAL_THEOREMS])
def test_names_in_a_rules_own_words_are_among_what_it_cites(name):
    theorem = {**THEOREMS, **RESIDUAL_THEOREMS}.get(name)
    words = theorem.statement if theorem else BY_NAME[name].__doc__ or ""
    cited = {fact.name for fact in cited_by(name)}
    same = {
        "doob": {"doob", "l2_martingales", "stopping"},
        "borel_cantelli_1": {"borel_cantelli_1", "borel_cantelli_2"},
    }
    for person, fact in NAMES.items():
        if person in words:
            assert cited & {FACTS[one].name for one in same.get(fact, {fact})}, person


def test_facts_reach_the_claims_with_source_and_discharge():
    assert [fact.name for fact in facts_of(CLAIMS["eq4-if"])] == ["Doob's forward convergence theorem"]
    assert facts_of(CLAIMS["second-moment-normal"]) == []
    used = {fact.name for claim in LEDGER for fact in facts_of(claim)}
    assert used == {fact.name for fact in FACTS.values()}
    assert all(fact.source and fact.discharged for fact in FACTS.values())


def test_every_assumption_of_a_claim_has_a_meaning():
    assert sum(bool(meanings(claim)) for claim in LEDGER) >= 15


# Open claims.


def test_an_open_claim_says_what_is_known_and_no_other_does():
    assert len(OPEN) >= 5
    assert all(claim.known and claim.known.in_favour and claim.known.against for claim in OPEN)
    assert all((claim.known is None) == (claim.expected is not Verdict.OPEN) for claim in LEDGER)
    entry = {"id": "a", "source": "", "text": "", "where": "", "expected": "open", "evidence": []}
    with pytest.raises(SpecError, match="say what is known"):
        read_claim(entry)
    with pytest.raises(SpecError, match="say what is known"):
        read_claim(entry | {"expected": "proved", "known": {"for": "", "against": ""}})
    assert read_claim(entry | {"known": {"for": "x", "against": "y"}}).known == Known("x", "y")


@pytest.mark.full
@pytest.mark.parametrize("claim", OPEN, ids=lambda claim: claim.id)
def test_open_claims_are_attacked_where_the_language_can_say_them(claim):
    settled = settle(claim)
    assert settled.verdict is Verdict.OPEN
    assert settled.as_expected
    assert (claim.statement is None) == (not settled.evidence)
    if claim.statement is not None:
        attack = settled.evidence[0]
        assert attack.figures["cases"] >= 200
        assert attack.figures["undecided"] < attack.figures["cases"] / 2
        assert str(attack.figures["cases"]) in attack.detail


def test_a_counterexample_to_an_open_claim_is_not_as_expected():
    claim = CLAIMS["residual-relu-branch-constant"]
    fallen = settle(replace(claim, statement=claim.mutant.statement))
    assert fallen.verdict is Verdict.INCONCLUSIVE
    assert "a counterexample: trunk 1" in fallen.evidence[0].detail
    assert summary([fallen])["unexpected"] == 1


def test_a_proof_of_an_open_claim_is_not_as_expected():
    claim = replace(CLAIMS["second-moment-normal"], expected=Verdict.OPEN, evidence=("proof",))
    assert settle(claim).verdict is Verdict.PROVED


def test_an_attack_without_a_mutant_is_refused():
    claim = replace(CLAIMS["residual-relu-branch-constant"], evidence=())
    with pytest.raises(SpecError, match="no mutant"):
        settle(claim)


def test_open_claims_exit_0_and_show_what_is_known():
    done = verify("--only", "lognormal-limit", "--only", "training-starts")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 of 2 claims: 2 open; all as expected" in done.stdout
    assert "for        E (M_d/M_0)^k tends to" in done.stdout
    assert "against    Moments alone cannot settle it" in done.stdout


OPEN_FILE = """[[claim]]
id = "a"
text = "x"
statement = "{}"
expected = "open"
"""


@pytest.mark.full
@pytest.mark.parametrize(
    ("statement", "status"), [("E[M[1]*M[d]] == E[M[1]**2]", 0), ("E[M[d]] == 2*M[0]", 1)]
)
def test_claims_of_a_user_may_be_open(tmp_path, statement, status):
    """The first holds, and no time proves it: the prover has no moments across layers."""
    path = tmp_path / "claims.toml"
    path.write_text(OPEN_FILE.format(statement), encoding="utf-8")
    done = verify("--claims", path, "--time-limit", "2", "--json")
    assert done.returncode == status, done.stdout


# Lists.


def test_a_list_has_one_line_a_claim_and_a_selection_is_shown_in_full(capsys):
    print_claims(LEDGER, in_full=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [[c.id, str(c.expected)] for c in LEDGER]
    assert max(map(len, lines)) <= 80
    print_claims([CLAIMS["eq4-if"]], in_full=True)
    text = " ".join(capsys.readouterr().out.split())
    for piece in ("source Theorem 5", "assumes summable_biases: sum_j", "rests on fm1-mean", "Williams"):
        assert piece in text


def test_no_statement_is_cut_short(capsys):
    text, page = output(LEDGER, {}, capsys)
    for claim in LEDGER:
        if claim.statement is not None:
            assert "".join(claim.statement.split()) in "".join(text.split())
            assert " ".join(claim.statement.split()) in page


# Shared work, and work side by side.


@pytest.mark.full
def test_sharing_changes_no_search():
    claim = CLAIMS["theorem-5-upper"]
    tries = [(claim.parsed, 30), (claim.parsed, 30), (claim.parsed_mutant, 60)]
    alone = [find_witness(said, claim.family, examples=n, corners=n) for said, n in tries]
    with sharing():
        shared = [find_witness(said, claim.family, examples=n, corners=n) for said, n in tries]
    assert alone == shared
    assert shared[0].cases >= 50
    assert shared[0].witness is None
    assert shared[2].witness is not None


def test_what_is_shared_ends_with_its_block():
    with sharing():
        assert once("key", lambda: 1) == once("key", lambda: 2) == 1
        with sharing():
            assert once("key", lambda: 3) == 1
    with sharing():
        assert once("key", lambda: 4) == 4


def evidence_of(settled):
    return [one.to_dict() for one in settled.evidence]


@pytest.mark.full
def test_claims_settled_side_by_side_have_the_same_evidence():
    names = ["best-upper-constant", "permutation-normal", "five-everywhere", "lognormal-limit", "attainment"]
    claims: list[Claim] = [CLAIMS[name] for name in names]
    found = {item.claim.id: item for item in settle_side_by_side(claims, 2)}
    assert set(found) == set(names)
    for claim in claims:
        assert evidence_of(found[claim.id]) == evidence_of(settle(claim))
    assert active_children() == []


@pytest.mark.full
def test_a_process_that_is_killed_is_reported():
    claims = [CLAIMS[name] for name in ("lognormal-limit", "fourth-moment-normal", "theorem-5-upper")]
    with closing(settle_side_by_side(claims, 2, thoroughly=True)) as items:
        next(items)
        os.kill(active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(SpecError, match="was killed"):
            list(items)


def runs(pid):
    """Whether a process has neither ended nor been reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.full
def test_leaving_early_ends_the_work():
    claims = [CLAIMS[name] for name in ("lognormal-limit", "fourth-moment-normal", "theorem-5-upper")]
    with closing(settle_side_by_side(claims, 2, thoroughly=True)) as items:
        next(items)
        workers = [child.pid for child in active_children()]
        assert all(map(runs, workers))
    assert workers
    until = time.monotonic() + 20
    while any(map(runs, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(runs, workers))
