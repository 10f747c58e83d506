from __future__ import annotations

from types import SimpleNamespace

import pytest

from vlmrl_ros.core.errors import NonFiniteError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.text import Answer, TextObservation, TextStep
from vlmrl_ros.core.text_games import MOST_SAID, TextGames
from vlmrl_ros.core.text_steps import SPOKEN_PARTS, STEP_NS, SpokenChains, spoken
from vlmrl_ros.sim.text.load import game


def games(name: str, count: int = 1, seed: int = 0, **options: object) -> TextGames:
    return TextGames([game(name).build(options) for _ in range(count)], seed)


def said_to_all(played: TextGames, text: str) -> None:
    for arrival in played.waiting:
        assert played.hear(arrival.stamp_ns, Answer(text))


def test_games_show_in_turn_and_go_on_when_all_are_answered():
    played = games("maze", 2)
    shown = played.arrive(wanted=2, version=3)
    assert [arrival.stamp_ns for arrival in shown] == [STEP_NS, STEP_NS + 1]
    assert [arrival.feedback.episode for arrival in shown] == [0, 1]
    assert {arrival.feedback.weights_version for arrival in shown} == {3}
    assert played.hear(STEP_NS, Answer("move up\n"))
    assert played.waiting == shown[1:]
    assert played.hear(STEP_NS + 1, Answer("move left\n"))
    assert played.carry_out() == [(STEP_NS, Answer("move up\n")), (STEP_NS + 1, Answer("move left\n"))]
    assert [arrival.feedback.step for arrival in played.arrive(2, 3)] == [1, 1]


def test_an_answer_to_nothing_and_a_second_one_are_not_taken():
    played = games("maze")
    played.arrive(1, 0)
    assert not played.hear(STEP_NS + 1, Answer("move up\n"))
    assert played.hear(STEP_NS, Answer("move up\n"))
    assert not played.hear(STEP_NS, Answer("move down\n"))
    assert played.carry_out() == [(STEP_NS, Answer("move up\n"))]


def test_no_more_episodes_begin_than_are_wanted():
    played = games("wordle", 3)
    assert len(played.arrive(wanted=2, version=0)) == 2
    while played.asked:
        said_to_all(played, "no word\n")
        played.carry_out()
        played.arrive(2, 0)
    before = played.stamp_ns
    assert played.arrive(wanted=2, version=0) == []
    assert played.stamp_ns == before
    assert [arrival.feedback.episode for arrival in played.arrive(wanted=9, version=1)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("said", "carried_out"),
    [
        (Answer("move up\n", (4, 7, 1)), Answer("move up\n", (4, 7, 1))),
        (Answer("", (0, 0)), Answer("\n", (0, 0))),
        (Answer("x" * MOST_SAID + "x", (3,) * 1001), Answer("x" * MOST_SAID)),
    ],
)
def test_tokens_go_with_the_text_that_they_are_and_with_no_part_of_it(said, carried_out):
    played = games("maze")
    played.arrive(1, 0)
    assert played.hear(STEP_NS, said)
    assert played.carry_out() == [(STEP_NS, carried_out)]


@pytest.mark.parametrize(
    ("name", "text", "cost"),
    [
        ("maze", "", -4.0),
        ("maze", "x" * 10**6, -4.0),
        ("maze", "move sideways\n", -4.0),
        ("wordle", "\n\n\n", -1.0),
        ("chess_endgames", "K a 9\n", -1.0),
        ("twenty_questions-rules", "\ud800 ?", -1.0),
    ],
)
def test_what_the_rules_cannot_read_costs_what_they_say(name, text, cost):
    played = games(name)
    [before] = played.arrive(1, 0)
    said_to_all(played, text)
    [(stamp, said)] = played.carry_out()
    [after] = played.arrive(1, 0)
    assert stamp == before.stamp_ns
    assert said == Answer(text[:MOST_SAID] or "\n")
    assert after.feedback.reward == cost


def test_an_episode_that_is_cut_ends_truncated_with_its_next_step():
    played = games("maze", start=0)
    played.arrive(1, 0)
    played.cut()
    said_to_all(played, "move left\n")
    played.carry_out()
    [last] = played.arrive(1, 0)
    assert (last.feedback.terminated, last.feedback.truncated) == (False, True)
    assert played.waiting == []
    assert played.carry_out() == [(last.stamp_ns, Answer(""))]
    assert not played.asked


def test_one_seed_gives_one_run_whoever_plays_which_episode():
    def lived(count: int) -> dict[int, str]:
        played, begun = games("maze", count, seed=5), {}
        while arrivals := played.arrive(wanted=6, version=0):
            begun |= {one.feedback.episode: one.text for one in arrivals if not one.feedback.step}
            played.cut()
            said_to_all(played, "move up\n")
            if played.asked:
                played.carry_out()
        return begun

    assert lived(1) == lived(3)
    assert len(set(lived(1).values())) > 1


class Counting:
    """Counts as far as its seed says, from 1 to 30."""

    legal_actions = ()

    def reset(self, seed: int) -> TextObservation:
        self.left = 1 + seed % 30
        return TextObservation("begin")

    def step(self, text: str) -> TextStep:
        self.left -= 1
        return TextStep(TextObservation(f"{self.left} left"), 0.0, self.left == 0, False)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_games_that_end_at_different_times_lose_no_episode_to_who_joins_by_stamp(count: int):
    played, join, chains = TextGames([Counting() for _ in range(count)], 0), PartJoin(SPOKEN_PARTS), SpokenChains()
    whole: list[int] = []

    def hear(stamp_ns: int, part: str, value: object) -> None:
        for stamp, parts in join.put(stamp_ns, part, value):
            episode = chains.append(spoken(stamp, parts))
            whole.extend([episode[0].feedback.episode] if episode else [])

    while arrivals := played.arrive(wanted=60, version=0):
        for arrival in arrivals:
            hear(arrival.stamp_ns, "text", arrival.text)
            hear(arrival.stamp_ns, "feedback", arrival.feedback)
        said_to_all(played, "on")
        for stamp_ns, said in played.carry_out():
            hear(stamp_ns, "said", said)
    assert sorted(whole) == list(range(60))
    assert (join.dropped, join.late, chains.broken) == (0, 0, 0)


def test_a_reward_that_is_no_number_is_refused():
    start = TextObservation("start")
    broken = SimpleNamespace(
        reset=lambda seed: start, step=lambda text: TextStep(start, float("nan"), False, False), legal_actions=()
    )
    played = TextGames([broken], 0)
    played.arrive(1, 0)
    said_to_all(played, "go\n")
    with pytest.raises(NonFiniteError, match=r"reward of 'go\\n' is nan"):
        played.carry_out()
