"""What does not fit into the gate: fuzzing at length and floods at full size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_FACTOR = 5
#: Where an example costs more than elsewhere: each sign-in is a scrypt, on purpose.
_FACTORS = {"tests/accounts": 2}


def _rooms() -> list[str]:
    """Answer the folders that hold hypothesis tests."""
    found = {path.parent for path in (_ROOT / "tests").rglob("test_*.py") if "from hypothesis" in path.read_text()}
    return sorted(str(folder.relative_to(_ROOT)) for folder in found if folder.name != "tests")


@pytest.mark.slow(gate="tests/sessions/test_pipeline.py::test_events_of_any_shape_never_break_the_session")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("room", _rooms())
def test_every_fuzz_test_passes_with_many_more_examples(room: str) -> None:
    own = [str(path.relative_to(_ROOT)) for path in sorted((_ROOT / room).glob("test_*.py"))]
    options = [
        "-n0",
        "-m",
        "hypothesis and not slow",
        f"--fuzz-factor={_FACTORS.get(room, _FACTOR)}",
        "--timeout=1500",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *own],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=1700,
        check=False,
    )
    # 5: the folder's hypothesis tests are marked slow themselves, or run it inside.
    assert done.returncode in (0, 5), done.stdout[-5000:] + done.stderr[-2000:]


def test_the_folders_of_fuzz_tests_are_found() -> None:
    assert {"tests/realtime", "tests/sessions", "tests/tunnel", "tests/tunnel/rewrite", "tests/triggers"} <= set(
        _rooms()
    )


@pytest.mark.slow(gate="tests/bench/test_bench.py::test_fanout_reaches_every_viewer_in_order")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("viewers", [10, 100])
def test_a_flood_at_full_size_loses_and_reorders_nothing(viewers: int) -> None:
    command = [sys.executable, "-m", "tests.bench", "fanout", "--viewers", str(viewers), "--seconds", "20", "--json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 3
    assert [row["wrong"] for row in rows] == [0, 0, 0]


@pytest.mark.slow(gate="tests/bench/test_bench.py::test_crowd_keeps_everybody_connected")
@pytest.mark.timeout(900)
def test_a_crowd_of_full_size_stays_connected() -> None:
    command = [sys.executable, "-m", "tests.bench", "crowd", "--json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(line)["wrong"] for line in done.stdout.splitlines()] == [0]
