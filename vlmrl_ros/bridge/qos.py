"""All QoS profiles of the package.

===============  ===========  ================  ======  ============================================================
profile          reliability  durability        depth   for
===============  ===========  ================  ======  ============================================================
``STEP``         reliable     transient local   256     vectors of a step: latecomers get the newest
``LIVE``         reliable     volatile          256     ``feedback``, for those who answer it: one that has just started
                                                        must not answer what another answered before it
``FRAME``        reliable     transient local   32      camera frames of a step
``COMMAND``      reliable     volatile          1       ``command``: an old one must never move an arm
``ROBOT``        reliable     volatile          10      what an arm says and is told, as ros2_control offers it
``JOY``          reliable     volatile          10      ``joy``, as joy_node offers it
``LATCHED``      reliable     transient local   1       ``spec``, ``weights``, ``instruction``
``CLOCK``        best effort  volatile          1       ``/clock``, as rclpy subscribes to it
``STATUS``       reliable     transient local   1       ``learner/status`` as the learner publishes it
``HEARTBEAT``    reliable     transient local   1       ``/diagnostics``, as our nodes publish it
``DIAGNOSTICS``  reliable     transient local   100     ``/diagnostics``, to hear at once what each node last said
``SENSOR``       best effort  volatile          10      what an arm publishes: matches every publisher, waits for none
``ARM``          reliable     volatile          1       what an arm is told: an old motion must never be carried out
===============  ===========  ================  ======  ============================================================
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(reliability: ReliabilityPolicy, durability: DurabilityPolicy, depth: int) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability)


STEP = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 256)
LIVE = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 256)
FRAME = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 32)
COMMAND = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 1)
ROBOT = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 10)
JOY = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 10)
LATCHED = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 1)
CLOCK = _profile(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 1)
STATUS = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 1)
HEARTBEAT = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 1)
DIAGNOSTICS = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 100)
SENSOR = _profile(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 10)
ARM = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 1)
