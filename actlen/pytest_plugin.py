"""A pytest plugin: claims about random networks as tests, in anyone's repository.

    def test_he_keeps_the_mean(actlen):
        actlen.check("E[M[d]] == M[0]", where="weights=uniform; depth=1..30")

A claim that is proved passes. One that is refuted fails with its smallest witness in the message; one
that is only supported fails too, unless the call says `accept_supported=True` or the run
`--actlen-accept-supported`. One that stays inconclusive always fails. Nothing of ours is loaded before a
test checks something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

__all__ = ["Claims", "actlen", "pytest_addoption"]

_OPTION = "actlen_accept_supported"
_HELP = "pass claims for which no counterexample was found, though there is no proof either"


@dataclass(frozen=True)
class Claims:
    """What the fixture `actlen` offers; `settle` decides a statement over a family."""

    settle: Callable[[str, str], Any]
    accept_supported: bool = False

    def check(self, statement: str, where: str = "", *, accept_supported: bool | None = None) -> Any:
        """The record of the verdict if the statement holds; else the test fails, the witness in its message.

        Parameters
        ----------
        statement
            In the language of `actlen check`, such as ``E[M[d]] == M[0]``.
        where
            The family of networks, as in `actlen check --where`.
        accept_supported
            Whether a search without counterexample will do; None leaves it to the command line.

        Raises
        ------
        SpecError
            A statement or family that cannot be read.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> proved = SimpleNamespace(verdict="proved", witness=None, cases=300)
        >>> Claims(lambda statement, where: proved).check("E[M[d]] == M[0]").cases
        300
        """
        __tracebackhide__ = True
        settled = self.settle(statement, where)
        accepted = self.accept_supported if accept_supported is None else accept_supported
        verdict = str(settled.verdict)
        if verdict == "proved" or (verdict == "supported" and accepted):
            return settled
        pytest.fail(_complaint(verdict, statement, where, settled), pytrace=False)


def _complaint(verdict: str, statement: str, where: str, settled: Any) -> str:
    lines = [f"{verdict}: {statement}"]
    if where:
        lines.append(f"  where    {where}")
    if settled.witness is not None:
        lines.append(f"  witness  {_described(settled.witness.network)}")
        lines.append(f"  sides    {', '.join(map(str, settled.witness.sides))}")
    if verdict == "supported":
        lines.append(f"  no witness in {settled.cases:,} cases and no proof; accept_supported=True passes it")
    if verdict == "inconclusive":
        lines.append(f"  undecided after {settled.cases:,} cases; no limit is high enough to call it true")
    return "\n".join(lines)


def _described(network: Any) -> str:
    """The network in one line; a stand-in describes itself."""
    spec = import_module("theory.spec").Network
    return str(
        import_module("proofs_check.search").describe(network) if isinstance(network, spec) else network
    )


def _settle(statement: str, where: str) -> Any:
    return import_module("proofs_check.settle").settle(statement, where)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--actlen-accept-supported."""
    group = parser.getgroup("actlen", "claims about random networks")
    group.addoption("--actlen-accept-supported", dest=_OPTION, action="store_true", help=_HELP)


@pytest.fixture(scope="session")
def actlen(pytestconfig: pytest.Config) -> Claims:
    """`actlen.check(statement, where=...)` fails the test unless the statement is proved."""
    return Claims(_settle, bool(pytestconfig.getoption(_OPTION)))
