from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.sim.text import car_dealer
from vlmrl_ros.sim.text.car_buyer import (
    BRANDS,
    FEATURES,
    LINES,
    PERSONAS,
    TYPES,
    Buyer,
    Car,
    draw_buyer,
    read,
    refused,
    sold,
)
from vlmrl_ros.sim.text.car_dealer import best_return, offer

WANTED = Car("Ford", "sedan", frozenset({"sunroof"}))


def facing(buyer: Buyer):
    """The task with a buyer."""
    task = car_dealer.build({})
    task.reset(0)
    task.rules.buyer = buyer
    return task


def test_list_prices_add_up():
    assert Car("Ford", "sedan").msrp == 28000
    assert Car("Porsche", "luxury", frozenset({"sunroof", "backup camera"})).msrp == 2.4 * 52000 + 1700
    with pytest.raises(ValueError, match="no list price"):
        Car("Ford").msrp  # noqa: B018


def test_a_sale_and_a_refusal_are_rewarded_as_in_the_paper():
    buyer = Buyer("impatient", WANTED, 30000)
    assert WANTED.msrp == 29200
    assert sold(29000, buyer, WANTED) == pytest.approx(29000 / 29600)
    assert refused(buyer, WANTED) == pytest.approx(-800 / 29200)
    assert refused(buyer, Car("Porsche", "luxury")) > 0


def test_a_price_within_the_limit_is_taken_and_rewarded():
    task = facing(Buyer("impatient", WANTED, 50000))
    step = task.step("Take this Ford sedan with a sunroof, only $30,000!")
    assert (step.terminated, step.info["success"]) == (True, True)
    assert step.reward == pytest.approx(30000 / ((50000 + 29200) / 2))


def test_a_buyer_who_wants_a_discount_pays_less_than_the_list_price():
    task = facing(Buyer("discount", WANTED, 90000))
    assert not task.step(offer(WANTED, 29200)).terminated
    assert task.step(offer(WANTED, int(29200 * 0.95))).info["success"]


def test_a_buyer_who_needs_features_takes_no_car_without_them():
    task = facing(Buyer("features", WANTED, 90000))
    step = task.step("A Ford sedan for $5,000.")
    assert step.observation.text.endswith("Buyer: It lacks sunroof.\n")
    assert task.step("With sunroof, for $28,000.").info["success"]


def test_buyers_concede_and_then_go():
    buyer = Buyer("impatient", WANTED, 20000)
    limits = [buyer.limit(WANTED, line) for line in range(1, 6)]
    assert limits == sorted(limits)
    assert limits[0] < limits[2] == limits[4] == 20000
    task = facing(buyer)
    steps = [task.step(offer(WANTED, 29000)) for _ in range(5)]
    assert [step.terminated for step in steps] == [False] * 4 + [True]
    assert steps[-1].reward == pytest.approx((29200 - 20000) / 29200)
    assert not steps[-1].info["success"]


def test_no_conversation_is_longer_than_fifty_lines():
    assert all(Buyer(persona, WANTED, 10000).leaves(LINES // 2) for persona in PERSONAS)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What brand do you like?", "Buyer: I like Ford.\n"),
        ("What kind of car?", "Buyer: I want this type: sedan.\n"),
        ("Any features you need?", "Buyer: I need sunroof.\n"),
        ("How much can you spend?", "Buyer: I have $70,000.\n"),
        ("It costs $20,000.", "Buyer: For which car?\n"),
    ],
)
def test_buyers_say_what_they_are_asked(text, answer):
    step = facing(Buyer("impatient", WANTED, 70000)).step(text)
    assert step.observation.text.endswith(answer)
    assert not step.info["unparsed"]


def test_who_wants_a_discount_keeps_the_budget_to_themselves():
    text = facing(Buyer("discount", WANTED, 70000)).step("What is your budget?").observation.text
    assert "70,000" not in text


@pytest.mark.parametrize("text", ["Hello", "", "$", "$99999999999999999999"])
def test_idle_talk_is_not_understood_and_costs_nothing_but_a_line(text):
    step = facing(Buyer("impatient", WANTED, 70000)).step(text)
    assert (step.reward, step.info["unparsed"], step.terminated) == (0.0, True, False)


def test_the_car_on_the_table_is_remembered():
    line = read("What about a BMW SUV with heated seats?", Car())
    assert line.car == Car("BMW", "SUV", frozenset({"heated seats"}))
    assert read("and a sunroof", line.car).car.features == {"heated seats", "sunroof"}
    assert read("Or an Audi for $1,000 or $45,000", line.car)[:2] == (Car("Audi", "SUV"), 45000)


def test_no_sale_and_no_refusal_is_worth_more_than_the_best():
    rng = np.random.default_rng(0)
    for _ in range(20):
        buyer = draw_buyer(rng)
        best = best_return(buyer)
        last = next(line for line in range(1, 100) if buyer.leaves(line))
        for _ in range(100):
            features = frozenset(str(f) for f in rng.choice(list(FEATURES), rng.integers(0, 9), replace=False))
            car = Car(str(rng.choice(list(BRANDS))), str(rng.choice(list(TYPES))), features)
            limit = buyer.limit(car, int(rng.integers(1, last + 1)))
            assert max(sold(limit, buyer, car), refused(buyer, car)) <= best + 1e-9


def test_the_least_return_is_the_richest_buyers_refusal_of_the_cheapest_car():
    assert car_dealer.lowest_return() == pytest.approx(-(90000 - 25200) / 25200)
