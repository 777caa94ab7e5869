"""The figures that the measures of soundness print, as the page docs/soundness.md.

`make soundness` writes it:
    pytest -m slow -k soundness -s -v | python tests/helpers/soundness_page.py > docs/soundness.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

HEAD = """# Soundness of the statistical tests, one by one

Every test that holds what was simulated against theory, or one simulation against another, ran 2,000 times
on correct code. Its p-values have to be uniform: the KS p-value is that of Kolmogorov and Smirnov's test,
one-sided where the law has atoms, so that p-values may only be too large. Tests of bounds have no p-value,
and no run may be out of them. Then an error was planted in 400 runs, of the size that the test should find
nine times in ten; the standard error of a share found is 0.015. `make soundness` measures all this anew and
writes the page.

{count} rows. The smallest of {uniform} KS p-values is {least:.3f}; {uniform} uniform ones have a smaller one
with probability {chance:.2f}. {found}
"""
TABLE = """
## {file}

| what is tested | under correct code | error planted: share found |
| --- | --- | --- |
"""
UNIFORM = re.compile(
    r"(?P<name>.*): (?P<side>one-sided )?KS p = (?P<p>[\d.]+)( over \d+ runs)?, smallest (?P<least>\S+)"
)
SIZE = re.compile(r"(?P<name>.*): (?P<count>\d+) of (?P<runs>\d+) runs rejected")
POWER = re.compile(r"(?P<name>.*): (?:power|found in) (?P<share>[\d.]+) ")
TEST = re.compile(r"tests/(?P<file>\S+?)::test_")


@dataclass
class Row:
    """One comparison: in which file, what of, how it did under correct code, errors with the shares found."""

    file: str
    name: str
    correct: str
    ks: float | None = None
    shares: list[tuple[str, float]] = field(default_factory=list)

    def __str__(self) -> str:
        """As a row of the table."""
        shares = (f"{effect}: {share:.3f}" if effect else f"{share:.3f}" for effect, share in self.shares)
        return f"| {self.name} | {self.correct} | {'; '.join(shares)} |\n"


def rows(lines: Iterable[str]) -> list[Row]:
    """What the lines of a run say; ValueError if a share found follows no measurement of the same file."""
    found: list[Row] = []
    file = ""
    for line in lines:
        if match := TEST.match(line):
            file = match["file"]
        if match := UNIFORM.match(line):
            correct = f"{match['side'] or ''}KS p = {match['p']}, smallest p {match['least']}"
            found.append(Row(file, match["name"], correct, None if match["side"] else float(match["p"])))
        elif match := SIZE.match(line):
            found.append(Row(file, match["name"], f"{match['count']} of {match['runs']} runs rejected"))
        elif match := POWER.match(line):
            if not found or found[-1].file != file:
                raise ValueError(f"a share found of nothing that was measured before: {line!r}")
            effect = match["name"].removeprefix(found[-1].name).lstrip(", ").removeprefix("off by ")
            found[-1].shares.append((effect, float(match["share"])))
    return found


def page(found: list[Row]) -> str:
    """The page as Markdown."""
    ks = [row.ks for row in found if row.ks is not None]
    shares = sorted(share for row in found for _, share in row.shares)
    head = HEAD.format(
        count=len(found),
        uniform=len(ks),
        least=min(ks),
        chance=1 - (1 - min(ks)) ** len(ks),
        found=f"Half of the {len(shares)} shares found are below {shares[len(shares) // 2]:.3f}.",
    )
    tables = (
        TABLE.format(file=file) + "".join(map(str, group))
        for file, group in groupby(found, lambda row: row.file)
    )
    return head + "".join(tables)


def echoed(lines: Iterable[str]) -> Iterator[str]:
    """Lines, shown as they come; the run ends with an error if it did not pass."""
    last = ""
    for line in lines:
        sys.stderr.write(line)
        yield line
        last = line.strip() or last
    if " passed" not in last or "failed" in last or "error" in last:
        sys.exit(f"the run did not pass, so there is no page: {last}")


if __name__ == "__main__":
    sys.stdout.write(page(rows(echoed(sys.stdin))))
