"""The last word before the arm: limits on every command, whoever gave it. Pure; bridges apply it last."""

from vlmrl_ros.core.safety.config import JointLimits, SafetyConfig
from vlmrl_ros.core.safety.filter import SafetyFilter
from vlmrl_ros.core.safety.joints import JointFilter
from vlmrl_ros.core.safety.motion import Applied, Reason

__all__ = ["Applied", "JointFilter", "JointLimits", "Reason", "SafetyConfig", "SafetyFilter"]
