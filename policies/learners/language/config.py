"""Options that the learners of language share."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.language.gpt import GptConfig
from vlmrl_ros.policies.language.model_place import check_place
from vlmrl_ros.policies.language.tokenizer import KINDS


@dataclass(frozen=True)
class LanguageConfig(GptConfig):
    """The model and how it is trained and speaks."""

    model: str = option(
        "",
        "directory of a causal language model of transformers; smollm2: SmolLM2-135M-Instruct, from its package; "
        "empty: a small GPT, made here",
    )
    tokenizer: str = option("word", "of the small GPT: words that it has met, or characters", choices=KINDS)
    temperature: float = option(1.0, "at which tokens are drawn; 0: the likeliest", low=0.0, high=100.0)
    answer_tokens: int = option(16, "longest answer", low=1, high=4096)
    batch_size: int = option(
        256, "passages in a gradient step; 0: all of them, each weighed by how often it was said", low=0, high=100_000
    )
    updates: int = option(10, "gradient steps in one update", low=1, high=100_000)
    learning_rate: float = option(1e-3, "of Adam", low=0.0, high=1.0)
    decay_steps: int = option(
        0,
        "gradient steps, those of a clone aside, in which the learning rate falls evenly to 0; 0: it stays",
        low=0,
        high=1_000_000_000,
    )
    max_gradient: float = option(1.0, "greatest norm of a gradient", low=1e-6, high=1e6)

    def __post_init__(self) -> None:
        """Look for the model at once: a learner is built when its data have been made, which may take minutes."""
        if self.model:
            check_place(self.model)


@dataclass(frozen=True)
class ClonedConfig(LanguageConfig):
    """Learners that begin with a clone of the data."""

    cloning_updates: int = option(
        1000, "gradient steps of behaviour cloning before all else", low=1, high=1_000_000_000
    )
    cloning_rate: float = option(
        0.0,
        "learning rate of behaviour cloning, which falls evenly to 0; 0: learning_rate, which stays",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class ValueConfig(ClonedConfig):
    """Learners whose values shift what the clone would say."""

    discount: float = option(0.99, "gamma of one action token", low=0.0, high=1.0)
    beta: float = option(16.0, "weight of Q against the clone's logits when it speaks", low=0.0, high=1e6)
    cql_weight: float = option(
        0.01, "alpha: weight of the cross-entropy of Q to the data's tokens", low=0.0, high=100.0
    )


@dataclass(frozen=True)
class OnlineConfig(ClonedConfig):
    """Learners that go on from what they say themselves."""

    cloning_updates: int = option(
        1000,
        "gradient steps of behaviour cloning before all else; 0: it begins as the model is, and needs no data",
        low=0,
        high=1_000_000_000,
    )
    rollouts: int = option(64, "own episodes before an update", low=1, high=1_000_000)
