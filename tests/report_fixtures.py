"""The fixtures of tests/fertools/report, for tests of the report that stand in other folders."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parent / "fertools" / "report" / "conftest.py"
_spec = importlib.util.spec_from_file_location("report_fixtures_conftest", _PATH)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
make_run = _module.make_run
