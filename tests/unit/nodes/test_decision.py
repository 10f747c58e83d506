from __future__ import annotations

import json

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError, NonFiniteError, ShapeError
from vlmrl_ros.nodes.decision import Question, decide, without_broken

NAMES = tuple(f"step_{n}" for n in range(40))
HALF_GOOD = [[float(arm >= 20)] for arm in range(40)]
ALL = [True] * 40


def question(**changes) -> Question:
    return Question(**{"learner": "trust", "options": {}, "names": NAMES, **changes})


def test_trust_moves_towards_the_good_half_and_says_what_is_certain():
    decision = decide(question(), [of * 4 for of in HALF_GOOD], ALL)
    assert decision.deployed.sum() == pytest.approx(1.0)
    assert decision.deployed[20:].sum() > 0.75
    assert 0.5 < decision.selection.certificate < decision.selection.value
    assert not decision.stays
    assert decision.incumbent is None
    assert json.loads(json.dumps(decision.to_plain()))["certificate"] == decision.selection.certificate


def test_an_incumbent_stays_while_its_own_certificate_is_not_beaten():
    tried = [[1.0] * 200 if name == "step_30" else of for name, of in zip(NAMES, HALF_GOOD, strict=True)]
    few, many = (decide(question(incumbent="step_30"), returns, ALL) for returns in (HALF_GOOD, tried))
    assert few.incumbent.certificate < few.selection.certificate
    assert not few.stays
    assert many.incumbent.certificate == pytest.approx(1 - 0.5 * np.sqrt(2 * np.log(20) / 200))
    assert many.stays == (many.incumbent.certificate >= many.selection.certificate)


def test_the_incumbent_that_stays_is_deployed_alone():
    worse = [[1.0] * 400 if name == "step_0" else [0.0] for name in NAMES]
    decision = decide(question(learner="uniform", incumbent="step_0"), worse, ALL)
    assert decision.stays
    assert decision.deployed[0] == 1.0
    assert decision.selection.mixture[0] == pytest.approx(1 / 40)


def test_what_cannot_be_loaded_is_part_of_the_certificate_and_never_deployed():
    decision = decide(question(learner="uniform"), HALF_GOOD, [arm != 0 for arm in range(40)])
    assert decision.selection.value == pytest.approx(0.5)
    assert decision.deployed[0] == 0.0
    assert decision.deployed[1:] == pytest.approx(1 / 39)


def test_a_mixture_of_nothing_that_can_act_becomes_one_of_all_that_can():
    assert without_broken(np.array([1.0, 0.0, 0.0]), [False, True, True]) == pytest.approx([0.0, 0.5, 0.5])
    assert without_broken(np.array([0.5, 0.25, 0.25]), [False, True, True]) == pytest.approx([0.0, 0.5, 0.5])


def test_few_candidates_or_equal_noise_bring_the_advice_to_try_more_often():
    advice = decide(question(), HALF_GOOD, ALL).advice
    assert "40 candidates are few" in " ".join(advice)
    assert "same noise and number of trials" in " ".join(advice)
    four = decide(question(), [of * 4 for of in HALF_GOOD], ALL).selection.certificate
    assert f"the certificate would be {four:.2f} instead of" in advice[-1]
    many = tuple(map(str, range(150)))
    uneven = [[1.0] * (1 + arm % 2) for arm in range(150)]
    assert decide(question(names=many), uneven, [True] * 150).advice == ()


@pytest.mark.parametrize(
    ("changes", "error", "line"),
    [
        ({"options": {"delta": 0.0}}, ConfigError, "delta is 0; valid: above 0 and below 1"),
        ({"options": {"delta": 1.5}}, ConfigError, "delta is 1.5; valid: above 0 and below 1"),
        ({"options": {"sigma": [0.0]}}, ConfigError, "sigma of arm 0 is 0; valid: above 0 and finite"),
        ({"options": {"sigma": [0.5, 0.5]}}, ShapeError, "2 sigmas for 40 arms"),
        ({"names": ("step_1",)}, ShapeError, r"1 candidate\(s\) \['step_1'\]; valid: 2 or more"),
        ({"incumbent": "step_99"}, ConfigError, "incumbent is 'step_99'; valid: step_0, step_1"),
        ({"learner": "rlif"}, ConfigError, "'rlif' learns from steps .* valid: greedy, lcb, trust, uniform"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_before_anything_is_tried(changes, error, line):
    with pytest.raises(error, match=line):
        question(**changes).make()


def test_a_candidate_without_trials_and_a_return_that_is_no_number_are_refused():
    with pytest.raises(ConfigError, match=r"arm 3 \('step_3'\) has 0 trials; valid: 1 or more"):
        decide(question(), [[] if arm == 3 else of for arm, of in enumerate(HALF_GOOD)], ALL)
    with pytest.raises(NonFiniteError, match=r"return of arm 3 \('step_3'\) is nan"):
        decide(question(), [[float("nan")] if arm == 3 else of for arm, of in enumerate(HALF_GOOD)], ALL)
