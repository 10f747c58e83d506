from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import ConfigError, ShapeError, UnknownNameError
from vlmrl_ros.policies.encoders.augmentation import copied, gathered, random_shift
from vlmrl_ros.policies.encoders.base import spatial_softmax

SMALL = {
    "nature_cnn": {"channels": [8, 8, 8]},
    "resnet10": {"channels": [8, 16], "groups": 4},
    "spatial_cnn": {"channels": [4, 8, 6]},
}
TOKENS = {"nature_cnn": (16, 8), "resnet10": (16, 2), "spatial_cnn": (6, 2)}


def made(name: str, seed: int = 0, height: int = 64, width: int = 64):
    return registry.load("encoders", name)(height, width, SMALL[name], torch.Generator().manual_seed(seed))


def frames(count: int = 3, height: int = 64, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


@pytest.fixture(params=registry.names("encoders"))
def name(request) -> str:
    return request.param


def test_tokens_have_the_shape_that_the_encoder_names(name):
    encoder = made(name)
    found = encoder.encode(frames())
    assert (encoder.tokens, encoder.width) == TOKENS[name]
    assert found.shape == (3, *TOKENS[name])
    assert found.dtype == torch.float32


def test_frames_that_are_not_square_are_encoded_too(name):
    encoder = made(name, height=48, width=80)
    assert encoder.encode(frames(2, 48, 80)).shape == (2, encoder.tokens, encoder.width)


def test_the_generator_alone_decides_the_weights(name):
    torch.manual_seed(5)
    one = made(name).encode(frames())
    torch.manual_seed(6)
    assert torch.equal(made(name).encode(frames()), one)
    assert not torch.equal(made(name, seed=1).encode(frames()), one)


def test_each_frame_is_encoded_for_itself(name):
    encoder, some = made(name), frames()
    alone = torch.cat([encoder.encode(frame[None]) for frame in some])
    torch.testing.assert_close(encoder.encode(some), alone)


def test_every_weight_is_trained_and_weights_can_come_from_outside(name):
    encoder = made(name)
    weights = {key: value.detach().clone().requires_grad_() for key, value in encoder.named_parameters()}
    functional_call(encoder, weights, (frames(),)).square().sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in weights.values())


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (
            torch.zeros(2, 64, 64, 3),
            r"frames are torch.float32 \(2, 64, 64, 3\); expected torch.uint8 \(B, 64, 64, 3\)",
        ),
        (torch.zeros(2, 32, 64, 3, dtype=torch.uint8), r"uint8 \(2, 32, 64, 3\); expected"),
        (torch.zeros(64, 64, 3, dtype=torch.uint8), r"uint8 \(64, 64, 3\); expected"),
    ],
)
def test_other_frames_are_refused(name, bad, said):
    with pytest.raises(ShapeError, match=said):
        made(name).encode(bad)


def test_bad_options_name_the_valid_ones():
    generator = torch.Generator()
    for name, small, least in (("nature_cnn", 32, 36), ("spatial_cnn", 24, 25)):
        with pytest.raises(ConfigError, match=rf"{name}.channels is \[8, 8\]; valid: 3 numbers"):
            registry.load("encoders", name)(64, 64, {"channels": [8, 8]}, generator)
        with pytest.raises(ConfigError, match=f"frames are {small}x64; valid for {name}: {least}x{least} or larger"):
            registry.load("encoders", name)(small, 64, {}, generator)
        assert registry.load("encoders", name)(least, least, {}, generator).tokens
    with pytest.raises(ConfigError, match=r"channels is \[6\]; valid: multiples of 4"):
        registry.load("encoders", "resnet10")(64, 64, {"channels": [6]}, generator)
    with pytest.raises(UnknownNameError, match=r"unknown encoder 'eye'; valid: .*nature_cnn, resnet10, spatial_cnn"):
        registry.load("encoders", "eye")


def test_spatial_softmax_finds_the_brightest_place():
    maps = torch.zeros(1, 2, 5, 9)
    maps[0, 0, 0, 8] = maps[0, 1, 2, 4] = 50.0
    places = spatial_softmax(maps, torch.tensor(1.0))
    torch.testing.assert_close(places, torch.tensor([[[1.0, -1.0], [0.0, 0.0]]]), atol=1e-5, rtol=0.0)


def test_a_shift_moves_whole_frames_and_continues_their_border():
    still = torch.arange(2 * 6 * 7 * 3).reshape(2, 6, 7, 3)
    moved = random_shift(still, 2, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(still.permute(0, 3, 1, 2).float(), (2, 2, 2, 2), "replicate").permute(0, 2, 3, 1)
    crops = [[padded[i, y : y + 6, x : x + 7].long() for y in range(5) for x in range(5)] for i in range(2)]
    assert all(any(torch.equal(moved[i], crop) for crop in crops[i]) for i in range(2))
    assert torch.equal(random_shift(still, 0, torch.Generator()), still)


def test_shifts_are_drawn_evenly_and_each_frame_has_its_own():
    column = torch.arange(9).reshape(1, 1, 9, 1).expand(4000, 9, 9, 1)
    shifts = random_shift(column, 2, torch.Generator().manual_seed(0))[:, 4, 4, 0] - 4
    counts = torch.bincount(shifts + 2)
    assert len(counts) == 5
    assert counts.min() > 700


def test_copied_rectangles_and_gathered_pixels_are_the_same_shift():
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (64, 9, 7, 3), generator=generator, dtype=torch.uint8)
    shifts = torch.randint(-12, 13, (2, 64, 1), generator=generator)
    assert torch.equal(copied(image, shifts), gathered(image, shifts))
