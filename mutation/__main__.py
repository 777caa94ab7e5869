"""`python -m mutation`: try the mutants that have not been tried, and report.

Ctrl-C stops; the next call goes on from there. `--sample N` takes the first N mutants in the order of their
digests: a random sample that stays the same. `--again` tries survivors again, after new tests, or with
more `--seconds` of tests for each; `--tests PART,...` them alone, on test files whose path contains a part.
`--known` goes on from the record that `--record` wrote.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

from mutation.mutants import Mutant, mutants_of
from mutation.reach import LONGEST_MUTANT, Reach
from mutation.record import read, written
from mutation.report import Report
from mutation.running import load_libraries
from mutation.scope import ROOT, STATE, files_with_tests, room_files, settings
from mutation.session import SURVIVED, Session
from mutation.trying import Trial
from mutation.workers import Workers


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="only so many, a random sample that stays the same")
    parser.add_argument("--only", default="", help="only modules whose name contains one of these (a,b)")
    parser.add_argument("--again", action="store_true", help="try the survivors again")
    parser.add_argument("--tests", default="", help="only on test files named so, in part (a,b)")
    parser.add_argument("--seconds", type=float, default=LONGEST_MUTANT, help="of tests for each, at most")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="side by side")
    parser.add_argument("--known", action="store_true", help="what the record says need not be tried")
    parser.add_argument("--record", action="store_true", help="write the record")
    parser.add_argument("--report", action="store_true", help="only report")
    chosen = parser.parse_args(words)
    if chosen.tests and not chosen.again:
        parser.error("--tests goes with --again: what survives some of the tests may not survive the others")
    return chosen


def chosen(mutants: list[Mutant], sample: int | None, only: str) -> list[Mutant]:
    """The mutants to try, in the order of their digests: each beginning of it is a random sample."""
    found = [m for m in mutants if any(part in m.module for part in only.split(","))]
    return list(islice(sorted(found, key=lambda m: m.id), sample))


def work(session: Session, pending: list[Mutant], options: argparse.Namespace) -> None:
    """Try them, some side by side."""
    load_libraries()
    parts = options.tests.split(",")
    files = [file for file in files_with_tests() if any(part in str(file) for part in parts)]
    workers = Workers(options.processes, partial(Trial, files))
    try:
        reach, present = Reach.read(STATE / "reach.jsonl"), set(workers.hello)
        reach.measure(workers, workers.hello, say)
        start = time.monotonic()
        jobs = (("mutant", mutant, reach.tests(mutant, present, options.seconds)) for mutant in pending)
        for number, ((_, mutant, _), answer) in enumerate(workers.map(jobs), 1):
            outcome, by = session.record(mutant, answer)
            rate = 60 * number / (time.monotonic() - start)
            place = f"{mutant.path}:{mutant.start[0]} {mutant.function} {mutant.operator.partition('/')[2]}"
            how = by.splitlines()[-1] if by else ""
            say(f"{number}/{len(pending)} ({rate:.0f} a minute) {outcome} {place} {how}")
    finally:
        workers.close()


def remember(session: Session, everything: list[Mutant], file: Path) -> None:
    """Take over from the record what the session does not know, or takes for a survivor."""
    done, known = session.results(), read(file, everything)
    new = {m.id for m in everything if m.id not in done or done[m.id].test_outcome == SURVIVED} & set(known)
    for mutant in everything:
        if mutant.id in new:
            outcome = known[mutant.id]
            diff = mutant.difference() if outcome == SURVIVED else ""
            session.keep(mutant, outcome, "on record", diff)


def main(words: list[str] | None = None) -> int:
    """Exit status 1 if anything must not stay so."""
    options = arguments(words)
    register = ROOT / settings()["register"]
    everything = [mutant for paths in room_files().values() for path in paths for mutant in mutants_of(path)]
    if not chosen(everything, None, options.only):
        sys.stderr.write(f"mutation: no module that is mutated has {options.only!r} in its name\n")
        return 2
    STATE.mkdir(exist_ok=True)
    session = Session(STATE / "session.sqlite", everything)
    record = ROOT / settings()["record"]
    try:
        if options.known:
            remember(session, everything, record)
        wanted, done = chosen(everything, options.sample, options.only), session.results()
        pending = [mutant for mutant in wanted if mutant.id not in done and not options.tests]
        if options.again:
            pending += Report(wanted, done, register).survivors()
        if pending and not options.report:
            work(session, pending, options)
    except (KeyboardInterrupt, EOFError):
        # The system, or whoever meant to stop us, may also end one of the processes alone.
        say("stopped; the next call goes on from here")
    results = session.results()
    session.close()
    if options.record:
        record.write_text(written(everything, results), encoding="utf-8")
    report = Report(everything, results, register)
    for line in report.lines():
        say(line)
    for reason in report.fails():
        say(f"FAILS: {reason}")
    return bool(report.fails())


if __name__ == "__main__":
    sys.exit(main())
