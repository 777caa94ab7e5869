"""Claim files: what they hold, what is refused, what rests on what, and how the outcome is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from commands import in_this_process

from actlen.report import ledger_markdown
from proofs_check.checks import statement as sweeps
from proofs_check.claim import load_ledger
from proofs_check.claim_file import load_claims, settle_claim
from proofs_check.ledger.dependencies import refuted_below
from proofs_check.ledger.settled import Settled, summary
from proofs_check.search import effort, thorough
from proofs_check.verdict import Verdict
from theory.errors import SpecError

EXAMPLE = Path(__file__).parents[2] / "docs" / "claims-example.toml"
GOOD = {
    "id": '"a"',
    "text": '"Signs grow as normal weights do."',
    "statement": '"E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)"',
    "where": '"weights=rademacher"',
    "expected": '"refuted"',
}


def toml(*entries):
    return "\n".join("[[claim]]\n" + "\n".join(f"{k} = {v}" for k, v in entry.items()) for entry in entries)


def written(tmp_path, text):
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(*words):
    return in_this_process("verify", *words)


def without(entry, key):
    return {k: v for k, v in entry.items() if k != key}


BAD = {
    "ids that repeat": (toml(GOOD, GOOD), "claim a stands twice"),
    "an unknown key": (toml(GOOD | {"wehre": '""'}), "unknown key in claim a 'wehre'; did you mean 'where'?"),
    "an unknown verdict": (
        toml(GOOD | {"expected": '"proven"'}),
        "unknown verdict in claim a 'proven'; did you mean 'proved'?",
    ),
    "a bad statement": (toml(GOOD | {"statement": '"E[M[d]] = 1"'}), "claim a: cannot read the statement"),
    "an unknown name": (toml(GOOD | {"statement": '"E[M[d]] == kapa"'}), "claim a: unknown name 'kapa'"),
    "an index that does not exist": (toml(GOOD | {"statement": '"n[d+1] == 1"'}), "claim a: n[d+1] does not"),
    "a bad family": (toml(GOOD | {"where": '"weights=normul"'}), "claim a: unknown weight law"),
    "an empty range": (toml(GOOD | {"where": '"widths=5..2"'}), "claim a: widths is a range"),
    "a claim without id": (toml(without(GOOD, "id")), "claim number 1 has no id"),
    "a strange id": (toml(GOOD | {"id": '"a b"'}), "claim number 1 has the id 'a b'"),
    "no statement": (toml(without(GOOD, "statement")), "claim a lacks the key 'statement'"),
    "a number for text": (toml(GOOD | {"text": "3"}), "claim a: text is text in quotes, not int"),
    "dependence on nothing": (
        toml(GOOD | {"depends": '["b"]'}),
        "unknown claim that a depends on 'b'",
    ),
    "dependence in a circle": (
        toml(GOOD | {"depends": '["b"]'}, GOOD | {"id": '"b"', "depends": '["a"]'}),
        "in a circle: a, b",
    ),
    "dependence that is no list": (toml(GOOD | {"depends": '"b"'}), "claim a: depends is a list"),
    "another table": ("[claims]\n", "unknown key in"),
    "no claims": ("", "has no claims"),
    "claims that are one": ("[claim]\nid = 'a'\n", "has no claims"),
    "claims that are numbers": ("claim = [3]\n", "claim number 1 is not a table"),
    "no TOML": ("[[claim]\n", "is not a TOML file"),
    "nested brackets": ("a = " + "[" * 20_000, "is not a TOML file"),
    "too large": ("#" * 1_000_001, "is larger than 1,000,000 bytes"),
}


@pytest.mark.parametrize(("text", "piece"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_in_one_line_that_names_the_claim(tmp_path, text, piece):
    with pytest.raises(SpecError) as caught:
        load_claims(written(tmp_path, text))
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SpecError, match="cannot read"):
        load_claims(tmp_path / "none.toml")


def test_a_refusal_on_a_member_names_the_claim(tmp_path):
    entry = GOOD | {"statement": '"1/(n[1] - 1) > 0"'}
    (claim,) = load_claims(written(tmp_path, toml(entry)))
    with pytest.raises(SpecError, match=r"claim a: the statement divides by zero .* \(widths 1,1"):
        settle_claim(claim, seconds=2)


def test_the_optional_keys_may_be_left_out(tmp_path):
    (claim,) = load_claims(written(tmp_path, toml(without(GOOD, "where"))))
    assert (claim.where, claim.source, claim.depends) == ("", "", ())


@pytest.mark.timed
@pytest.mark.full
def test_the_example_passes_and_marks_what_rests_on_a_refuted_claim(tmp_path):
    report = tmp_path / "report.md"
    done = run("--claims", EXAMPLE, "--report", report, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["summary"]["unexpected"] == 0
    rests = {entry["id"]: entry["rests_on_refuted"] for entry in found["claims"]}
    assert rests.pop("growth-by-135") == ["five-is-needed"]
    assert not any(rests.values())
    page = report.read_text(encoding="utf-8")
    assert "| five-is-needed | refuted | refuted |" in page
    assert "**Rests on what is refuted: five-is-needed.**" in page


def test_a_verdict_that_differs_exits_1_and_shows(tmp_path):
    path = written(tmp_path, toml(GOOD | {"expected": '"proved"'}, GOOD | {"id": '"b"', "depends": '["a"]'}))
    done = run("--claims", path)
    assert done.returncode == 1
    assert "expected proved" in done.stdout
    assert "rests on what is refuted: a" in " ".join(done.stdout.split())
    assert "NOT as expected" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_only_and_list(tmp_path):
    path = written(tmp_path, toml(GOOD, GOOD | {"id": '"b"'}))
    listed = run("--claims", path, "--list")
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [["a", "refuted"], ["b", "refuted"]]
    done = run("--claims", path, "--only", "b", "--json")
    assert [entry["id"] for entry in json.loads(done.stdout)["claims"]] == ["b"]
    wrong = run("--claims", path, "--only", "c")
    assert wrong.returncode == 2
    assert "unknown claim 'c'" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "piece"),
    [
        (["--claims", "none.toml"], "cannot read none.toml"),
        (["--report", "report.html", "--list"], "--report writes Markdown"),
        (["--report", "no/such/folder/report.md"], "no such folder"),
        (["--time-limit", "3"], "--time-limit goes with --claims"),
        (["--claims", str(EXAMPLE), "--time-limit", "soon"], "--time-limit must be a finite number"),
    ],
)
def test_bad_options_exit_2_before_anything_is_settled(words, piece):
    done = run(*words)
    assert done.returncode == 2
    assert piece in done.stderr
    assert len(done.stderr.splitlines()) == 1


# Dependencies.


def ledger_like(depends, refuted=()):
    base = load_ledger()[0]
    expected = {name: Verdict.REFUTED if name in refuted else Verdict.PROVED for name in depends}
    return [
        replace(base, id=name, depends=tuple(below), expected=expected[name])
        for name, below in depends.items()
    ]


def test_marks_pass_through_chains_and_survive_circles():
    claims = ledger_like({"a": [], "b": ["a"], "c": ["b"], "d": [], "e": ["f"], "f": ["e", "a"]}, {"a"})
    assert refuted_below(claims, []) == {"b": ["a"], "c": ["a"], "e": ["a"], "f": ["a"]}


def test_the_verdict_that_was_reached_counts_before_the_expected_one():
    claims = ledger_like({"a": [], "b": ["a"]}, {"a"})
    held = Settled(claims[0], Verdict.PROVED, (), 0.0)
    fell = Settled(claims[1], Verdict.REFUTED, (), 0.0)
    assert refuted_below(claims, [held]) == {}
    assert refuted_below(claims, [fell]) == {"b": ["a"]}


def test_no_proved_claim_of_the_ledger_rests_on_a_refuted_one():
    refuted = {claim.id for claim in load_ledger() if claim.expected is Verdict.REFUTED}
    assert set(refuted_below(load_ledger(), [])) <= refuted


# The report, and thoroughness.


def test_the_report_escapes_what_markdown_would_take_for_signs():
    claim = replace(load_ledger()[0], text="a*b* <script> | x", source="x | y", id="a")
    page = ledger_markdown([Settled(claim, Verdict.SUPPORTED, (), 0.0)], 1, {"a": ["z"]})
    assert r"a\*b\* \<script\> \| x" in page
    assert r"| a | supported | proved | x \| y |" in page
    assert "**Expected: proved.**" in page
    assert "**Rests on what is refuted: z.**" in page
    assert summary([])["claims"] == 0


def test_thoroughness_reaches_the_sweeps_and_ends_with_its_block(monkeypatch):
    tried = []

    def counted(statement, family, **given):
        tried.append((given["examples"], given["corners"]))
        return honest(statement, family, **given | {"examples": 1, "corners": 1})

    honest = sweeps.find_witness
    monkeypatch.setattr(sweeps, "find_witness", counted)
    claim = next(c for c in load_ledger() if c.id == "fm1-mean")
    sweeps.closed_form(replace(claim, where="weights=normal"))
    with thorough():
        sweeps.closed_form(replace(claim, where="weights=normal"))
    assert effort() == 1
    assert (60, 60) in tried
    assert (600, 600) in tried
