"""What a player of a card game sees: 300 x 300 pixels, drawn with the fonts that come with the package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vlmrl_ros.sim.cards.blackjack import Blackjack
from vlmrl_ros.sim.cards.game import Card, CardGame
from vlmrl_ros.sim.cards.number_line import NumberLine
from vlmrl_ros.sim.cards.points import PointsGame

SIZE = 300
"""Height and width, px."""
TABLE, PAPER, INK, RED = (53, 101, 77), (250, 250, 250), (20, 20, 20), (190, 20, 30)
SIGNS = {
    "S": "\N{BLACK SPADE SUIT}",
    "H": "\N{BLACK HEART SUIT}",
    "D": "\N{BLACK DIAMOND SUIT}",
    "C": "\N{BLACK CLUB SUIT}",
}
FONTS = Path(__file__).with_name("fonts")
_IN_A_ROW = 4
"""Cards of a hand before the next row begins."""


def draw_game(game: CardGame) -> npt.NDArray[np.uint8]:
    """The picture of a game as it stands, uint8 (300, 300, 3), RGB.

    Raises:
        TypeError: a game that has no picture.
    """
    canvas = Image.new("RGB", (SIZE, SIZE), PAPER if isinstance(game, NumberLine) else TABLE)
    pen = ImageDraw.Draw(canvas)
    match game:
        case NumberLine():
            pen.text((30, 60), f"Target: {game.target}", INK, _font(36, bold=True))
            pen.text((30, 180), f"Current: {game.current}", INK, _font(36, bold=True))
        case PointsGame():
            _draw_hand(pen, game.cards, 45, SIZE * 9 // 10 // len(game.cards))
            pen.text((10, 245), "Formula:", PAPER, _font(16))
            pen.text((10, 268), " ".join(game.formula), PAPER, _font(16))
        case Blackjack():
            pen.text((5, 3), "Dealer", PAPER, _font(16, bold=True))
            _draw_hand(pen, [game.dealer[0], None], 25, 56)
            pen.text((5, 110), "Player", PAPER, _font(16, bold=True))
            _draw_hand(pen, game.player, 132, 56)
        case _:
            raise TypeError(f"no picture of {type(game).__name__}")
    return np.asarray(canvas)


def photograph(
    picture: npt.NDArray[np.uint8], size: int, shift: int, noise: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """A picture as a worse camera sees it, uint8 (size, size, 3).

    Args:
        picture: uint8 (H, W, 3).
        size: height and width, px.
        shift: it is moved by up to so many pixels of the result in both directions.
        noise: standard deviation, of 255.
        rng: draws both.
    """
    if size != len(picture):
        picture = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BOX))
    if shift:
        down, right = rng.integers(0, 2 * shift + 1, 2)
        picture = np.pad(picture, ((shift, shift), (shift, shift), (0, 0)), "edge")
        picture = picture[down : down + size, right : right + size]
    if noise:
        noisy = picture + rng.standard_normal(picture.shape, np.float32) * np.float32(noise)
        picture = noisy.clip(0, 255).astype(np.uint8)
    return picture


def _draw_hand(pen: ImageDraw.ImageDraw, cards: list[Card | None] | tuple[Card, ...], top: int, width: int) -> None:
    """Cards side by side, those beyond the fourth below; None lies face down."""
    height = width * 7 // 5
    for index, card in enumerate(cards):
        row, column = divmod(index, _IN_A_ROW)
        left, upper = 5 + column * width * 11 // 10, top + row * (height // 2)
        _draw_card(pen, card, (left, upper, left + width, upper + height))


def _draw_card(pen: ImageDraw.ImageDraw, card: Card | None, box: tuple[int, int, int, int]) -> None:
    left, upper, right, lower = box
    width = right - left
    pen.rounded_rectangle(box, width // 10, PAPER if card else RED, INK)
    if card is None:
        pen.rounded_rectangle((left + 5, upper + 5, right - 5, lower - 5), width // 12, outline=PAPER, width=2)
        return
    colour = RED if card.suit in "HD" else INK
    pen.text((left + width // 12, upper + width // 20), card.name, colour, _font(width // 3, bold=True))
    pen.text(((left + right) / 2, lower - width * 2 / 5), SIGNS[card.suit], colour, _font(width // 2), anchor="mm")


@lru_cache(maxsize=32)
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size)
