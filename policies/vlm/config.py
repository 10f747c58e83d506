"""Options of the policy ``vlm``; importing them loads no model library."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.asking import AskingConfig
from vlmrl_ros.core.config import option
from vlmrl_ros.core.invalid import NO_OP, invalid_option

TINY = "tiny"
"""Name of the model that is built on the spot."""
SMOL = "smol"
"""Name of the model of two pretrained parts that are joined on the spot."""
NONE = "none"
QUANTISATIONS = (NONE, "int8", "int4")
"""How the linear layers of a language model may be kept."""


@dataclass(frozen=True)
class VlmConfig(AskingConfig):
    """Options of the policy ``vlm``."""

    model: str = option(
        TINY,
        "tiny (built here, 7 million weights, to be trained), smol (SmolLM2-135M with EfficientNet-Lite0), a folder, "
        "or <owner>/<name> on the Hugging Face hub",
    )
    adapter: str = option("", "folder of a LoRA adapter of that model; empty: none")
    lora_rank: int = option(
        0, "rank of a new LoRA adapter, for weights that come from a learner; 0: none", low=0, high=1024
    )
    dtype: str = option("float32", "numbers that the model computes in", choices=("float32", "bfloat16", "float16"))
    quantisation: str = option(
        NONE, "bits in which the linear layers of the language model are kept; not trained then", choices=QUANTISATIONS
    )
    device: str = option("auto", "where the model computes", choices=("auto", "cpu", "cuda"))
    seed: int = option(0, "of the weights of tiny, and of the projector of smol", low=0, high=2**31 - 1)
    temperature: float = option(0.7, "of the draw; 0: always the likeliest token", low=0.0, high=5.0)
    max_new_tokens: int = option(96, "longest answer", low=1, high=4096)
    invalid: str = invalid_option(NO_OP)
