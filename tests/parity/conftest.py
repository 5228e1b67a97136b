"""What the recorded cases were off by, at the end of a run and on request in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.case import Deviation

DEVIATIONS = pytest.StashKey[dict[str, list[Deviation]]]()


@pytest.fixture(scope="session")
def deviations(pytestconfig: pytest.Config) -> dict[str, list[Deviation]]:
    """Case name to what was measured; filled by the test."""
    return pytestconfig.stash.setdefault(DEVIATIONS, {})


@pytest.fixture(autouse=True)
def full_precision() -> Iterator[None]:
    """Cases were recorded in single precision; an accelerator would multiply in less."""
    torch = pytest.importorskip("torch")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    measured = config.stash.get(DEVIATIONS, {})
    if not measured:
        return
    path = config.getoption("--parity-report")
    if path is not None:
        report = {
            case: {
                each.quantity: {"largest": each.largest, "limit": each.limit, "unit": each.unit}
                for each in found
            }
            for case, found in measured.items()
        }
        Path(path).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    terminalreporter.section("largest deviation of each case, over its limit")
    for case, found in sorted(measured.items()):
        worst = max(found, key=lambda each: each.largest / each.limit if each.limit else each.largest)
        terminalreporter.write_line(
            f"{case:32} {worst.quantity:34} {worst.largest:9.2e} of {worst.limit:8.1e} {worst.unit}"
        )
