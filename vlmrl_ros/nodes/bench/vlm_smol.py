"""The model ``smol``, whole and in few bits: room that its language model takes, and tokens a CPU second."""

from __future__ import annotations

import time
from importlib.util import find_spec

import numpy as np

from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.policies.evaluation.statistics import mean_interval
from vlmrl_ros.policies.vlm.config import QUANTISATIONS, SMOL
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import language_part, load_model
from vlmrl_ros.policies.vlm.smol import PACKAGES

SIDE = 64
NEW_TOKENS = 32
ROUNDS = 8
ASKED = "<image>What does the robot arm have to do?"


def measure() -> Figures:
    """Answer the same questions with each model in turn; nothing where the packages of the model are missing.

    Returns:
        ``smol.<quantisation>.tokens_per_cpu_s`` with its interval, a new picture and the prompt included, and
        ``.megabytes`` of the language model with its embeddings, without what the decoder copies.
    """
    if not all(map(find_spec, PACKAGES)):
        return {}
    models = {kind: load_model(SMOL, "float32", "cpu", (), 0, kind) for kind in QUANTISATIONS}
    decoders = {kind: Decoder(*pair, NEW_TOKENS) for kind, pair in models.items()}
    rates: dict[str, list[float]] = {kind: [] for kind in models}
    for number in range(ROUNDS + 1):
        picture = stream(number, "picture").integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        for kind, decoder in decoders.items():
            begun_s = time.process_time()
            said = decoder.decode([TextObservation(ASKED, (picture,))], 0.0)[0]
            rates[kind].append(len(said.token_ids) / (time.process_time() - begun_s))
    figures: Figures = {}
    for kind, (model, _) in models.items():
        found, name = mean_interval(rates[kind][1:]), f"smol.{kind}.tokens_per_cpu_s"
        figures |= {name: found.mean, f"{name}.low": found.low, f"{name}.high": found.high}
        language = language_part(model)[1]
        kept = sum(one.nbytes for one in (*language.parameters(), *language.buffers()))
        figures[f"smol.{kind}.megabytes"] = kept / 1e6
    return figures
