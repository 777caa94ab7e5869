"""Coverage-guided fuzzing of everything that reads a user's statement or family (atheris, libFuzzer).

    pip install atheris==3.0.0
    python -m benchmarks.fuzz_statements -max_total_time=600

An input is a family, a zero byte, a statement. Whatever it holds, the only exception allowed is our
refusal, of one line; nothing may be compiled, run, imported or opened on the way (an audit hook listens),
and what is read is evaluated on one network. Options of libFuzzer pass through. docs/trust.md has the record.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["main"]

FAMILIES = (
    "",
    "widths=1..3; depth=1..3; bias=any",
    "weights=normal,finite:-1:1/2,1:1/2; input=ones; activation=leaky_relu:-1/2; variance_gain=3/7",
    "network=residual; scales=1/l; branch_output=linear",
)
STATEMENTS = (
    "E[M[d]**2] <= M[0]**2 * exp(5*sum(1/n[j], j, 1, d))",
    "0 <= E[EmpVar] <= 1/4*Var[M[d]]",
    "E[(M[1] - M[d])**2] != max(kappa, g, abs(-2)) + sqrt(log(3))",
    "E[M[d]**2] >= M[0]**2*prod(min(1+5/n[j], 1+(2*kappa-1)/n[j]), j, 1, d) - 2**-3 + nu2[1]/nu4[d]",
    "E[M[L]] == M[0]*prod(1 + eta[l]**2*m[l,1]/m[l], l, 1, L)",
)
WORDS = (
    "E[ Var[ M[ n[ nu2[ eta[ m[ d L j kappa EmpVar sum( prod( exp( log( sqrt( abs( min( ** == != <= 1..3 any "
    "weights= widths= depth= bias= input= network= activation= variance_gain= scales= residual normal "
    "finite: __import__('os') eval(1) lambda 999999999999 1e9"
)
# What running a user's text would raise; reading it raises none of them once everything is imported.
_FORBIDDEN = ("exec", "compile", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "pickle.")
_WITHIN = ("proofs_check.language", "proofs_check.family", "proofs_check.fully_connected_family", "lark")


class _Listener:
    """Raises where something is run, imported or opened while a text is read."""

    def __init__(self) -> None:
        self.listening = False
        sys.addaudithook(self)

    def __call__(self, event: str, _: Any) -> None:
        if self.listening and event.startswith(_FORBIDDEN):
            self.listening = False
            raise AssertionError(f"reading a text raised the audit event {event}")


def _reader() -> Any:
    """A function that reads one input; its modules are imported here, under instrumentation."""
    modules = "family", "language.parse", "language.meaning", "language.evaluate", "moment_sources"
    family, parse, meaning, evaluate, sources = (
        importlib.import_module(f"proofs_check.{name}") for name in modules
    )
    network = importlib.import_module("theory.network").FullyConnected((1, 2, 1), weights="normal")
    refusal: type[Exception] = importlib.import_module("theory.errors").SpecError
    moments = sources.RecursionMoments(network)

    def read(data: bytes) -> None:
        where, _, text = data.decode("utf-8", "ignore").partition("\0")
        try:
            networks = family.parse_family(where)
        except refusal as error:
            _require_short(error)
            networks = family.parse_family("")
        try:
            statement = parse.parse(text)
            meaning.check_meaning(statement, networks)
            evaluate.evaluate(statement, network, moments)
        except refusal as error:
            _require_short(error)

    return read


def _require_short(refusal: Exception) -> None:
    if "\n" in str(refusal) or len(str(refusal)) > 2_000:
        raise AssertionError(f"a refusal of more than one short line: {refusal!r:.200}") from refusal


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer's options say stop, or something is found."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(_WITHIN)):
        read = _reader()
    seeds = [f"{where}\0{text}".encode() for where in FAMILIES for text in STATEMENTS]
    for seed in seeds:
        read(seed)
    listener = _Listener()

    def one(data: bytes) -> None:
        listener.listening = True
        try:
            read(data)
        finally:
            listener.listening = False

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for i, seed in enumerate(seeds):
            (corpus / f"{i}").write_bytes(seed)
        words = Path(folder, "words")
        words.write_text("".join(f'"{word}"\n' for word in WORDS.split()), encoding="utf-8")
        options = [
            "-timeout=10",
            "-rss_limit_mb=1500",
            "-max_len=600",
            f"-dict={words}",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, *arguments, str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
