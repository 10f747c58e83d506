from __future__ import annotations

from dataclasses import astuple, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import yaml

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import RangeError, VlmrlError
from vlmrl_ros.core.text import Answer
from vlmrl_ros.nodes.bench import lmrl_gym
from vlmrl_ros.nodes.bench.lmrl_gym import MAZE, figures_of, measure, ordering
from vlmrl_ros.nodes.bench.lmrl_gym_games import TEXT_NAV, WORDLE
from vlmrl_ros.nodes.bench.lmrl_gym_maze import DISCOUNT, ROWS, TOKENS, exact_values, values_of
from vlmrl_ros.nodes.bench.lmrl_gym_runs import Recipe, episodes, run, weights
from vlmrl_ros.nodes.bench.lmrl_gym_tables import Tables, tabular_returns
from vlmrl_ros.nodes.text_play import answers, play
from vlmrl_ros.policies.language.policy import LanguagePolicy
from vlmrl_ros.sim.text import maze
from vlmrl_ros.sim.text.maze_map import STARTS, solution

RAWS = {"ilql": -7.5, "lm_mc": -40.0, "lm_filtered_bc": -50.0, "lm_bc": -70.0}


def holds(task: str, **raws: float) -> dict[str, float]:
    figures = {f"{task}.{learner}.raw.mean": raw for learner, raw in raws.items()}
    return ordering(task, {"maze.optimal": -6.84, **figures})


def test_the_ordering_of_the_paper_holds_or_does_not():
    assert holds("maze", **RAWS) == {"maze.ordering_holds": 1.0}
    for worse in ({"ilql": -8.9}, {"lm_mc": -51.0}, {"lm_filtered_bc": -71.0}):
        assert holds("maze", **RAWS | worse) == {"maze.ordering_holds": 0.0}
    assert holds("tabletop_dialogue", ilql=-5.0, lm_bc=-4.0) == {"tabletop_dialogue.ordering_holds": 0.0}
    assert holds("chess", lm_mc=-5.0, lm_bc=-4.0) == {}


def test_of_several_orders_each_has_to_hold():
    def wordle(**raws: float) -> float:
        return holds("wordle", lm_bc=-5.0, **raws)["wordle.ordering_holds"]

    assert wordle(lm_mc=-4.0, ilql=-4.5) == wordle(lm_mc=-4.5, ilql=-4.0) == 1.0
    assert wordle(lm_mc=-4.0, ilql=-5.5) == wordle(lm_mc=-5.5, ilql=-4.0) == 0.0


def test_scores_stand_beside_raw_returns():
    records = {"ilql": [{"raw": raw, "success": 1.0, "seconds": 2.0} for raw in (-6.84, -6.84)]}
    found = figures_of(MAZE, records)
    assert (found["maze.ilql.raw.mean"], found["maze.ilql.score.mean"]) == (pytest.approx(-6.84), pytest.approx(100.0))
    assert found["maze.ilql.seconds"] == 2.0
    anchors = [found[f"maze.anchor.{name}"] for name in ("lowest", "average", "highest")]
    assert anchors == [*astuple(maze.normalisation({}))]


def test_tables_of_the_data_show_what_the_equations_of_the_learners_give():
    tables = Tables.of(list(islice(maze.episodes({}, 0), 100)))
    exact = DISCOUNT * solution(DISCOUNT**TOKENS)
    there = tables.said > 0
    assert tables.best(0.999)[there] == pytest.approx(exact[there], abs=0.2)
    assert np.all(tables.best(0.7)[there] <= tables.best(0.9)[there] + 1e-6)
    assert np.all(tables.worth[there] >= -1 / (1 - DISCOUNT**TOKENS))
    found = tabular_returns(tables, {"lm_mc": 0.0, "ilql": 16.0}, 0.95)
    assert found["ilql"] == pytest.approx(-6.84, abs=0.05)
    assert found["lm_mc"] == found["lm_bc"]  # without beta it says what the clone says
    assert found["ilql"] > found["lm_filtered_bc"] > found["lm_bc"] > -86.0


def test_episodes_side_by_side_are_those_that_each_has_alone():
    best = {f"{cell[0]}, {cell[1]};": said for cell, said in best_moves().items()}

    def answer(prompts):
        cells = [prompt.split("you are at ")[1].split(" walls")[0] for prompt in prompts]
        return [Answer(f"{best[cell]}\n", (7,)) for cell in cells]

    tasks = [maze.build({"start": start}) for start in range(len(STARTS))]
    episodes = play(tasks, range(len(STARTS)), answer, "solver")
    assert np.mean([episode.undiscounted_return for episode in episodes]) == pytest.approx(-6.84)
    assert all(episode.terminated and episode.info["success"] for episode in episodes)
    assert {turn.token_ids for episode in episodes for turn in episode.turns} == {(7,)}
    assert episodes[3] == play([maze.build({"start": 3})], [3], answer, "solver")[0]


def best_moves():
    from vlmrl_ros.sim.text.maze_map import CELLS

    names, values = list(maze.ACTIONS), solution(1.0)
    return {cell: names[int(values[row].argmax())] for row, cell in enumerate(CELLS)}


def test_an_answer_that_is_empty_is_recorded_as_a_line_end():
    (episode,) = play([maze.build({"start": 0})], [0], lambda prompts: [Answer("")] * len(prompts), "silent")
    assert episode.turns[0].action == "\n"
    assert episode.undiscounted_return == -4.0 * 100 - 1.0


