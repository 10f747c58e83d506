"""Real nodes in real processes, and an observer among them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.observer import Observer
from fakes.processes import Stage, free_domain


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with free_domain() as domain:
        made = Stage(domain, tmp_path_factory.mktemp("stage"))
        yield made
        made.close()


@pytest.fixture(scope="module")
def observer(stage: Stage) -> Iterator[Observer]:
    made = Observer(stage.domain)
    yield made
    made.close()
