"""Text tasks side by side: what is lived, learned and counted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from vlmrl_ros.core.side_by_side import SideBySide, alone, live, outcomes, training_seeds
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation, TextStep
from vlmrl_ros.core.text_action import read_said


class Count:
    """Say "more" as often as the seed says; each is worth 1, and anything else ends the episode at once."""

    system_prompt, legal_actions = "Count.", ("more", "stop")

    def reset(self, seed):
        self.left = seed % 5 + 1
        return TextObservation(f"{self.left} left")

    def step(self, text):
        right = "more" in text
        self.left -= 1
        over = not right or not self.left
        info = {"success": right} if over else {}
        return TextStep(TextObservation(f"{self.left} left"), float(right), over, False, info)

    def close(self):
        pass


def said(text: str) -> Utterance:
    return Utterance(text, *(np.zeros(0, kind) for kind in (np.int64, np.int64, np.float32)), ended=True)


def eager(observations):
    return [said('{"action": "more"}') for _ in observations]


def test_turns_are_those_of_the_moves_in_order_and_bear_the_place_of_their_task():
    table, again = (SideBySide([Count(), Count()], training_seeds(0)) for _ in range(2))
    streams = live(table, eager, partial(table.carry_out, play=alone), 3, scale=0.5)
    for step in range(3):
        texts = [one.text for one in eager(again.observations)]
        for arm, move in enumerate(again.carry_out(texts, alone)):
            turn = streams[arm][step]
            assert (turn.observation, turn.said, turn.after) == (move.before, move.said, move.step.observation)
            assert (turn.arm, turn.reward, turn.terminated) == (arm, 0.5 * move.step.reward, move.step.last)
            assert turn.success == turn.last
    assert streams[0][0].anchor == replace(streams[1][2], observation=TextObservation("1 left")).observation.key


def test_where_somebody_supervises_only_takeovers_count():
    table = SideBySide([Count(), Count()], training_seeds(0))

    def move(texts):
        moves = table.carry_out(texts, alone)
        return [replace(moves[0], taken_over=True), moves[1]]

    ((first,), (second,)) = live(table, eager, move, 1, supervised=True)
    assert [(one.reward, one.taken_over) for one in (first, second)] == [(-1.0, True), (0.0, False)]


def test_each_episode_that_ends_has_its_return_and_its_success():
    table = SideBySide([Count(), Count()], iter(range(5)))
    found = list(outcomes(table, eager))
    assert sorted(found) == [(float(number), True) for number in range(1, 6)]
    lazy = SideBySide([Count()], iter(range(2)))
    assert list(outcomes(lazy, lambda seen: [said("no") for _ in seen])) == [(0.0, False)] * 2


def test_runs_have_seeds_of_their_own_as_often_as_they_are_asked_for():
    assert list(islice(training_seeds(2, 3, 2), 4)) == [2_000_003, 2_000_003, 2_000_004, 2_000_004]


def test_where_no_actions_are_listed_all_that_is_said_is_the_action():
    free = read_said("[up] I think", ())
    assert (free.action, free.valid, free.thought, free.named) == ("[up] I think", True, (0, 0), (0, 12))
    assert not read_said("", ()).valid
    assert read_said('hm {"action": "up"}', ("up",)).action == "up"
