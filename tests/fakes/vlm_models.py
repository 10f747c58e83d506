"""Vision-language models of every family that is served, a few thousand random weights each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    AutoModelForImageTextToText,
    BatchFeature,
    Idefics3Config,
    Idefics3ImageProcessor,
    Idefics3Processor,
    PaliGemmaConfig,
    PaliGemmaProcessor,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    SiglipImageProcessor,
    SmolVLMConfig,
)

from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SIZE = TinyConfig(image_size=32, vision_width=32, vision_layers=1, width=32, layers=2, vocabulary=400, context=1024)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}
SIGHT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
Pair = tuple[Any, Any]


def tokenizer(texts: list[str], *marks: str) -> Any:
    """That of the tiny model with more special tokens."""
    made = build(texts, 0, SIZE)[1].tokenizer
    made.add_special_tokens({"additional_special_tokens": list(marks)})
    return made


def llava(texts: list[str]) -> Pair:
    return build(texts, 0, SIZE)


def idefics3(texts: list[str]) -> Pair:
    return _idefics(Idefics3Config, texts)


def smolvlm(texts: list[str]) -> Pair:
    """With the processor of Idefics3: its own needs torchvision, for videos."""
    return _idefics(SmolVLMConfig, texts)


def _idefics(config_type: type[Any], texts: list[str]) -> Pair:
    ids = tokenizer(texts)
    pictures = Idefics3ImageProcessor(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    processor = Idefics3Processor(pictures, ids, image_seq_len=4)
    text = {"model_type": "llama", "vocab_size": len(ids), **TEXT, **_ids(ids)}
    sight = {**SIGHT, "image_size": 32, "patch_size": 8}
    config = config_type(
        text_config=text, vision_config=sight, image_token_id=processor.image_token_id, scale_factor=2, **_ids(ids)
    )
    return _model(config), processor


def paligemma(texts: list[str]) -> Pair:
    return _paligemma("gemma", texts)


def paligemma2(texts: list[str]) -> Pair:
    """Its logits are bounded after the head."""
    return _paligemma("gemma2", texts, final_logit_softcapping=3.0)


def _paligemma(model_type: str, texts: list[str], **more: float) -> Pair:
    ids = tokenizer(texts)
    pictures = SiglipImageProcessor(size={"height": 32, "width": 32})
    pictures.image_seq_length = 16
    processor = PaliGemmaProcessor(pictures, ids)
    text = {"model_type": model_type, "vocab_size": len(ids), "head_dim": 8, **TEXT, **_ids(ids), **more}
    sight = {"model_type": "siglip_vision_model", **SIGHT, "image_size": 32, "patch_size": 8}
    config = PaliGemmaConfig(
        text_config=text,
        vision_config={**sight, "projection_dim": 32},
        image_token_index=processor.image_token_id,
        projection_dim=32,
        hidden_size=32,
        **_ids(ids),
    )
    return _model(config), processor


class QwenProcessor:
    """What the processors of Qwen-VL do with images and text; theirs need torchvision, for videos."""

    image_token = "<|image_pad|>"
    chat_template = None

    def __init__(self, pictures: Any, ids: Any) -> None:
        self.image_processor, self.tokenizer = pictures, ids

    def __call__(
        self, text: list[str], images: list[list[Any]] | None, return_tensors: str, padding: bool
    ) -> BatchFeature:
        seen, counts = {}, iter(())
        if images is not None:
            seen = self.image_processor(images=images, return_tensors=return_tensors)
            counts = iter((seen["image_grid_thw"].prod(-1) // self.image_processor.merge_size**2).tolist())
        parts = [row.split(self.image_token) for row in text]
        marked = [row[0] + "".join(self.image_token * next(counts) + part for part in row[1:]) for row in parts]
        read = self.tokenizer(marked, return_tensors=return_tensors, padding=padding)
        image = self.tokenizer.convert_tokens_to_ids(self.image_token)
        kinds = (read["input_ids"] == image).int()
        own = {"input_ids": read["input_ids"], "attention_mask": read["attention_mask"], "mm_token_type_ids": kinds}
        return BatchFeature({**own, **seen})


def qwen2_vl(texts: list[str]) -> Pair:
    return _qwen(Qwen2VLConfig, texts, {"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 4})


def qwen2_5_vl(texts: list[str]) -> Pair:
    size = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32}
    return _qwen(Qwen2_5_VLConfig, texts, {**size, "fullatt_block_indexes": [0], "window_size": 16})


def qwen3_vl(texts: list[str]) -> Pair:
    size = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32}
    return _qwen(Qwen3VLConfig, texts, {**size, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]})


def _qwen(config_type: type[Any], texts: list[str], sight: dict[str, Any]) -> Pair:
    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    ids = tokenizer(texts, *marks)
    start, end, image, video = ids.convert_tokens_to_ids(list(marks))
    pictures = Qwen2VLImageProcessor(
        patch_size=4, merge_size=2, size={"shortest_edge": 32 * 32, "longest_edge": 32 * 32}
    )
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1], "mrope_interleaved": True}
    text = {"vocab_size": len(ids), **TEXT, "rope_parameters": rope, **_ids(ids)}
    text |= {"head_dim": 8} if config_type is Qwen3VLConfig else {}
    config = config_type(
        text_config=text,
        vision_config={**sight, "patch_size": 4, "spatial_merge_size": 2},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        **_ids(ids),
    )
    return _model(config), QwenProcessor(pictures, ids)


def _ids(tokens: Any) -> dict[str, int]:
    return {f"{kind}_token_id": getattr(tokens, f"{kind}_token_id") for kind in ("pad", "bos", "eos")}


def _model(config: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AutoModelForImageTextToText.from_config(config).eval()


FAMILIES: dict[str, Callable[[list[str]], Pair]] = {
    made.__name__: made for made in (llava, idefics3, smolvlm, paligemma, paligemma2, qwen2_vl, qwen2_5_vl, qwen3_vl)
}
