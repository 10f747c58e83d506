"""From the frames of all cameras to a few features: an encoder and a projection for each camera.

Source: Kostrikov et al., DrQ (2021), appendix A: linear layer, layer normalisation and tanh after the convolutions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vlmrl_ros.core.errors import CheckpointError, VlmrlError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import CameraSpec, FloatArray
from vlmrl_ros.core.types import Observation
from vlmrl_ros.policies.encoders.chosen import build_encoder
from vlmrl_ros.policies.networks.compute import learner_compute

NEWEST, AVERAGE = "sight/", "sight_ema/"
"""Begin the names of the weights among a policy's variables: of the newest, and of their moving average."""
ABOUT = "about"
"""After these: what is needed to build the network, JSON as uint8 (M,)."""
LONGEST_ABOUT = 4096
"""Bytes of JSON that are read."""


class Sight(nn.Module):
    """Encoders and projections, trained together with the critics.

    Attributes:
        width: number of features, of all cameras.
        about: what :func:`read_sight` needs to build it again.
    """

    def __init__(
        self,
        cameras: Sequence[CameraSpec],
        encoder: str,
        latent: int,
        generator: torch.Generator,
        encoder_options: Sequence[str] = (),
    ) -> None:
        """Draw the weights.

        Args:
            cameras: those of the task.
            encoder: name of the encoder plug-in.
            latent: features of each camera.
            generator: draws the weights.
            encoder_options: as of :func:`~vlmrl_ros.policies.encoders.chosen.build_encoder`.

        Raises:
            UnknownNameError: no such encoder or option.
            ConfigError: a bad option, or frames that the encoder cannot take.
        """
        super().__init__()
        self.encoders, self.projections, self.norms = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for camera in cameras:
            made = build_encoder(encoder, encoder_options, camera, generator)
            self.encoders[camera.name] = made
            self.projections[camera.name] = _orthogonal(made.tokens * made.width, latent, generator)
            self.norms[camera.name] = nn.LayerNorm(latent)
        self.width = latent * len(cameras)
        self.about: dict[str, Any] = {"encoder": encoder, "latent": latent}
        if encoder_options:
            self.about["encoder_options"] = list(encoder_options)

    def forward(self, frames: Mapping[str, Tensor]) -> Tensor:
        """Features float32 (B, ``width``) in [-1, 1] of uint8 frames (B, H, W, 3) by camera."""
        seen = []
        for name, encoder in self.encoders.items():
            tokens = encoder.encode(frames[name]).flatten(1)
            seen.append(torch.tanh(self.norms[name](self.projections[name](tokens))))
        return torch.cat(seen, -1)

    @torch.no_grad()
    def look(self, observation: Observation) -> FloatArray:
        """Features float32 (``width``,) of one observation, whose frames are uint8 (H, W, 3) by camera."""
        frames = {name: torch.from_numpy(np.array(observation[name]))[None] for name in self.encoders}
        with learner_compute():
            return np.asarray(self(frames)[0].numpy(), np.float32)

    def take_encoders(self, policy: Path) -> None:
        """Take the newest encoders of another run, from ``policy.safetensors`` of its checkpoint.

        Raises:
            CheckpointError: nothing there, or encoders that do not fit.
        """
        begin = f"{NEWEST}encoders."
        try:
            given = {name.removeprefix(begin): w for name, w in load_file(policy).items() if name.startswith(begin)}
            self.encoders.load_state_dict(given)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise CheckpointError(f"encoders of '{policy}' cannot be taken: {str(error)[:300]}") from error

    def variables(self, weights: Mapping[str, Tensor], prefix: str = NEWEST) -> dict[str, Any]:
        """Copies of weights by name, as a policy's variables carry them."""
        about = np.frombuffer(json.dumps(self.about).encode(), np.uint8)
        copies = {f"{prefix}{name}": tensor.cpu().numpy().copy() for name, tensor in weights.items()}
        return {f"{prefix}{ABOUT}": about, **copies}


def read_sight(cameras: Sequence[CameraSpec], variables: Variables, prefix: str = NEWEST) -> Sight:
    """The sight among a policy's variables, whose names begin with a prefix.

    It is laid out without memory, which only the weights then bring: what they say of themselves allocates none.

    Raises:
        CheckpointError: it is damaged or missing, or does not fit the cameras.
    """
    try:
        given = {name[len(prefix) :]: value for name, value in variables.items() if name.startswith(prefix)}
        text = given.pop(ABOUT)
        if text.dtype != np.uint8 or text.size > LONGEST_ABOUT:
            raise ValueError(f"'{prefix}{ABOUT}' is no JSON of at most {LONGEST_ABOUT} bytes")
        about = json.loads(text.tobytes())
        options = [str(text) for text in about.get("encoder_options", ())]
        with torch.device("meta"):
            sight = Sight(cameras, str(about["encoder"]), int(about["latent"]), torch.Generator(), options)
        weights = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in given.items()}
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise ValueError("weights are not finite")
        sight.load_state_dict(weights, assign=True)
    except (VlmrlError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"weights '{prefix}' do not fit: {str(error)[:300]}") from error
    return sight.eval()


def _orthogonal(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        nn.init.orthogonal_(layer.weight, generator=generator)
        layer.bias.zero_()
    return layer
