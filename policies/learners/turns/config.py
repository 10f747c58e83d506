"""Options that all learners of turns have."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.vlm.config import NONE, QUANTISATIONS, TINY


@dataclass(frozen=True)
class TurnConfig:
    """Which model learns. In the loop the policy ``vlm`` has the same one, and its options are the defaults here."""

    model: str = option(
        TINY,
        "tiny (built here, to be trained), smol (SmolLM2-135M with EfficientNet-Lite0), a folder, or <owner>/<name> on "
        "the Hugging Face hub; as the policy's",
    )
    lora_rank: int = option(
        0,
        "rank of a new LoRA adapter, which alone is trained and travels, of smol with the projector; 0: all weights, "
        "of smol the projector alone; as the policy's",
        low=0,
    )
    device: str = option("auto", "where the learner computes", choices=("auto", "cpu", "cuda"))
    dtype: str = option(
        "float32",
        "numbers that the model computes in, as the policy's; what is trained in bfloat16 has a float32 copy besides",
        choices=("float32", "bfloat16"),
    )
    quantisation: str = option(
        NONE,
        "bits in which the linear layers of the language model, which are not trained then, are kept; as the policy's",
        choices=QUANTISATIONS,
    )
    start_from: str = option(
        "", "checkpoint of a learner of turns of the same model whose weights this one begins with; empty: the model's"
    )
    policy: str = option("vlm", "policy plug-in that its weights are for", choices=("vlm",))


@dataclass(frozen=True)
class LiveConfig:
    """What is different where a model is taught by what it lives through."""

    reward: str = option(
        "takeovers",
        "in the loop: takeovers: -1 for the utterance that a person takes over from, else 0 (RLIF); task: the rewards "
        "of the task while the utterance drove the arm",
        choices=("takeovers", "task"),
    )
    last_rate: float = option(
        1.0,
        "share of the learning rate that is left after so many updates, by a cosine; 1: it stays as it is, for nobody "
        "knows beforehand how many updates a run of the loop will have",
        low=0.0,
        high=1.0,
    )
