from __future__ import annotations

from itertools import permutations

from vlmrl_ros.core.rounds import Rounds


def handed_out(sent, in_turn: bool) -> list[tuple[int, str]]:
    rounds: Rounds[str] = Rounds(3, in_turn)
    return [pair for arm, item in sent for pair in rounds.put(arm, item)]


def test_in_turn_each_round_is_whole_and_in_the_order_of_the_arms_whoever_is_first():
    for order in permutations([0, 0, 1, 1, 2, 2]):
        counts = [0, 0, 0]
        sent = []
        for arm in order:
            sent.append((arm, f"{arm}{'ab'[counts[arm]]}"))
            counts[arm] += 1
        assert handed_out(sent, in_turn=True) == [(arm, f"{arm}{item}") for item in "ab" for arm in range(3)]


def test_in_turn_nothing_is_handed_out_while_an_arm_pauses():
    rounds: Rounds[int] = Rounds(2, in_turn=True)
    assert [rounds.put(0, item) for item in (1, 2)] == [[], []]
    assert rounds.put(1, 3) == [(0, 1), (1, 3)]
    assert rounds.put(1, 4) == [(0, 2), (1, 4)]


def test_otherwise_each_item_is_handed_out_at_once():
    sent = [(2, "a"), (0, "b"), (2, "c")]
    assert handed_out(sent, in_turn=False) == sent
