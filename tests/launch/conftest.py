"""``ros2 launch`` as a user runs it, from an empty directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.processes import Stage, free_domain


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with free_domain() as domain:
        made = Stage(domain, tmp_path_factory.mktemp("launch"))
        yield made
        made.close()
