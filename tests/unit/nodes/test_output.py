from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.nodes.output import check_output, writing


def test_a_directory_that_can_be_written_is_left_as_it_was(tmp_path):
    check_output(tmp_path / "new" / "evaluation")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").mkdir()
    check_output(tmp_path / "old")
    assert list((tmp_path / "old").iterdir()) == []


@pytest.mark.parametrize(("below", "reason"), [("file", "File exists"), ("file/new", "Not a directory")])
def test_one_that_cannot_is_refused_and_nothing_is_made(tmp_path, below, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match=f"^output '{tmp_path / below}' cannot be written: {reason}$"):
        check_output(tmp_path / below)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_disk_that_does_not_take_the_results_fails_the_node(tmp_path):
    failures: list[Exception] = []
    with writing(tmp_path, failures.append):
        (tmp_path / "gone" / "evaluation.json").write_text("")
    assert [str(error) for error in failures] == [f"output '{tmp_path}' cannot be written: No such file or directory"]
