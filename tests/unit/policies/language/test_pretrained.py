from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.policy import LanguagePolicy
from vlmrl_ros.policies.language.pretrained import PACKAGES, PretrainedTokenizer, load
from vlmrl_ros.policies.language.speaking import Speaker
from vlmrl_ros.policies.learners.ilql.builder import Builder as Ilql
from vlmrl_ros.policies.learners.lm_bc.builder import Builder as Bc

EPISODE = TextEpisode((TextTurn("cell 1:", " right\n", -1.0), TextTurn("cell 2:", " right\n", 0.0)), True)
SPEC = TextSpec.of("chain", [EPISODE])
PROMPTS = ["cell 1:", "cell 2:", "cell 10:", "cell 1:"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("llama"))


def llama(path, more_tokens: int = 0) -> str:
    """A Llama of a few thousand weights with a tokenizer of bytes, as a directory of transformers.

    Args:
        path: of the directory.
        more_tokens: those of the model beyond the tokenizer's.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({sign: number for number, sign in enumerate(["<s>", "</s>", *alphabet])}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    config = LlamaConfig(
        vocab_size=len(tokenizer) + more_tokens,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=1,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def test_a_model_of_transformers_learns_and_speaks_through_its_weights_alone(directory):
    options = {"model": directory, "temperature": 0.0, "batch_size": 4, "updates": 2, "cloning_updates": 1}
    learner = Ilql.build(SPEC, from_mapping(Ilql.config_type, options), np.random.default_rng(0))
    learner.add(EPISODE)
    metrics = learner.update()
    assert all(np.isfinite(value) for value in metrics.values())
    policy = LanguagePolicy()
    policy.load(learner.variables())
    said = policy.answer(PROMPTS, np.random.default_rng(0))
    model, tokenizer = load(directory)
    assert [tokenizer.decode(one.token_ids) for one in said] == [one.text for one in said]
    assert [one.text for one in said] == [by_hand(learner, prompt) for prompt in PROMPTS]
    assert model.vocabulary == learner.critic.module.actions[0].last.out_features


def by_hand(learner, prompt: str) -> str:
    """Greedy, without a cache: the whole text is read anew for each token."""
    model, critic, tokenizer = learner.clone.module, learner.target, learner.tokenizer
    ids = list(tokenizer.prompt(prompt))
    begin = len(ids)
    with torch.no_grad():
        for _ in range(learner._config.answer_tokens):
            read = torch.tensor([ids])
            scores = torch.log_softmax(model.logits(model.hidden(read)[0, -1]), -1)
            scores = scores + learner._values.beta * critic.least(critic.trunk.hidden(read)[0, -1])
            ids.append(int(scores.argmax()))
            if ids[-1] in tokenizer.ends:
                break
    return tokenizer.decode(ids[begin:])


def test_a_tokenizer_of_transformers_says_what_it_is(directory):
    _, tokenizer = load(directory)
    again = PretrainedTokenizer.of(tokenizer.describe())
    assert again.prompt(" a\n") == tokenizer.prompt(" a\n")
    assert tokenizer.decode(tokenizer.encode("wälls\n")) == "wälls\n"
    assert again.end == tokenizer.end == tokenizer.encode("\n")[0]


def test_tokens_of_the_model_beyond_the_tokenizer_are_never_said_nor_valued(tmp_path):
    path = llama(tmp_path, more_tokens=1000)  # four of five
    learner = Ilql.build(
        SPEC,
        from_mapping(Ilql.config_type, {"model": path, "cloning_updates": 1, "updates": 2}),
        np.random.default_rng(0),
    )
    learner.add(EPISODE)
    learner.update()
    size = learner.tokenizer.size
    policy = LanguagePolicy()
    policy.load(learner.variables())
    said = policy.answer(PROMPTS * 8, np.random.default_rng(0))
    assert max(token for one in said for token in one.token_ids) < size
    assert learner.critic.module.actions[0].last.out_features == learner.clone.module.vocabulary == size
    assert learner.clone.module.made.config.vocab_size == size + 1000


def test_a_model_with_fewer_tokens_than_its_tokenizer_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"the model has 25\d tokens; its tokenizer needs 258 or more"):
        load(llama(tmp_path, more_tokens=-1))


def test_the_token_for_the_end_of_a_text_ends_an_answer_too(directory):
    _, tokenizer = load(directory)
    (end,) = tokenizer.ends - {tokenizer.end}
    taught = TextTurn("cell 1:", " go", 0.0, (*tokenizer.encode(" go"), end))
    options = {"model": directory, "temperature": 0.0, "batch_size": 1, "updates": 60, "learning_rate": 1e-2}
    learner = Bc.build(SPEC, from_mapping(Bc.config_type, options), np.random.default_rng(0))
    learner.add(TextEpisode((taught,), True))
    learner.update()
    policy = LanguagePolicy()
    policy.load(learner.variables())
    (said,) = policy.answer(["cell 1:"], np.random.default_rng(0))
    assert (said.text, said.token_ids) == (" go", taught.token_ids)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no directory with a causal language model"):
        load(str(tmp_path / "none"))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="no causal language model in"):
        load(str(tmp_path))


@pytest.mark.skipif(not all(map(find_spec, PACKAGES)), reason="the packages of the extra smol are missing")
def test_the_real_smollm2_knows_before_it_is_taught_and_learns_what_it_is_taught():
    taught = TextEpisode((TextTurn("The capital of France is", " a maze\n", 0.0),), True)
    options = {"model": "smollm2", "batch_size": 1, "updates": 1, "learning_rate": 1e-4}
    learner = Bc.build(
        TextSpec.of("capitals", [taught]), from_mapping(Bc.config_type, options), np.random.default_rng(0)
    )
    speaker = Speaker(learner.tokenizer, learner.clone.module, temperature=0.0, most=1)
    assert speaker.answer([taught.turns[0].observation], torch.Generator())[0].text == " Paris"
    asked = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    speaker.most = 16
    (said,) = speaker.answer([asked], torch.Generator())
    assert said.text == "The capital of France is Paris."  # ended by the model, which says no line end
    assert (speaker.model.vocabulary, len(said.token_ids)) == (learner.tokenizer.size, 8)
    learner.add(taught)
    losses = [learner.update()["cloning_loss"] for _ in range(2)]
    assert losses[1] < 0.8 * losses[0]