def test_the_short_version_fails_where_learning_is_too_short_and_a_finished_run_is_not_made_again(
    tmp_path, monkeypatch
):
    tiny = {**MAZE.shared, "updates": 1, "layers": 1, "width": 16, "heads": 2, "batch_size": 16}
    recipes = {
        "lm_bc": Recipe(1, cloned=False),
        "lm_mc": Recipe(1, {"beta": 4.0}),
        "ilql": Recipe(1, {"beta": 16.0, "expectile": 0.9}),
    }
    plan = replace(MAZE, data=40, shared=tiny, recipes=recipes, games=1, settings=({"start": 22}, {"start": 23}))
    monkeypatch.setattr(lmrl_gym, "PLANS", (plan,))
    monkeypatch.setattr(lmrl_gym, "MAZE", plan)
    with pytest.raises(VlmrlError, match=r"ILQL should come within 2 of -6\.84 and above all: .*maze\.ilql\.raw\.mean"):
        measure(True, tmp_path)
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {f"maze_{name}_0.{kind}" for name in recipes for kind in ("json", "safetensors")} <= files.keys()
    assert run(plan, "ilql", 0, tmp_path)["raw"] <= 0
    values = values_of(weights(plan, "ilql", 0, tmp_path))
    assert values.shape == exact_values().shape == (25, 4)
    figures = lmrl_gym.measure_part("maze", True, tmp_path)
    to_optimum = np.abs(values - exact_values()).mean()
    assert figures["maze.q_error_to_value_iteration"] == figures["maze.q_error_to_value_iteration.mean"] == to_optimum
    tables = Tables.of(episodes(plan, 0))
    exact, said = tables.best(0.9)[ROWS], tables.said[ROWS] > 0
    assert not said.all()
    assert figures["maze.q_error_to_tabular_ilql.mean"] == pytest.approx(np.abs(values - exact)[said].mean())
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def test_models_can_read_what_the_rules_answer_to_nonsense(tmp_path):
    tiny = {**TEXT_NAV.shared, "updates": 1, "width": 8, "heads": 2, "batch_size": 4}
    plan = replace(TEXT_NAV, data=2, shared=tiny, recipes={"lm_bc": Recipe(1, cloned=False)}, games=1)
    assert not any("cannot" in turn.observation for episode in episodes(plan, 0) for turn in episode.turns)
    assert run(plan, "lm_bc", 0, tmp_path)["raw"] == 0.0


def test_a_game_that_outgrows_the_context_goes_on_in_silence_and_ends_no_run(tmp_path):
    tiny = {**WORDLE.shared, "updates": 1, "width": 8, "heads": 2, "batch_size": 4, "context": 40}
    recipes = {"lm_bc": Recipe(1, cloned=False), "lm_ppo": Recipe(2, {"rollouts": 2}, own=2)}
    plan = replace(WORDLE, data=1, shared=tiny, recipes=recipes, games=2)
    made = run(
        plan, "lm_ppo", 4, tmp_path
    )  # its one game of data fits the context, a whole one of six guesses does not
    assert (made["raw"], made["curve"]) == (-6.0, [-6.0, -6.0])
    policy = LanguagePolicy()
    policy.load(weights(plan, "lm_ppo", 4, tmp_path))
    short, unread = "Wordle:\n", list[RangeError]()
    said = answers(policy, [short, short * 20, "\u2654"], np.random.default_rng(0), unread.append)
    rng = np.random.default_rng(0)
    rng.integers(2**62)  # that of the attempt to answer all at once
    assert said == [*policy.answer([short], rng), Answer("\n"), Answer("\n")]
    assert ["the context holds 40" in str(unread[0]), "not in the vocabulary" in str(unread[1])] == [True, True]


@pytest.mark.parametrize("plan", lmrl_gym.PLANS, ids=lambda plan: plan.task)
def test_the_options_for_the_loop_are_those_of_the_suite(plan):
    folder = Path(__file__).parents[3] / "launch" / "config" / "text"
    content = yaml.safe_load((folder / f"{plan.task}.yaml").read_text())
    assert content.get("/**", {"ros__parameters": {}})["ros__parameters"].get(plan.task, {}) == plan.options
    given = content["/**/text_learner"]["ros__parameters"]
    round_of = plan.shared["updates"]
    for learner, recipe in plan.recipes.items():
        options, suite = dict(given[learner]), {**plan.shared, **recipe.options}
        from_mapping(registry.load("learners", learner).config_type, options, learner)
        cloned = plan.recipes["lm_bc"].rounds * round_of if recipe.cloned else 0
        assert options.pop("cloning_updates", 0) == cloned
        assert options.pop("cloning_rate", 0.0) == (plan.shared["learning_rate"] if cloned else 0.0)
        assert options.pop("decay_steps", 0) == (0 if recipe.own else recipe.rounds * round_of)
        updates, of_suite = options.pop("updates"), suite.pop("updates")
        steps = of_suite if recipe.own else (cloned + recipe.rounds * round_of) / given["offline_updates"]
        assert (updates, options) == (steps, suite)
    assert given["data"] == plan.data


@pytest.mark.parametrize("plan", lmrl_gym.PLANS, ids=lambda plan: plan.task)
def test_an_update_waits_for_the_own_episodes_of_its_round_and_for_no_more(plan):
    assert all(recipe.options.get("rollouts") == recipe.own for recipe in plan.recipes.values() if recipe.own)


def test_a_plan_goes_by_its_task_so_that_a_launch_finds_the_options():
    assert sorted(lmrl_gym.PARTS) == sorted(registry.names("text_tasks"))
