"""What the suite ``reaction`` says of its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmrl_ros.nodes.bench.reaction import informs

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "results" / "reaction.json"


def figures(**success: float) -> dict[str, float]:
    """The published ones, with another success of some triggers."""
    return json.loads(PUBLISHED.read_text()) | {
        f"reach_misled.{name}.rlif.success.mean": value for name, value in success.items()
    }


def test_the_published_takeovers_inform():
    assert informs(figures()) is bool(figures()["informed_holds"]) is True


@pytest.mark.parametrize("worse", [{"informed": 0.89}, {"random": 0.5}, {"blind": 0.5}])
def test_takeovers_inform_only_where_those_at_random_and_blind_ones_fail(worse):
    assert not informs(figures(**worse))
