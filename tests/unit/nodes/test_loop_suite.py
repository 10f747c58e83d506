"""Beside which learners the suite ``loop`` runs, and that it goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.types import Transition
from vlmrl_ros.nodes.bench import loop


def test_each_learner_of_transitions_is_measured_once_and_one_of_them_sees():
    found = loop.pupils(quick=False)
    blind = [pupil.learner for pupil in found.values() if not pupil.sees]
    every = {name for name in registry.names("learners") if registry.load("learners", name).experience is Transition}
    assert sorted(blind) == sorted(every)
    seeing = {name: pupil.sees for name, pupil in found.items() if pupil.sees}
    assert seeing == {"realtime.pixels": {"peg_insert.observation": "pixels", "peg_insert.image_size": 64}}
    assert set(loop.pupils(quick=True)) == {"realtime", "realtime.pixels"}


def test_what_was_measured_is_not_measured_again(monkeypatch, tmp_path):
    """A measurement takes minutes and is not the point: what it would find stands in for it."""
    measured: list[str] = []
    broken = {"realtime.pixels"}

    def realtime(work: Path, name: str, pupil: loop.Pupil) -> dict[str, float]:
        if name in broken:
            raise VlmrlError("the learner made no update")
        measured.append(name)
        return {f"{name}.missed": 0.0}

    monkeypatch.setattr(loop, "_ticks", lambda work, span_s: measured.append("ticks") or {"ros.state.ticks_per_s": 1.0})
    monkeypatch.setattr(loop, "_realtime", realtime)
    with pytest.raises(VlmrlError):
        loop.measure(True, tmp_path)
    broken.clear()
    figures = loop.measure(True, tmp_path)
    assert measured == ["ticks", "realtime", "realtime.pixels"]
    assert figures == {"ros.state.ticks_per_s": 1.0, "realtime.missed": 0.0, "realtime.pixels.missed": 0.0}
