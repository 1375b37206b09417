"""Nutpie is called by its compiled library alone only where every signature is known; else publicly, with the same draws."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from wwm_models.bayes import sampler as entries
from wwm_models.bayes.sampler import STATS, Settings, run_chain
from wwm_models.errors import FitError

SCALE = np.array([1.0, 0.5, 2.0])


def density(z: np.ndarray) -> tuple[float, np.ndarray]:
    return float(-0.5 * np.sum((z / SCALE) ** 2)), -z / SCALE**2


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has not imported nutpie."""
    monkeypatch.delitem(sys.modules, "nutpie", raising=False)


def test_every_call_past_the_public_interface_has_the_signature_it_was_written_for():
    assert entries.changed(entries.compiled_library()) == [], (
        "this nutpie changed a private call: posteriors still work, but each now imports arviz and numba; adapt `draw_directly` and `SIGNATURES`"
    )


@pytest.mark.parametrize("name", sorted(entries.SIGNATURES))
def test_a_library_with_another_signature_is_used_publicly(fresh, monkeypatch, name):
    real, taken = entries.compiled_library(), []
    changed = SimpleNamespace()
    for known in entries.SIGNATURES:
        owner, _, method = known.partition(".")
        text = entries._signature(real, known)
        if known == name:
            text = "(something, else)"
        if not hasattr(changed, owner):
            setattr(changed, owner, SimpleNamespace(__text_signature__=None))
        setattr(
            getattr(changed, owner),
            method or "__text_signature__",
            SimpleNamespace(__text_signature__=text) if method else text,
        )
    monkeypatch.setattr(entries, "compiled_library", lambda: changed)
    monkeypatch.setattr(entries, "draw_publicly", lambda _: taken.append("public"))
    monkeypatch.setattr(entries, "draw_directly", lambda *_: taken.append("direct"))
    assert entries.changed(changed) == [name]
    entries.draw(None)
    assert taken == ["public"]


@pytest.mark.parametrize(("imported", "way"), [(False, "direct"), (True, "public")])
def test_a_package_that_is_imported_already_is_used_publicly(fresh, monkeypatch, imported, way):
    taken = []
    monkeypatch.setattr(entries, "draw_publicly", lambda _: taken.append("public"))
    monkeypatch.setattr(entries, "draw_directly", lambda *_: taken.append("direct"))
    if imported:
        monkeypatch.setitem(sys.modules, "nutpie", SimpleNamespace())
    entries.draw(None)
    assert taken == [way]


@pytest.mark.slow
def test_both_entries_give_the_same_draws_and_statistics(fresh, monkeypatch):
    settings = Settings(draws=120, warmup=80, target_accept=0.7)
    found = {}
    for way in ("directly", "publicly"):
        chosen = getattr(entries, f"draw_{way}")
        call = (lambda task: chosen(task, entries.compiled_library())) if way == "directly" else chosen  # noqa: B023
        monkeypatch.setattr("wwm_models.bayes.sampler.draw", call)
        calls = []
        found[way] = run_chain(density, np.ones(3), 5, settings, lambda: calls.append(1))  # noqa: B023
        assert len(calls) == 200, way
    direct, public = found["directly"], found["publicly"]
    assert direct.z.shape == (120, 3)
    np.testing.assert_array_equal(public.z, direct.z)
    assert set(public.stats) == set(direct.stats) == {*STATS, "outside"}
    for name, values in direct.stats.items():
        np.testing.assert_array_equal(public.stats[name], values, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["directly", "publicly"])
def test_an_error_in_the_density_is_the_callers(fresh, monkeypatch, way):
    def broken(z):
        raise ZeroDivisionError("in the density")

    chosen = getattr(entries, f"draw_{way}")
    call = (lambda task: chosen(task, entries.compiled_library())) if way == "directly" else chosen
    monkeypatch.setattr("wwm_models.bayes.sampler.draw", call)
    with pytest.raises(ZeroDivisionError, match="in the density"):
        run_chain(broken, np.ones(2), 1, Settings(100, 50, 0.8))


def test_a_missing_sampler_is_said_in_three_parts(fresh, monkeypatch):
    monkeypatch.delitem(sys.modules, "nutpie._lib", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(FitError) as caught:
        entries.compiled_library()
    assert str(caught.value) == (
        "Posteriors need the sampler nutpie, which is not installed. Expected nutpie 0.16.8 or later beside this package. "
        'Install it with `pip install "nutpie>=0.16.8,<0.17"`.'
    )
