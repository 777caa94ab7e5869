"""Claims as data: what is said, where it comes from, the verdict it must reach, its evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from proofs_check.family import Family, FullyConnectedFamily, parse_family
from proofs_check.language.parse import parse
from proofs_check.language.tree import Statement
from proofs_check.verdict import Verdict
from theory.errors import SpecError, unknown_name

__all__ = ["Claim", "Mutant", "check_dependencies", "load_ledger", "select"]


_KEYS = frozenset(
    {"id", "source", "text", "statement", "where", "expected", "evidence", "mutant", "proof"}
    | {"judgements", "shows", "depends"}
)
# The files of the ledger, in its order.
_FILES = (
    "foundations",
    "theorem5",
    "corollary2",
    "limits",
    "convolutional",
    "residual",
    "gradients",
    "datasets",
)


@dataclass(frozen=True)
class Mutant:
    """A planted error: another statement, and a replacement inside the proof object.

    For a claim that is to be refuted the mutant statement is true: the search must not "refute" it.
    """

    statement: str | None
    replace: str | None
    by: str | None


@dataclass(frozen=True)
class Claim:
    """One entry of the ledger.

    `statement` is in the statement language, or None where the language cannot say it; then
    `shows` pins the witness of a refuted claim, so that a change of its formula shows too.
    `text` says it and `judgements` are what its proof must conclude, word for word; `depends` names
    the claims that it rests on.
    """

    id: str
    source: str
    text: str
    statement: str | None
    where: str
    expected: Verdict
    evidence: tuple[str, ...]
    mutant: Mutant
    proof: str | None
    judgements: tuple[Mapping[str, Any], ...] = ()
    shows: str | None = None
    depends: tuple[str, ...] = ()

    @property
    def family(self) -> Family:
        """The family of networks it speaks of."""
        return parse_family(self.where)

    @property
    def fully_connected_family(self) -> FullyConnectedFamily:
        """The same, where its checks know fully connected networks only."""
        if not isinstance(self.family, FullyConnectedFamily):
            raise SpecError(
                f"claim {self.id} is not about fully connected networks, but one of its checks is"
            )
        return self.family

    @property
    def parsed(self) -> Statement:
        """Its statement as a tree."""
        if self.statement is None:
            raise SpecError(f"claim {self.id} has no statement in the language")
        return parse(self.statement)

    @property
    def parsed_mutant(self) -> Statement:
        """Its mutant's statement as a tree."""
        if self.mutant.statement is None:
            raise SpecError(f"claim {self.id} has no mutant statement")
        return parse(self.mutant.statement)


def load_ledger() -> list[Claim]:
    """All claims of the ledger, in its order.

    >>> load_ledger()[0].id
    'fm1-mean'
    """
    folder = files("proofs_check.ledger").joinpath("claims")
    texts = (folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in _FILES)
    claims = [_claim(entry) for text in texts for entry in tomllib.loads(text)["claim"]]
    ids = [claim.id for claim in claims]
    if len(set(ids)) != len(ids):
        raise SpecError("two claims of the ledger share an id; ids are permanent and unique")
    for claim in claims:
        check_dependencies(claim, ids)
    return claims


def check_dependencies(claim: Claim, ids: Collection[str]) -> None:
    """Refuse a claim that depends on one that does not exist."""
    for name in claim.depends:
        if name not in ids:
            raise unknown_name(f"claim that {claim.id} depends on", name, ids)


def select(claims: list[Claim], only: list[str]) -> list[Claim]:
    """The claims with these ids, all of them when `only` is empty."""
    known = {claim.id: claim for claim in claims}
    for name in only:
        if name not in known:
            raise unknown_name("claim", name, known)
    return [claim for claim in claims if not only or claim.id in only]


def _claim(entry: Mapping[str, Any]) -> Claim:
    if extra := set(entry) - _KEYS:
        raise SpecError(f"claim {entry.get('id')!r} has unknown keys: {', '.join(sorted(extra))}")
    mutant = entry.get("mutant", {})
    try:
        return Claim(
            id=entry["id"],
            source=entry["source"],
            text=entry["text"],
            statement=entry.get("statement"),
            where=entry["where"],
            expected=Verdict(entry["expected"]),
            evidence=tuple(entry["evidence"]),
            mutant=Mutant(mutant.get("statement"), mutant.get("replace"), mutant.get("by")),
            proof=entry.get("proof"),
            judgements=tuple(entry.get("judgements", ())),
            shows=entry.get("shows"),
            depends=tuple(entry.get("depends", ())),
        )
    except KeyError as error:
        raise SpecError(f"claim {entry.get('id')!r} lacks the key {error}") from None
