"""Claims as data: what is said, where it comes from, the verdict it must reach, its evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from proofs_check.family import Family, FullyConnectedFamily, parse_family
from proofs_check.language.parse import parse
from proofs_check.language.tree import Statement
from proofs_check.verdict import Verdict
from theory.errors import SpecError, unknown_name

__all__ = ["Claim", "Known", "Mutant", "check_dependencies", "load_ledger", "select"]


_KEYS = frozenset(
    {"id", "source", "text", "statement", "where", "expected", "evidence", "mutant", "proof"}
    | {"judgements", "shows", "depends", "known"}
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
    "gains",
    "open",
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
class Known:
    """What is known about an open claim: what speaks for it, and what against it or limits it."""

    in_favour: str
    against: str


@dataclass(frozen=True)
class Claim:
    """One entry of the ledger.

    `statement` is in the statement language, or None where the language cannot say it; then
    `shows` pins the witness of a refuted claim, so that a change of its formula shows too.
    `text` says it and `judgements` are what its proof must conclude, word for word; `depends` names
    the claims that it rests on: those that its proof uses, those whose truth would make it true, those
    without which it says nothing. An open claim says what is known.
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
    known: Known | None = None

    @property
    def assumes(self) -> tuple[str, ...]:
        """The named assumptions of its judgements, beside the family."""
        return tuple(sorted({name for j in self.judgements for name in j.get("assumes", ())}))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        known = self.known
        return {
            "id": self.id,
            "source": self.source,
            "text": self.text,
            "statement": self.statement,
            "where": self.where,
            "expected": str(self.expected),
            "assumes": list(self.assumes),
            "depends": list(self.depends),
            "known": None if known is None else {"for": known.in_favour, "against": known.against},
        }

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
    check_dependencies(claims)
    return claims


def check_dependencies(claims: Sequence[Claim]) -> None:
    """Refuse dependence on a claim that does not exist, and dependence in a circle."""
    known = {claim.id: claim.depends for claim in claims}
    for claim in claims:
        for name in claim.depends:
            if name not in known:
                raise unknown_name(f"claim that {claim.id} depends on", name, known)
    left = dict(known)
    while left:
        free = {name for name, below in left.items() if not any(other in left for other in below)}
        if not free:
            circle = ", ".join(_circle(left))
            raise SpecError(f"claims depend on one another in a circle: {circle}; leave out one of these")
        left = {name: below for name, below in left.items() if name not in free}


def _circle(depends: Mapping[str, Sequence[str]]) -> list[str]:
    """One circle, where every claim depends on another one here."""
    path = [next(iter(depends))]
    while True:
        following = next(name for name in depends[path[-1]] if name in depends)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


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
    mutant, known = entry.get("mutant", {}), entry.get("known")
    if (entry.get("expected") == Verdict.OPEN) != (known is not None):
        raise SpecError(f"claim {entry.get('id')!r}: open claims, and they alone, say what is known")
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
            known=None if known is None else Known(known["for"], known["against"]),
        )
    except KeyError as error:
        raise SpecError(f"claim {entry.get('id')!r} lacks the key {error}") from None
