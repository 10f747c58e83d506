"""Which tokens of an answer are thought and which name the action, by characters and never by token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.text_action import TextAction


def character_ends(tokenizer: Any, token_ids: Sequence[int]) -> npt.NDArray[np.int64]:
    """Where each token ends in the text that all of them make, int64 (T,), in characters.

    A character of several tokens counts to the last of them; a special token, which is left out of the text, has no
    length.
    """
    ids = [int(token) for token in token_ids]
    whole = tokenizer.decode(ids, skip_special_tokens=True)
    ends = []
    for count in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[:count], skip_special_tokens=True)
        ends.append(len(text) if whole.startswith(text) else len(text.rstrip("\N{REPLACEMENT CHARACTER}")))
    return np.array(ends, np.int64)


def names_action(tokenizer: Any, token_ids: Sequence[int], said: TextAction) -> npt.NDArray[np.bool_]:
    """Which tokens belong to the part that names the action, bool (T,): its key and what follows; the rest is thought.

    A token that reaches across the border belongs to the action.

    Args:
        tokenizer: of the model.
        token_ids: of the answer.
        said: the answer as it was read.
    """
    begin, end = said.named
    ends = character_ends(tokenizer, token_ids)
    return (ends > begin) | (ends >= end) if end > begin else np.zeros(len(ends), bool)
