"""A reader in a process of its own: results and refusals come back, a crash or a hang is an error."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.formats import statistical as module
from wwm_models.survey.formats.statistical import ReaderDied, run_in_subprocess

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse() -> None:
    raise SurveyError("data.sav: too large.")


def fail() -> None:
    raise ValueError("byte 7 is wrong")


def test_a_large_result_comes_back_whole():
    values = np.arange(500_000.0)
    np.testing.assert_array_equal(run_in_subprocess(lambda: values, 4.0), values)


def test_a_crash_ends_in_the_child():
    with pytest.raises(ReaderDied, match="the library crashed on it"):
        run_in_subprocess(crash, 0.0)


def test_refusals_and_failures_keep_their_words():
    with pytest.raises(SurveyError, match=r"data\.sav: too large\."):
        run_in_subprocess(refuse, 0.0)
    with pytest.raises(ReaderDied, match="byte 7 is wrong"):
        run_in_subprocess(fail, 0.0)


def test_a_hang_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(ReaderDied, match="did not end within 0 seconds"):
        run_in_subprocess(lambda: time.sleep(30), 0.0)
    assert time.monotonic() - started < 15
