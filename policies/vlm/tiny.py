"""A LLaVA-type model of a few million parameters, built from a configuration, to be trained here on a CPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.policies.vlm.stem import STRIDE, StemConfig

PAD, BEGIN, END = "<pad>", "<s>", "</s>"
EPSILON = 1e-5


@dataclass(frozen=True)
class TinyConfig:
    """Size of the model; the defaults make about 7 million parameters."""

    image_size: int = option(64, "height and width that images are scaled to", unit="px", low=16, high=512)
    vision: str = option(
        "vit",
        "vision tower; vit: a transformer; stem: three convolutions, with patches of 16 px, for models below 1 million",
        choices=("vit", "stem"),
    )
    patch_size: int = option(
        8, "vit: height and width of a patch, which becomes one visual token", unit="px", low=4, high=64
    )
    places: bool = option(False, "stem: each token also says where in the image it is, as a transformer's do")
    vision_width: int = option(192, "width of the vision tower", low=16, high=2048)
    vision_layers: int = option(4, "vit: layers of the vision tower", low=1, high=48)
    width: int = option(256, "width of the language model", low=16, high=4096)
    layers: int = option(6, "layers of the language model", low=1, high=48)
    heads: int = option(4, "attention heads of both", low=1, high=64)
    vocabulary: int = option(512, "tokens at most: bytes, and what is learned of the texts", low=260, high=65_536)
    context: int = option(512, "tokens of prompt, images and answer", low=32, high=32_768)


def build(
    texts: Iterable[str], seed: int, config: TinyConfig | None = None, phrases: Sequence[str] = ()
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Make a model with random weights and a processor whose tokenizer has learned from texts.

    Args:
        texts: prompts and answers like those to come; every other text can be written, too, byte by byte.
        seed: of the weights.
        config: sizes.
        phrases: texts that become one token each wherever they occur, so that what a task always says again costs a
            small model no time; what is written and read stays the same.

    Returns:
        the model, float32, in evaluation mode; the processor.

    Raises:
        ConfigError: widths that the heads do not divide, an image that the patches do not, or a phrase with the mark of
            an image, whose tokens would be lost in it.
    """
    config = config or TinyConfig()
    patch = STRIDE if config.vision == "stem" else config.patch_size
    for name, whole, part in (
        ("image_size", config.image_size, patch),
        ("vision_width", config.vision_width, config.heads),
        ("width", config.width, config.heads),
    ):
        if whole % part:
            raise ConfigError(f"{name} is {whole} and no multiple of {part}")
    swallowing = [phrase for phrase in phrases if IMAGE in phrase]
    if swallowing:
        raise ConfigError(f"phrases {swallowing} contain {IMAGE}; valid: those without")
    tokenizer = _tokenizer(texts, config)
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    processor = LlavaProcessor(
        image_processor=_image_processor(config),
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy=_strategy(config),
        num_additional_image_tokens=int(config.vision == "vit"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(_model_config(tokenizer, config))
    return model.eval(), processor


def _tokenizer(texts: Iterable[str], config: TinyConfig) -> PreTrainedTokenizerFast:
    """Byte-pair encoding; digits stand alone, so that numbers are read digit by digit."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary - 1,  # the image token comes on top
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        padding_side="left",
        model_max_length=config.context,
        extra_special_tokens={"image_token": IMAGE},
    )


def _image_processor(config: TinyConfig) -> CLIPImageProcessorPil:
    size = {"height": config.image_size, "width": config.image_size}
    return CLIPImageProcessorPil(size=size, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3)


def _strategy(config: TinyConfig) -> str:
    """A transformer has one token too many, a stem has not."""
    return "default" if config.vision == "vit" else "full"


def _vision(config: TinyConfig) -> CLIPVisionConfig | StemConfig:
    if config.vision == "stem":
        places = (config.image_size // STRIDE) ** 2 if config.places else 0
        return StemConfig(hidden_size=config.vision_width, places=places)
    return CLIPVisionConfig(
        hidden_size=config.vision_width,
        intermediate_size=4 * config.vision_width,
        projection_dim=config.vision_width,
        num_hidden_layers=config.vision_layers,
        num_attention_heads=config.heads,
        image_size=config.image_size,
        patch_size=config.patch_size,
    )


def _model_config(tokenizer: PreTrainedTokenizerFast, config: TinyConfig) -> LlavaConfig:
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        intermediate_size=8 * config.width // 3,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        max_position_embeddings=config.context,
        rms_norm_eps=EPSILON,
        initializer_range=config.width**-0.5,  # the usual 0.02 is meant for widths of thousands
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlavaConfig(
        vision_config=_vision(config),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy=_strategy(config),
        tie_word_embeddings=True,
    )
