from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.rate_limiter import RateLimiter


def test_sampling_waits_for_the_first_inserts():
    limiter = RateLimiter(samples_per_insert=2.0, min_size_to_sample=10, error_buffer=20.0)
    limiter.insert(9)
    assert not limiter.may_sample(1)
    limiter.insert()
    assert limiter.may_sample(1)


def test_inserting_never_waits_before_the_first_sample_is_allowed():
    limiter = RateLimiter(samples_per_insert=100.0, min_size_to_sample=10, error_buffer=100.0)
    while limiter.inserts < 10:
        assert limiter.may_insert()
        limiter.insert()


def test_each_side_waits_for_the_other():
    limiter = RateLimiter(samples_per_insert=4.0, min_size_to_sample=1, error_buffer=8.0)
    limiter.insert()
    limiter.sample(8)
    assert not limiter.may_sample(1)
    limiter.insert(4)
    assert limiter.surplus == 8.0
    assert not limiter.may_insert()
    assert limiter.may_sample(1)


@pytest.mark.parametrize("batch", [1, 256, 512])
def test_the_ratio_is_kept_to_within_the_buffer_however_eager_both_sides_are(batch: int):
    limiter = RateLimiter(samples_per_insert=512.0, min_size_to_sample=128, error_buffer=1024.0)
    for _ in range(3000):
        while limiter.may_sample(batch):
            limiter.sample(batch)
        assert limiter.may_insert()
        limiter.insert()
        if limiter.inserts > 128:
            assert abs(limiter.surplus) <= 1024.0
    assert limiter.samples / limiter.inserts == pytest.approx(512.0, rel=0.05)


def test_inserts_of_an_arm_that_cannot_wait_are_counted_and_owed():
    limiter = RateLimiter(samples_per_insert=2.0, min_size_to_sample=1, error_buffer=4.0)
    limiter.insert(101)
    assert limiter.surplus == 200.0
    assert not limiter.may_insert()


@pytest.mark.parametrize(
    ("values", "name"),
    [((0.0, 1, 10.0), "samples_per_insert"), ((1.0, 0, 10.0), "min_size_to_sample"), ((8.0, 1, 7.0), "error_buffer")],
)
def test_a_limit_under_which_nothing_could_move_is_refused(values: tuple, name: str):
    with pytest.raises(ConfigError, match=name):
        RateLimiter(*values)
