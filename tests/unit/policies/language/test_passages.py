from __future__ import annotations

import numpy as np
import pytest
import torch

from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.policies.language.passages import PassageMemory, passages_of
from vlmrl_ros.policies.language.tokenizer import Tokenizer

TOKENIZER = Tokenizer.of("character", ["abcxy>\n"])


class Echo:
    """Knows the last token alone."""

    vocabulary, width, context = 8, 1, 16

    def hidden(self, ids: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return ids.flatten()[at][:, None].float()


def separate(terminated: bool) -> TextEpisode:
    turns = (TextTurn("a>", "x\n", -1.0), TextTurn("bb>", "yx\n", -2.0))
    return TextEpisode(turns, terminated, final="c>")


def growing(terminated: bool) -> TextEpisode:
    turns = (TextTurn("a>", "x\n", -1.0), TextTurn("a>x\nb>", "yx\n", -2.0))
    return TextEpisode(turns, terminated, final="a>x\nb>yx\nc>")


def test_prompts_without_a_memory_are_passages_of_their_own():
    first, second = passages_of(separate(True), TOKENIZER, 0.5)
    assert [TOKENIZER.decode(one.ids) for one in (first, second)] == ["a>x\n", "bb>yx\n"]
    assert (first.said, second.said) == ((3, 4), (4, 5, 6))
    assert (first.rewards, second.rewards) == ((0.0, -1.0), (0.0, 0.0, -2.0))
    assert second.to_go == (-0.5, -1.0, -2.0)
    assert first.to_go == (-0.625, -1.25)
    assert (first.after, second.after) == (TOKENIZER.prompt("bb>"), None)


def test_an_episode_that_grows_is_one_passage():
    (whole,) = passages_of(growing(True), TOKENIZER, 0.5)
    assert TOKENIZER.decode(whole.ids) == "a>x\nb>yx\n"
    assert "".join(TOKENIZER.decode([whole.ids[place]]) for place in whole.said) == "x\nyx\n"
    assert whole.to_go == (-0.625, -1.25, -0.5, -1.0, -2.0)
    assert whole.after is None


WORDS = Tokenizer.of("word", ["go>\n", "abc"])


def test_a_word_that_was_spelled_is_learned_from_as_it_was_spelled():
    spelled = (*WORDS.encode("g"), *WORDS.encode("o"), WORDS.end)
    assert WORDS.decode(spelled) == "go\n"
    assert spelled != WORDS.encode("go\n")
    turns = (TextTurn(">", "go\n", -1.0, spelled), TextTurn(">go\n>", "go\n", -1.0))
    first, second = passages_of(TextEpisode(turns, True), WORDS, 1.0)
    assert tuple(first.ids[place] for place in first.said) == spelled
    assert second.ids == (*WORDS.prompt(">go\n>"), *WORDS.encode("go\n"))  # as the model read it, not as it spelled
    assert (first.after, second.after) == (WORDS.prompt(">go\n>"), None)
    assert (first.rewards, first.to_go, second.to_go) == ((0.0, 0.0, -1.0), (-2.0, -2.0, -2.0), (-1.0, -1.0))


@pytest.mark.parametrize("ids", [(), (1, 2), (10**6,), (0, 0)])
def test_tokens_of_another_tokenizer_are_not_taken_for_its_own(ids):
    (passage,) = passages_of(TextEpisode((TextTurn(">", "go\n", 0.0, ids),), True), WORDS, 1.0)
    assert passage.ids == (*WORDS.prompt(">"), *WORDS.encode("go\n"))


def test_an_answer_that_was_nothing_and_counts_as_a_line_end_is_learned_from_as_it_was_drawn():
    (passage,) = passages_of(TextEpisode((TextTurn(">", "\n", 0.0, (0, 0)),), True), WORDS, 1.0)
    assert passage.ids == (*WORDS.prompt(">"), 0, 0)


def test_what_follows_a_cut_is_the_final_prompt():
    assert passages_of(separate(False), TOKENIZER, 1.0)[-1].after == TOKENIZER.prompt("c>")
    assert passages_of(growing(False), TOKENIZER, 1.0)[-1].after == TOKENIZER.prompt("a>x\nb>yx\nc>")


def test_a_batch_reads_equal_texts_once_and_links_each_action_token_to_the_next():
    memory = PassageMemory()
    for episode in (separate(True), separate(False)):
        for passage in passages_of(episode, TOKENIZER, 1.0):
            memory.add(passage)
    batch = memory.batch(np.array([0, 3, 1, 0]))
    assert (batch.ids.shape, batch.after.shape) == ((2, 7), (2, 4))
    assert "".join(TOKENIZER.decode([int(token)]) for token in batch.token) == "x\nyx\nyx\nx\n"
    before = [TOKENIZER.decode([int(one)]) for one in batch.spread(batch.chosen(Echo()))[:, 0]]
    assert before == [">", "x", ">", "y", "x", ">", "y", "x", ">", "x"]
    assert [TOKENIZER.decode([int(one)]) for one in batch.ends(Echo())[:, 0]] == [">", ">"]
    here, after = torch.arange(10.0), torch.tensor([100.0, 200.0])
    texts = [TOKENIZER.decode(row.tolist()) for row in batch.after]
    bb, c = (100.0 * (1 + [text.startswith(mark) for text in texts].index(True)) for mark in ("bb>", "c>"))
    assert batch.next_values(here, after).tolist() == [1, bb, 3, 4, c, 6, 7, 0, 9, bb]
    assert batch.reward.tolist() == [0, -1, 0, 0, -2, 0, 0, -2, 0, -1]
    assert memory.token_ends(np.array([0, 1, 4])).tolist() == [0, 2, 10]
    assert batch.number.tolist() == [0, 1, 7, 8, 9, 2, 3, 4, 0, 1]


def test_the_whole_of_the_data_is_each_passage_once_by_how_often_it_was_said():
    memory, worth = PassageMemory(), {"x\n": [], "yx\n": []}
    for discount in (1.0, 0.5, 0.5):  # the same passages, whose returns differ as those of equal texts may
        for said, passage in zip(worth, passages_of(separate(True), TOKENIZER, discount), strict=True):
            memory.add(passage)
            worth[said].append(passage.to_go)
    memory.add(passages_of(separate(True), TOKENIZER, 1.0)[0])
    worth["x\n"].append(worth["x\n"][0])
    batch = memory.whole()
    assert memory.whole() is batch
    assert "".join(TOKENIZER.decode([int(token)]) for token in batch.token) == "x\nyx\n"
    assert batch.weight.tolist() == pytest.approx([4 / 17, 4 / 17, 3 / 17, 3 / 17, 3 / 17])
    means = [value for of in worth.values() for value in np.mean(of, 0)]
    assert batch.to_go.tolist() == pytest.approx(means)
    some = memory.whole(np.array([0, 2]))
    assert (some.token.tolist(), some.weight.tolist()) == (batch.token.tolist()[:2], [0.5, 0.5])


def test_equal_texts_of_which_other_places_were_said_are_not_one_passage():
    memory, last = PassageMemory(), TextTurn("abc", "x\n", 0.0)
    for first in (TextTurn("a", "b", -1.0), TextTurn("ab", "c", -1.0)):
        (passage,) = passages_of(TextEpisode((first, last), True), TOKENIZER, 1.0)
        memory.add(passage)
    batch = memory.whole()
    assert len(batch.ids) == 1
    assert "".join(TOKENIZER.decode([int(token)]) for token in batch.token) == "bx\ncx\n"


def test_a_batch_in_which_nothing_follows_has_no_prompts():
    memory = PassageMemory()
    memory.add(passages_of(growing(True), TOKENIZER, 1.0)[0])
    batch = memory.batch(np.array([0, 0]))
    assert len(batch.after) == len(batch.after_place) == 0
    assert batch.next_values(torch.ones(10), torch.zeros(0)).tolist() == [1, 1, 1, 1, 0] * 2


def test_a_character_that_the_vocabulary_lacks_is_refused():
    with pytest.raises(Exception, match="'z' is not in the vocabulary"):
        passages_of(TextEpisode((TextTurn("z", "x\n", 0.0),), True), TOKENIZER, 1.0)
