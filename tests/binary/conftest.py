"""The fixtures of the end-to-end tests: the smoke test is one of them."""

from __future__ import annotations

from tests.e2e.conftest import bare_stack, client_binary, pytest_runtest_makereport

__all__ = ["bare_stack", "client_binary", "pytest_runtest_makereport"]
