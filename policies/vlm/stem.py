"""A vision tower of three convolutions for models that are so small that a transformer would not learn to see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

STRIDE = 16
"""Height and width, in pixels, of what one token stands for."""
PLACE_SCALE = 0.5
"""Standard deviation of the vectors of places at first: about that of what the layers see."""


class StemConfig(PreTrainedConfig):
    """Size of a :class:`Stem`."""

    model_type = "vlmrl_ros_stem"
    hidden_size: int = 128
    places: int = 0
    """Tokens of an image, each with a learned vector that says where it is; 0: they do not say."""


class Stem(PreTrainedModel):
    """Images, float32 (B, 3, H, W), to one token for :data:`STRIDE` x :data:`STRIDE` pixels.

    Known to transformers, so that a LLaVA has it where ``vision_config`` says so, once this module is imported.
    """

    config_class = StemConfig
    main_input_name = "pixel_values"

    def __init__(self, config: StemConfig) -> None:
        """Make the layers."""
        super().__init__(config)
        width = config.hidden_size
        self.layers = nn.Sequential(
            nn.Conv2d(3, width // 4, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(width // 4, width // 2, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.places = nn.Parameter(PLACE_SCALE * torch.randn(config.places, width)) if config.places else None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """He's, for layers that ReLU follows."""
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)

    def forward(self, pixel_values: Tensor, **_kwargs: Any) -> BaseModelOutputWithPooling:
        """Tokens, float32 (B, H * W / 256, hidden_size), as the only hidden state."""
        tokens = self.layers(pixel_values).flatten(2).transpose(1, 2)
        if self.places is not None:
            tokens = tokens + self.places
        return BaseModelOutputWithPooling(last_hidden_state=tokens, hidden_states=(tokens,))


AutoConfig.register(StemConfig.model_type, StemConfig, exist_ok=True)
AutoModel.register(StemConfig, Stem, exist_ok=True)


def learn_to_see(
    stem: Stem, pixels: Tensor, shown: Sequence[Sequence[int]], seed: int, steps: int, planned: int = 600
) -> float:
    """Train a stem to name the symbols in pictures, as a pretrained tower would have learned to.

    Args:
        stem: trained in place, together with a linear layer that is thrown away.
        pixels: float32 (N, 3, H, W).
        shown: the number of each symbol, from 0, in a fixed order; equally many in each picture.
        seed: of that layer and of the order.
        steps: gradient steps; fewer than ``planned`` leave a tower that errs now and then.
        planned: steps over which the learning rate falls to 0.

    Returns:
        share of the symbols that were named in the last 20 steps, before they were learned from.
    """
    labels = torch.tensor(np.asarray(shown), dtype=torch.int64)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        features = stem(pixels[:1]).last_hidden_state.numel()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(features, labels.shape[1] * (classes := int(labels.max()) + 1))
    optimiser = torch.optim.Adam([*stem.parameters(), *head.parameters()], 2e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, planned)
    named = []
    for _ in range(steps):
        rows = torch.from_numpy(rng.choice(len(labels), min(64, len(labels)), replace=False))
        logits = head(stem(pixels[rows]).last_hidden_state.flatten(1)).reshape(-1, classes)
        wanted = labels[rows].flatten()
        loss = nn.functional.cross_entropy(logits, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        named.append(float((logits.argmax(-1) == wanted).float().mean()))
    return float(np.mean(named[-20:]))
