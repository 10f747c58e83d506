from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.sim.text import guess_city, twenty_questions
from vlmrl_ros.sim.text.guessing import LIMIT, PLAYERS, bound, informed, informed_return
from vlmrl_ros.sim.text.questions import ATTRIBUTES, CATEGORIES, knowledge
from vlmrl_ros.sim.text.rollout import record

ORACLES = [twenty_questions.oracle(), guess_city.oracle()]


def about(task, name: str):
    """The task with a secret."""
    task.reset(0)
    task.rules._secret = task.rules.oracle.names.index(name)
    return task


@pytest.mark.parametrize(
    ("secret", "question", "answer"),
    [
        ("apple", "Is it a fruit?", "Yes."),
        ("apple", "is it something one can eat", "Yes."),
        ("apple", "Is it a vegetable?", "No."),
        ("hammer", "Does it have wheels?", "No."),
        ("bus", "Could it have a motor?", "Yes."),
        ("sock", "Are they worn?", "Yes."),
    ],
)
def test_objects_are_asked_about_in_words_of_ones_own(secret, question, answer):
    step = about(twenty_questions.build({}), secret).step(question)
    assert step.observation.text == f"Questions:\n{question}\n{answer}\n"
    assert (step.reward, step.last, step.info["unparsed"]) == (-1.0, False, False)


@pytest.mark.parametrize("question", ["Is it a gloop?", "apple", "Is it red or green?", "", "Why?"])
def test_what_is_not_understood_is_no_and_says_so(question):
    step = about(twenty_questions.build({}), "apple").step(question)
    assert step.observation.text.endswith("No.\n")
    assert (step.reward, step.info["unparsed"], step.info["valid"]) == (-1.0, True, False)


@pytest.mark.parametrize("question", ["Is it an airplane?", "is it a plane", "Is this the airplane?"])
def test_naming_the_object_under_any_of_its_names_ends_the_game_for_nothing(question):
    step = about(twenty_questions.build({}), "airplane").step(question)
    assert (step.reward, step.terminated, step.info["success"]) == (0.0, True, True)
    assert step.observation.text.endswith("Yes.\n")


@pytest.mark.parametrize("question", ["Is it a dog or an apple?", "Does it fall far from an apple?"])
def test_an_object_among_other_nouns_is_not_named(question):
    assert not about(twenty_questions.build({}), "apple").step(question).terminated


def test_twenty_questions_in_vain_cost_twenty():
    task = about(twenty_questions.build({}), "apple")
    steps = [task.step("Is it a fruit?") for _ in range(LIMIT)]
    assert sum(step.reward for step in steps) == -20.0
    assert (steps[-1].terminated, steps[-1].info["success"]) == (True, False)


def test_every_question_of_the_table_is_understood_as_itself():
    for key, attribute in ATTRIBUTES.items():
        assert knowledge().read(attribute.question).attribute == key
    for number, names in enumerate(knowledge().names):
        for name in names:
            assert knowledge().read(f"Is it a {name}?").guess == number


def test_each_object_is_of_one_category_and_the_table_has_the_size_that_is_told():
    categories = np.stack([knowledge().column(category) for category in CATEGORIES])
    assert (categories.sum(axis=0) == 1).all()
    assert (len(knowledge().names), len(CATEGORIES)) == (151, 17)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What continent is the city on?", "It is in Europe."),
        ("where about the equator is it?", "It is in the northern hemisphere."),
        ("How many people live there?", "More than ten million."),
        ("Is it by the sea?", "No."),
        ("Which language do they speak?", "Mostly French."),
        ("Is it the capital?", "Yes."),
        ("What is it called?", guess_city.UNKNOWN),
        ("Are there beaches in the capital?", guess_city.UNKNOWN),
        ("Is it Rome?", "No."),
        ("is it paris", "Yes."),
    ],
)
def test_cities_are_told_about_by_facts_and_never_by_name(question, answer):
    step = about(guess_city.build({}), "Paris").step(question)
    assert step.observation.text.endswith(f"\n{answer}\n")
    assert step.info["unparsed"] == (answer == guess_city.UNKNOWN)
    assert step.info.get("success", False) == (answer == "Yes." and "paris" in question)


def test_there_are_a_hundred_cities_and_no_answer_holds_a_name():
    oracle = guess_city.oracle()
    assert len(set(oracle.names)) == 100
    for secret, name in enumerate(oracle.names):
        for question in oracle.questions:
            assert name not in oracle.answer(secret, question).text


@pytest.mark.parametrize("oracle", ORACLES, ids=["objects", "cities"])
def test_answers_in_words_and_in_numbers_are_the_same(oracle):
    for index, question in enumerate(oracle.questions):
        told = [oracle.answer(secret, question).text for secret in range(len(oracle.names))]
        for secret in range(len(told)):
            same = oracle.answers[index] == oracle.answers[index, secret]
            assert [text == told[secret] for text in told] == same.tolist()


@pytest.mark.parametrize("module", [twenty_questions, guess_city])
def test_the_informed_players_exact_mean_is_what_it_plays_and_within_the_bound(module):
    task, rng, returns = module.build({}), np.random.default_rng(0), {}
    for seed in range(2000):
        task.reset(seed)
        if task.rules._secret not in returns:
            secret = task.rules._secret
            returns[secret] = record(task, informed, seed, rng, {}).undiscounted_return
    oracle = module.oracle()
    assert len(returns) == len(oracle.names)
    assert np.mean(list(returns.values())) == pytest.approx(informed_return(oracle))
    answers = max(len(set(row.tolist())) for row in oracle.answers)
    assert informed_return(oracle) <= bound(len(oracle.names), answers)


def test_the_bound_counts_what_questions_can_tell_apart():
    assert bound(1, 2) == 0.0
    assert bound(3, 2) == pytest.approx(-2 / 3)
    assert bound(7, 2) == pytest.approx(-10 / 7)


@pytest.mark.parametrize("module", [twenty_questions, guess_city])
def test_better_players_ask_less(module):
    task, means = module.build({}), []
    for _, behaviour in PLAYERS.values():
        rng = np.random.default_rng(0)
        means.append(np.mean([record(task, behaviour, s, rng, {}).undiscounted_return for s in range(60)]))
    assert means == sorted(means)
