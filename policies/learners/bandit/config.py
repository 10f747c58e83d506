"""Options of the learners that choose among whole policies."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option


@dataclass(frozen=True)
class BanditConfig:
    """What every rule needs to know of the trials."""

    delta: float = option(0.1, "probability, above 0 and below 1, that the certificate is wrong")
    sigma: tuple[float, ...] = option(
        (0.5,),
        "noise of the return of one trial, a standard deviation or a bound of it, above 0: one for all arms or one for "
        "each; 0.5 is right for returns in [0, 1]",
    )
