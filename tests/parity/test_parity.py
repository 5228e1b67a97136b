"""Our networks against recorded answers: of the originals where they are at hand, and of ours in any clone.

``pytest tests/parity --parity-dir DIR`` checks every case below ``DIR``; the default is ``../shared/parity``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.case import Case, Deviation, cases_in
from tests.parity.registry import checks_of

OWN = Path(__file__).parent / "fixtures"

pytestmark = pytest.mark.timeout(900)
"""Training a volumetric network for a few steps takes minutes on a busy processor."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = Path(metafunc.config.getoption("--parity-dir"))
    parameters = [pytest.param(folder, id=f"own-{folder.name}") for folder in cases_in(OWN)]
    parameters += [pytest.param(folder, id=folder.name) for folder in cases_in(given)]
    if not cases_in(given):
        absent = pytest.mark.skip(reason=f"{given} holds no recorded cases")
        parameters.append(pytest.param(given, id="recorded", marks=absent))
    metafunc.parametrize("folder", parameters)


def test_case(folder: Path, deviations: dict[str, list[Deviation]], request: pytest.FixtureRequest) -> None:
    checks = checks_of(folder.name)
    if not checks:
        pytest.skip(f"no check is declared for the case {folder.name}")
    case = Case(folder, extended=request.config.getoption("--extended"))
    try:
        for check in checks:
            check(case)
    finally:
        if case.deviations:
            deviations[request.node.callspec.id] = case.deviations
