"""Training and judging of a reward classifier on frames with labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.classifier.network import RewardClassifier
from vlmrl_ros.policies.encoders.augmentation import random_shift
from vlmrl_ros.policies.evaluation.statistics import Interval, success_interval
from vlmrl_ros.policies.networks.compute import learner_compute, torch_generator

JUDGED_AT_ONCE = 256


@dataclass(frozen=True)
class LabelledFrames:
    """Frames of some episodes, and which of them show success.

    Attributes:
        frames: uint8 (N, H, W, 3) for each camera.
        success: bool (N,).
        episode: int64 (N,), number of the episode of each frame.
    """

    frames: Mapping[str, npt.NDArray[np.uint8]]
    success: npt.NDArray[np.bool_]
    episode: npt.NDArray[np.int64]

    def of(self, chosen: npt.NDArray[np.bool_]) -> LabelledFrames:
        """The frames where ``chosen``, bool (N,), holds."""
        frames = {name: rows[chosen] for name, rows in self.frames.items()}
        return LabelledFrames(frames, self.success[chosen], self.episode[chosen])


@dataclass(frozen=True)
class Judgement:
    """What a classifier says of frames that it was not trained on.

    Attributes:
        precision: share of the frames called success that are; None where none was called so.
        recall: share of the frames of success that were called so; None where there are none.
        frames: how many were judged.
        episodes: from how many episodes.
    """

    precision: Interval | None
    recall: Interval | None
    frames: int
    episodes: int


def hold_out(data: LabelledFrames, share: float, rng: np.random.Generator) -> tuple[LabelledFrames, LabelledFrames]:
    """Split by whole episodes, for neighbouring frames are alike: those to train on, and those held out.

    Episodes with and without success are split each for themselves, so that both parts have both.
    """
    episodes = np.unique(data.episode)
    won = np.isin(episodes, np.unique(data.episode[data.success]))
    held: list[np.int64] = []
    for kind in (episodes[won], episodes[~won]):
        count = int(np.ceil(share * len(kind))) if len(kind) > 1 else 0
        held += rng.permutation(kind)[:count].tolist()
    out = np.isin(data.episode, held)
    return data.of(~out), data.of(out)


def fit(
    cameras: tuple[CameraSpec, ...], data: LabelledFrames, config: ClassifierConfig, rng: np.random.Generator
) -> RewardClassifier:
    """Train a classifier on half positive, half negative batches.

    Args:
        cameras: those of the frames.
        data: to train on.
        config: options.
        rng: seeds weights, batches, shifts and dropout.

    Raises:
        ConfigError: frames of one kind only.
    """
    kinds = (np.flatnonzero(data.success), np.flatnonzero(~data.success))
    if not all(map(len, kinds)):
        found = f"{len(kinds[0])} frames of success and {len(kinds[1])} others"
        raise ConfigError(f"a classifier needs frames of both kinds to train on; there are {found}")
    generator = torch_generator(rng)
    model = RewardClassifier(cameras, config, generator)
    adam = torch.optim.Adam(model.parameters(), config.learning_rate)
    half = config.batch_size // 2
    target = torch.cat((torch.ones(half), torch.zeros(half)))
    with learner_compute(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))  # dropout draws from torch's own generator
        model.train()
        for _ in range(config.updates):
            chosen = np.concatenate([rng.choice(rows, half) for rows in kinds])
            batch = {name: torch.from_numpy(rows[chosen]) for name, rows in data.frames.items()}
            shifted = {name: random_shift(frames, config.shift_px, generator) for name, frames in batch.items()}
            adam.zero_grad()
            binary_cross_entropy_with_logits(model(shifted), target).backward()
            adam.step()
    return model.eval()


@torch.no_grad()
def probabilities(model: RewardClassifier, frames: Mapping[str, npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
    """Probability of success of each frame, float32 (N,), of uint8 (N, H, W, 3) by camera."""
    count = len(next(iter(frames.values())))
    found = np.empty(count, np.float32)
    with learner_compute():
        for begin in range(0, count, JUDGED_AT_ONCE):
            some = slice(begin, begin + JUDGED_AT_ONCE)
            batch = {name: torch.from_numpy(np.ascontiguousarray(rows[some])) for name, rows in frames.items()}
            found[some] = torch.sigmoid(model(batch)).numpy()
    return found


def calls(model: RewardClassifier, data: LabelledFrames, threshold: float) -> npt.NDArray[np.bool_]:
    """Which frames are called success, bool (N,)."""
    return probabilities(model, data.frames) >= threshold if len(data.success) else data.success


def judge(model: RewardClassifier, data: LabelledFrames, threshold: float) -> Judgement:
    """Precision and recall, with Wilson's 95 % intervals over frames."""
    return judge_calls(calls(model, data, threshold), data)


def judge_calls(called: npt.NDArray[np.bool_], data: LabelledFrames) -> Judgement:
    """The same of what :func:`calls` has returned."""
    right = int((called & data.success).sum())
    precision = success_interval(right, int(called.sum())) if called.any() else None
    recall = success_interval(right, int(data.success.sum())) if data.success.any() else None
    return Judgement(precision, recall, len(data.success), len(np.unique(data.episode)))
