"""Claim files: a user's statements with the verdicts that they expect, in TOML.

[[claim]]
id = "my-bound"
text = "What it says, in words."
statement = "E[M[d]**2] <= M[0]**2*exp(5*sum(1/n[j], j, 1, d))"
where = "weights=normal"        # the family; may be left out, as may source and depends
expected = "proved"             # or refuted, supported, inconclusive; open: neither proved nor refuted
depends = ["another-id"]
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proofs_check.claim import Claim, Mutant, check_dependencies
from proofs_check.family import parse_family
from proofs_check.language.errors import StatementError
from proofs_check.language.meaning import check_meaning
from proofs_check.language.parse import parse
from proofs_check.ledger.settled import Settled
from proofs_check.search import describe
from proofs_check.settle import settle
from proofs_check.settlement import Settlement
from proofs_check.verdict import Evidence, Outcome, Verdict
from theory.errors import SpecError, unknown_name
from theory.reals import Number
from theory.values import as_value

__all__ = ["load_claims", "settle_claim"]

_NEEDED = ("id", "text", "statement", "expected")
_KEYS = (*_NEEDED, "where", "source", "depends")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_MAX_BYTES = 1_000_000
_MAX_CLAIMS = 1_000
_LONGEST_NUMBER = 50


def load_claims(path: Path) -> list[Claim]:
    """The claims of a file, all of them read before any is settled; `SpecError` names the claim at fault."""
    entries = _entries(path)
    claims = [_claim(entry, number) for number, entry in enumerate(entries, start=1)]
    ids: set[str] = set()
    for claim in claims:
        if claim.id in ids:
            raise SpecError(f"claim {claim.id} stands twice in {path}; ids are unique")
        ids.add(claim.id)
    check_dependencies(claims)
    return claims


def settle_claim(
    claim: Claim, *, seconds: float, thorough: bool = False, watch: Callable[[], None] | None = None
) -> Settled:
    """Settle a user's claim as `settle` does, with what was found as its evidence."""
    start = time.perf_counter()
    more = {"examples": 3_000, "corners": 30_000} if thorough else {}
    with _naming(claim):
        found = settle(claim.statement or "", claim.where, seconds=seconds, watch=watch, **more)
    undecided = found.verdict in (Verdict.SUPPORTED, Verdict.INCONCLUSIVE)
    verdict = Verdict.OPEN if claim.expected is Verdict.OPEN and undecided else found.verdict
    return Settled(claim, verdict, tuple(_evidence(found)), time.perf_counter() - start)


def _entries(path: Path) -> list[Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > _MAX_BYTES:
        raise SpecError(f"{path} is larger than {_MAX_BYTES:,} bytes, the limit of a claim file")
    try:
        document: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path} is not a TOML file: {str(error)[:200]}") from None
    for key in document:
        if key != "claim":
            raise unknown_name(f"key in {path}", key, ["claim"])
    entries = document.get("claim")
    if not isinstance(entries, list) or not entries:
        raise SpecError(f"{path} has no claims; each begins with a line [[claim]]")
    if len(entries) > _MAX_CLAIMS:
        raise SpecError(f"{path} has more than {_MAX_CLAIMS:,} claims, the limit")
    return entries


def _claim(entry: Any, number: int) -> Claim:
    if not isinstance(entry, dict):
        raise SpecError(f"claim number {number} is not a table; begin it with a line [[claim]]")
    name = _name(entry, number)
    _check_keys(entry, name)
    if entry["expected"] not in list(Verdict):
        raise unknown_name(f"verdict in claim {name}", entry["expected"], [str(v) for v in Verdict])
    claim = Claim(
        id=name,
        source=entry.get("source", ""),
        text=entry["text"],
        statement=entry["statement"],
        where=entry.get("where", ""),
        expected=Verdict(entry["expected"]),
        evidence=(),
        mutant=Mutant(None, None, None),
        proof=None,
        depends=tuple(entry.get("depends", ())),
    )
    _check_statement(claim)
    return claim


def _name(entry: Mapping[str, Any], number: int) -> str:
    name = entry.get("id")
    if name is None:
        raise SpecError(f"claim number {number} has no id; give it one, such as id = 'my-bound'")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        shown = f"{name!r:.60}"
        raise SpecError(
            f"claim number {number} has the id {shown}; an id is up to 60 letters, digits, '-', '_' and '.'"
        )
    return name


def _check_keys(entry: Mapping[str, Any], name: str) -> None:
    for key, value in entry.items():
        if key not in _KEYS:
            raise unknown_name(f"key in claim {name}", key, _KEYS)
        if key == "depends":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise SpecError(f"claim {name}: depends is a list of ids, such as ['my-bound']")
        elif not isinstance(value, str):
            raise SpecError(f"claim {name}: {key} is text in quotes, not {type(value).__name__}")
    for key in _NEEDED:
        if key not in entry:
            raise SpecError(f"claim {name} lacks the key {key!r}")


def _check_statement(claim: Claim) -> None:
    """Refuse a statement or family that cannot be read."""
    with _naming(claim):
        check_meaning(parse(claim.statement or ""), parse_family(claim.where))


@contextmanager
def _naming(claim: Claim) -> Iterator[None]:
    """Errors within the block say which claim is at fault."""
    try:
        yield
    except StatementError as error:
        raise StatementError(f"claim {claim.id}: {error}", error.text, error.column) from None
    except SpecError as error:
        raise SpecError(f"claim {claim.id}: {error}") from None


def _evidence(found: Settlement) -> list[Evidence]:
    tried = f"{found.cases:,} networks tried"
    if found.proof is not None:
        return [Evidence("proof", Outcome.PASSED, "re-checked by the kernel", {"proof": dict(found.proof)})]
    if found.witness is None:
        figures = {} if found.tightest is None else {"tightest": found.tightest.to_dict()}
        return [Evidence("search", Outcome.PASSED, f"no witness; {tried}", {"cases": found.cases} | figures)]
    witness = found.witness
    relations = ("", *(f" {relation} " for relation in witness.relations))
    sides = "".join(
        f"{relation}{_shown(side)}" for relation, side in zip(relations, witness.sides, strict=True)
    )
    detail = f"{describe(witness.network)}: not {sides}"
    evidence = [Evidence("witness", Outcome.PASSED, detail, witness.to_dict())]
    if witness.confirmed_by:
        evidence.append(Evidence("replay", Outcome.PASSED, f"{', '.join(witness.confirmed_by)} confirm"))
    if witness.contradicted_by:
        evidence.append(Evidence("replay", Outcome.FAILED, f"{', '.join(witness.contradicted_by)} disagree"))
    return evidence


def _shown(side: Number) -> str:
    """Exact or enclosed; a long number by its size, never cut so that it could be taken for another."""
    text, value = str(side), as_value(side)
    if len(text) <= _LONGEST_NUMBER:
        return text
    return f"about {value.value:.6g}" if value.value else f"about e^{value.log or 0:.6g}"
