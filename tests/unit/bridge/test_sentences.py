from __future__ import annotations

import pytest

from vlmrl_ros.bridge.sentences import sentences
from vlmrl_ros.core.errors import ConfigError


def test_sentences_with_commas_are_given_in_one_argument_or_in_a_file(tmp_path):
    assert sentences("left, please|right", "instructions") == ["left, please", "right"]
    assert sentences("", "instructions") == []
    path = tmp_path / "said.yaml"
    path.write_text("- left, please\n- 'right: now'\n")
    assert sentences(str(path), "instructions") == ["left, please", "right: now"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: b", "holds .*: a list of texts"), ("[1]", "holds .*: a list of texts"), ("[", "cannot be read")],
)
def test_a_file_that_holds_no_list_of_texts_is_refused(tmp_path, text, line):
    path = tmp_path / "said.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"instructions names '.*said.yaml', which {line}"):
        sentences(str(path), "instructions")
    with pytest.raises(ConfigError, match=r"nowhere.yaml', which cannot be read"):
        sentences(str(tmp_path / "nowhere.yaml"), "instructions")
