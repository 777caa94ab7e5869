"""The fixture `actlen` in somebody else's tests: what passes, what fails, and what the message says.

The settler is a stand-in that another project's conftest plants, so verdicts are at will here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from flint import fmpq

from actlen.pytest_plugin import Claims
from theory.network import FullyConnected

ROOT = Path(__file__).parents[2]
STATEMENT = "E[M[d]**2] <= 4*M[0]**2"
CONFTEST = """
import sys
from types import ModuleType, SimpleNamespace

def settle(statement, where):
    from theory.network import FullyConnected
    network = FullyConnected([1, 2], weights="rademacher")
    witness = SimpleNamespace(network=network, sides=(7, 4)) if "refuted" in where else None
    return SimpleNamespace(verdict=where.partition(";")[0], witness=witness, cases=1234)

stand_in = ModuleType("proofs_check.settle")
stand_in.settle = settle
sys.modules["proofs_check.settle"] = stand_in
"""
TESTS = """
def test_proved(actlen):
    assert actlen.check("E[M[d]] == M[0]", where="proved").cases == 1234

def test_refuted(actlen):
    actlen.check("E[M[d]**2] <= 4*M[0]**2", where="refuted; weights=any")

def test_supported(actlen):
    actlen.check("Var[M[d]] > 0", where="supported")

def test_supported_and_accepted(actlen):
    actlen.check("Var[M[d]] > 0", where="supported", accept_supported=True)

def test_inconclusive(actlen):
    actlen.check("Var[M[d]] > 0", where="inconclusive", accept_supported=True)
"""


def settled(verdict, witness=None):
    return SimpleNamespace(verdict=verdict, witness=witness, cases=1234)


def claims(verdict, witness=None, **options):
    return Claims(lambda statement, where: settled(verdict, witness), **options)


def in_another_project(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_claims.py").write_text(TESTS)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "actlen.pytest_plugin", "-p", "no:cacheprovider", "-v"]
    return subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def outcomes(run) -> dict[str, str]:
    words = (line.split() for line in run.stdout.splitlines() if "test_claims.py::" in line and "%]" in line)
    return {test.partition("::test_")[2]: outcome for test, outcome, *_ in words}


def test_verdicts_in_another_project(tmp_path):
    run = in_another_project(tmp_path)
    assert outcomes(run) == {
        "proved": "PASSED",
        "refuted": "FAILED",
        "supported": "FAILED",
        "supported_and_accepted": "PASSED",
        "inconclusive": "FAILED",
    }
    for line in (
        "refuted: E[M[d]**2] <= 4*M[0]**2",
        "  where    refuted; weights=any",
        "  witness  widths 1,2; weights rademacher; input ones",
        "  sides    7, 4",
        "no witness in 1,234 cases and no proof; accept_supported=True passes it",
    ):
        assert line in run.stdout
    assert "Traceback" not in run.stdout
    assert "pytest_plugin.py" not in run.stdout


@pytest.mark.full
def test_supported_is_accepted_by_an_option(tmp_path):
    run = in_another_project(tmp_path, "--actlen-accept-supported")
    assert outcomes(run)["supported"] == "PASSED"
    assert {"refuted", "inconclusive"} == {k for k, v in outcomes(run).items() if v == "FAILED"}


def test_the_entry_point_is_this_module():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"actlen": "actlen.pytest_plugin"}


def test_the_plugin_loads_nothing_of_ours_before_a_check():
    """It is loaded in every pytest run where the package is installed."""
    code = (
        "import actlen.pytest_plugin, sys; print({'flint', 'theory', 'numba', 'hypothesis'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize("verdict", ["proved", "supported"])
def test_what_passes_returns_the_record(verdict):
    assert claims(verdict, accept_supported=True).check(STATEMENT) == settled(verdict)


@pytest.mark.parametrize("verdict", ["refuted", "supported", "inconclusive", "Proved", ""])
def test_everything_else_fails(verdict):
    with pytest.raises(pytest.fail.Exception, match=f"{verdict}: "):
        claims(verdict).check(STATEMENT)


def test_the_call_outranks_the_command_line():
    with pytest.raises(pytest.fail.Exception):
        claims("supported", accept_supported=True).check(STATEMENT, accept_supported=False)


def test_a_witness_is_shown_with_both_sides():
    witness = SimpleNamespace(network=FullyConnected([1, 2], input=[3]), sides=(fmpq(7, 2), fmpq(5)))
    with pytest.raises(pytest.fail.Exception) as failure:
        claims("refuted", witness).check(STATEMENT, where="weights=normal")
    assert "widths 1,2; weights normal; input 3" in str(failure.value)
    assert "7/2, 5" in str(failure.value)
