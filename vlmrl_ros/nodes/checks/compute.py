"""Is there enough of the machine left, may it run in real time, and what does torch compute on?"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from vlmrl_ros.nodes.checks.finding import Finding, ProbeError, failed, ok, probe, warning

GIB = 2**30
LEAST_MEMORY = 2 * GIB
"""Learner and simulation of a task with states take about 1.2 GiB."""
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
TORCH_TIMEOUT_S = 120.0


def check() -> list[Finding]:
    """Cores and load, memory, power saving, real-time priority, torch."""
    return [_cores(), _memory(), _governor(), _priority(), _torch()]


def _cores() -> Finding:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    text = f"{cores} for this process, load {load:.1f}"
    if cores < 2:
        return warning("cores", text, "learner and control loop share one core: expect late ticks")
    if load > cores:
        return warning("cores", text, "something else is running: stop it before a run with an arm")
    return ok("cores", text)


def _memory() -> Finding:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    available = kib["MemAvailable"] * 1024
    text = f"{available / GIB:.1f} of {kib['MemTotal'] * 1024 / GIB:.1f} GiB available"
    if available < LEAST_MEMORY:
        return failed("memory", text, "close other programs; a run needs 2 GiB, with cameras more")
    return ok("memory", text)


def _governor() -> Finding:
    if not GOVERNOR.is_file():
        return ok("governor", "the machine does not say (a virtual one?)")
    governor = GOVERNOR.read_text(encoding="ascii").strip()
    if governor == "powersave":
        return warning("governor", governor, "for even ticks: cpupower frequency-set -g performance")
    return ok("governor", governor)


def _priority() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if soft == 0 and os.geteuid() != 0:
        fix = "bridges tick later on a busy machine: add '@realtime - rtprio 98' to /etc/security/limits.conf and join"
        return warning("real time", "no real-time priority for this user", fix)
    return ok("real time", "allowed" if soft else "allowed to root")


def _torch() -> Finding:
    try:
        found = probe("vlmrl_ros.nodes.checks.torch_probe", TORCH_TIMEOUT_S)
    except ProbeError as error:
        return failed("torch", str(error)[:300], "make setup, or pip install torch")
    text = f"{found['version']}, {found['device']}, {found['gflops']:.0f} GFLOP/s in one thread"
    if found["device"] == "cpu" and Path("/dev/nvidia0").exists():
        fix = "there is a GPU that torch does not see: install a CUDA build and its driver (nvidia-smi)"
        return warning("torch", text, fix)
    return ok("torch", text)
