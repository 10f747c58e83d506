from __future__ import annotations

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import CheckpointError, ConfigError, RangeError
from vlmrl_ros.policies.language import speaking
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.gpt import Gpt, GptConfig
from vlmrl_ros.policies.language.policy import ABOUT, LanguagePolicy, speaker_of, variables_of
from vlmrl_ros.policies.language.speaking import Speaker
from vlmrl_ros.policies.language.tokenizer import Tokenizer

TOKENIZER = Tokenizer.of("character", ["abc\n"])
SMALL = GptConfig(layers=2, width=16, heads=2, context=32)
PROMPTS = ["a", "abc", "", "a", "cab", "abc"]


def model_of(seed: int = 0) -> Gpt:
    model = Gpt(TOKENIZER.size, SMALL, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        model.embedding.weight.mul_(8)
    return model.eval()


def critic_of(model: Gpt, seed: int = 1) -> Critic:
    generator = torch.Generator().manual_seed(seed)
    critic = Critic(model, 2, True, generator)
    for head in critic.actions:
        torch.nn.init.normal_(head.last.weight, generator=generator)
    return critic


def greedy_by_hand(model: Gpt, critic: Critic | None, beta: float, prompt: str, most: int) -> str:
    """Without a cache: the whole text is read anew for each token."""
    ids = list(TOKENIZER.prompt(prompt))
    begin = len(ids)
    while len(ids) - begin < most and ids[-1 if len(ids) > begin else 0] != TOKENIZER.end:
        read = torch.tensor([ids])
        with torch.no_grad():
            scores = torch.log_softmax(model.logits(model.hidden(read)[0, -1]), -1)
            if critic is not None:
                scores = scores + beta * torch.stack(
                    [h(critic.trunk.hidden(read)[0, -1]) for h in critic.actions]
                ).amin(0)
        ids.append(int(scores.argmax()))
    return TOKENIZER.decode(ids[begin:])


@pytest.mark.parametrize("beta", [0.0, 0.5, 100.0])
def test_a_cached_answer_is_that_of_reading_all_anew(beta):
    model = model_of()
    critic = critic_of(model_of(3))
    speaker = Speaker(TOKENIZER, model, critic, beta, temperature=0.0, most=6)
    answers = speaker.answer(PROMPTS, torch.Generator())
    assert [answer.text for answer in answers] == [greedy_by_hand(model, critic, beta, p, 6) for p in PROMPTS]
    assert [TOKENIZER.decode(answer.token_ids) for answer in answers] == [answer.text for answer in answers]


def test_what_is_remembered_changes_no_answer(monkeypatch):
    speaker = Speaker(TOKENIZER, model_of(), critic_of(model_of(3)), 0.5, temperature=0.0, most=6)
    first = speaker.answer(PROMPTS[:3], torch.Generator())
    assert speaker.answer(PROMPTS, torch.Generator())[:3] == first
    whole = Speaker(TOKENIZER, speaker.model, speaker.critic, 0.5, 0.0, 6).answer(PROMPTS, torch.Generator())
    assert speaker.answer(PROMPTS, torch.Generator()) == whole
    kept = dict(speaker.remembered)
    monkeypatch.setattr(speaking, "MOST_REMEMBERED", 4 * TOKENIZER.size)
    assert speaker.answer(["b", *PROMPTS], torch.Generator())[1:] == whole
    assert len(speaker.remembered) < len(kept)


def test_answers_differ_with_the_weight_of_the_values():
    model, critic = model_of(), critic_of(model_of(3))
    said = {b: Speaker(TOKENIZER, model, critic, b, 0.0, 6).answer(PROMPTS, torch.Generator()) for b in (0.0, 100.0)}
    assert said[0.0] == Speaker(TOKENIZER, model, None, 7.0, 0.0, 6).answer(PROMPTS, torch.Generator())
    assert said[0.0] != said[100.0]


def test_first_tokens_are_drawn_in_proportion_to_the_clone_times_e_to_the_beta_q():
    model, critic, beta = model_of(), critic_of(model_of(3)), 0.3
    read = torch.tensor([TOKENIZER.prompt("ab")])
    with torch.no_grad():
        chances = torch.softmax(model.logits(model.hidden(read)[0, -1]), -1)
        worth = torch.minimum(*[head(critic.trunk.hidden(read)[0, -1]) for head in critic.actions])
    wanted = chances * (beta * worth).exp()
    wanted = (wanted / wanted.sum()).numpy()
    answers = Speaker(TOKENIZER, model, critic, beta, 1.0, 1).answer(["ab"] * 4000, torch.Generator().manual_seed(0))
    found = np.bincount([answer.token_ids[0] for answer in answers], minlength=TOKENIZER.size) / 4000
    assert np.abs(found - wanted).max() < 4 * np.sqrt(0.25 / 4000)


def test_equal_draws_give_equal_answers_and_rows_draw_for_themselves():
    speaker = Speaker(TOKENIZER, model_of(), temperature=2.0, most=6)
    first, again = (speaker.answer(["a"] * 50, torch.Generator().manual_seed(5)) for _ in range(2))
    assert first == again
    assert len(set(first)) > 10


def test_a_prompt_that_leaves_no_room_is_refused():
    with pytest.raises(RangeError, match="31 tokens and an answer up to 6; the context holds 32"):
        Speaker(TOKENIZER, model_of(), most=6).answer(["a" * 30], torch.Generator())


def test_weights_say_themselves_how_they_speak():
    speaker = Speaker(TOKENIZER, model_of(), critic_of(model_of(3)), 0.5, 0.0, 6)
    policy = LanguagePolicy()
    with pytest.raises(CheckpointError, match="before it had weights"):
        policy.answer(PROMPTS, np.random.default_rng(0))
    policy.load(variables_of(speaker))
    assert policy.answer(PROMPTS, np.random.default_rng(0)) == speaker.answer(PROMPTS, torch.Generator())


def test_weights_that_do_not_fit_are_refused_and_the_old_ones_stay():
    good = dict(variables_of(Speaker(TOKENIZER, model_of(), temperature=0.0, most=6)))
    policy = LanguagePolicy()
    policy.load(good)
    said = policy.answer(PROMPTS, np.random.default_rng(0))
    name = "model/position.weight"
    bad = [
        {},
        {**good, ABOUT: np.frombuffer(b"[]", np.uint8)},
        {**good, ABOUT: np.frombuffer(b"{", np.uint8)},
        {**good, ABOUT: np.frombuffer(b'{"tokenizer": {}, "model": {}}', np.uint8)},
        {**good, name: good[name][:-1]},
        {**good, name: good[name] * np.nan},
        {key: value for key, value in good.items() if key != name},
    ]
    for variables in bad:
        with pytest.raises(CheckpointError):
            policy.load(variables)
    assert policy.answer(PROMPTS, np.random.default_rng(0)) == said


def test_heads_must_divide_the_width_and_a_text_must_fit_the_context():
    with pytest.raises(ConfigError, match="width is 16 and no multiple of heads, 3"):
        Gpt(5, GptConfig(width=16, heads=3), torch.Generator())
    with pytest.raises(RangeError, match="33 tokens; the context holds 32"):
        model_of().hidden(torch.zeros(1, 33, dtype=torch.int64))


def test_what_stands_on_the_right_is_not_read():
    model = model_of()
    ids = torch.tensor([[1, 2, 3, 4], [1, 2, 0, 0]])
    with torch.no_grad():
        both = model.hidden(ids)
    assert torch.allclose(both[0, :2], both[1, :2], atol=1e-6)
    assert not torch.allclose(both[0, 3], both[1, 3], atol=1e-2)
    assert speaker_of(variables_of(Speaker(TOKENIZER, model))).model.vocabulary == TOKENIZER.size
