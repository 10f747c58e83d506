"""Tokens a CPU second and latency of the policy ``vlm``, beside ``generate`` of transformers in the same run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.prompts import answer, around_instruction, prompt, system_prompt
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.core.vocabulary import moves
from vlmrl_ros.nodes.bench import vlm_smol
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.thinking import Thinking, Thought
from vlmrl_ros.policies.evaluation.statistics import mean_interval
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.policy import VlmPolicy, build
from vlmrl_ros.policies.vlm.scoring import never_said
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, fine_tune
from vlmrl_ros.policies.vlm.tiny import build as build_tiny
from vlmrl_ros.policies.vlm.weights import variables

SIDE = 64
NEW_TOKENS = 48
BATCHES = (1, 8)
ROUNDS, QUICK_ROUNDS = 20, 6
REQUESTS = 2
"""Of each in a round."""
LEAST_RATIO = {1: 1.5, 8: 1.3}
LATENCIES, SWAPS = 100, 20
INSTRUCTION = "put the red block on the blue pad"
THOUGHT = "The red block lies to the left of the hand, so the hand moves there."
SFT = SftConfig(steps=40, minibatch=2, warm_up=5)


def measure(quick: bool, work: Path) -> Figures:
    """Let both answer the same requests in turn, picture and prompt included, on one core.

    Returns:
        ``tokens_per_cpu_s.<ours|transformers>.b<batch>``; ``ratio_to_transformers.b<batch>``, of CPU times for the same
        tokens, mean over rounds; ``ratio_to_transformers.b<batch>.new_prompts``, where no prompt begins like the one
        before; all of these with ``.low`` and ``.high``, the 95 % interval of the mean;
        ``latency_ms.p50`` and ``.p95``, wall time from an observation to the action of a model that was taught to
        answer in ``answer_tokens`` tokens; ``swap_stall_ms``, by how much an answer is later when a new LoRA adapter
        came before it, median; unless quick, those of :func:`vlm_smol.measure`.

    Raises:
        VlmrlError: a token differs from that of transformers; or quick, and a ratio is less than it should be.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rounds = QUICK_ROUNDS if quick else ROUNDS
        figures = {**_throughput(rounds), **_latency(), **_swap(), **({} if quick else vlm_smol.measure())}
    finally:
        torch.set_num_threads(threads)
    slow = [
        f"ratio_to_transformers.b{batch} is {figures[f'ratio_to_transformers.b{batch}']:.2f}; valid: {least:g} or more"
        for batch, least in LEAST_RATIO.items()
        if figures[f"ratio_to_transformers.b{batch}"] < least
    ]
    if quick and slow:
        raise VlmrlError(f"decoding is not as fast as it was: {'; '.join(slow)}")
    return figures


def toy_spec() -> TaskSpec:
    """A robot with one camera that goes three ways and grips."""
    names = ("linear_x", "linear_y", "linear_z", "gripper")
    high = np.array([0.1, 0.1, 0.1, 1.0], np.float32)
    action = VectorSpec(names, ("m/s", "m/s", "m/s", "1"), -high, high)
    state = VectorSpec(("tip_x",), ("m",), np.array([-1.0]), np.array([1.0]))
    return TaskSpec("toy", state, action, (CameraSpec("front", SIDE, SIDE),), 0.1, 100)


def _throughput(rounds: int) -> Figures:
    words = tuple(moves(toy_spec()))
    asks = prompt(around_instruction(system_prompt(words), thoughts=True), INSTRUCTION, 1)
    model, processor = build_tiny([asks, *(answer(THOUGHT, word) for word in words)], 0)
    decoder, rng, numbers = Decoder(model, processor, NEW_TOKENS), stream(0, "pictures"), count()

    def asked(batch: int, new: bool) -> list[TextObservation]:
        pictures = rng.integers(0, 256, (batch, SIDE, SIDE, 3), dtype=np.uint8)
        return [TextObservation(f"{next(numbers)}. {asks}" if new else asks, (one,)) for one in pictures]

    def ours(one: Sequence[TextObservation]) -> list[list[int]]:
        return [said.token_ids.tolist() for said in decoder.decode(one, 0.0)]

    def theirs(one: Sequence[TextObservation]) -> list[list[int]]:
        given = decoder.inputs(one)
        made = model.generate(
            **given, max_new_tokens=NEW_TOKENS, do_sample=False, suppress_tokens=never_said(processor)
        )
        return [_to_end(row, processor) for row in made[:, given["input_ids"].shape[1] :].tolist()]

    figures: Figures = {}
    for batch in BATCHES:
        for new in (False, True):
            made = [_round([asked(batch, new) for _ in range(REQUESTS)], ours, theirs) for _ in range(rounds + 1)][1:]
            suffix = ".new_prompts" if new else ""
            figures |= _with_interval(
                f"ratio_to_transformers.b{batch}{suffix}", [their / own for _, own, their in made]
            )
            if not new:
                figures |= _with_interval(f"tokens_per_cpu_s.ours.b{batch}", [tokens / own for tokens, own, _ in made])
                rates = [tokens / their for tokens, _, their in made]
                figures |= _with_interval(f"tokens_per_cpu_s.transformers.b{batch}", rates)
    return figures


def _round(
    requests: Sequence[Any], ours: Callable[[Any], Any], theirs: Callable[[Any], Any]
) -> tuple[int, float, float]:
    """Tokens, and the CPU time that either takes for all requests, s."""
    tokens, spent = 0, [0.0, 0.0]
    for index, request in enumerate(requests):
        said: list[Any] = [None, None]
        for who in (0, 1) if index % 2 else (1, 0):
            begun_s = time.process_time()
            said[who] = (ours, theirs)[who](request)
            spent[who] += time.process_time() - begun_s
        if said[0] != said[1]:
            raise VlmrlError(f"our tokens {said[0]} are not those of transformers, {said[1]}")
        tokens += sum(map(len, said[0]))
    return tokens, spent[0], spent[1]


def _to_end(row: list[int], processor: Any) -> list[int]:
    end = processor.tokenizer.eos_token_id
    return row[: row.index(end) + 1] if end in row else row


def _latency() -> Figures:
    policy = build(toy_spec(), {"temperature": 0.0, "instruction": INSTRUCTION})
    _teach(policy)
    spent_ms, tokens = [], []
    for number in range(LATENCIES + 1):
        question = _question(number)
        begun_s = time.perf_counter()
        decision = policy.think([question])[0]
        spent_ms.append((time.perf_counter() - begun_s) * 1e3)
        tokens.append(len(decision.thought["token_ids"]))
        if decision.motion is None:
            raise VlmrlError(f"the model was taught to name an action and says {decision.thought['text']!r}")
    p50, p95 = np.percentile(spent_ms[1:], (50, 95))
    return {"latency_ms.p50": float(p50), "latency_ms.p95": float(p95), "answer_tokens": float(np.mean(tokens))}


def _teach(policy: VlmPolicy) -> None:
    """Teach a model to say one thing, whatever it sees."""
    said = answer(THOUGHT, policy.asking.words[0])
    shown = [Example(policy.asking.observation(_question(number)), said) for number in range(8)]
    fine_tune(policy.model, policy.processor, shown, 0, SFT)


def _swap() -> Figures:
    """Without swaps and with one before each question, in turn."""
    policy = build(toy_spec(), {"temperature": 0.0, "lora_rank": 8, "max_new_tokens": NEW_TOKENS})
    new, ready = variables(policy.model), threading.Semaphore(0)
    thinking = Thinking(policy, 1, lambda weights, error: ready.release())
    thinking.start()
    spent_ms: dict[bool, list[float]] = {False: [], True: []}
    version = 0
    for number in range(2 * SWAPS + 2):
        swaps = bool(number % 2)
        if swaps:
            version += 1
            thinking.load(Weights(new, version, 0))
            ready.acquire()
        begun_s = time.perf_counter()
        thought = _ask(thinking, _question(number))
        if number > 1:
            spent_ms[swaps].append((time.perf_counter() - begun_s) * 1e3)
        if thought.version != version:
            raise VlmrlError(f"weights version {version} was ready and version {thought.version} answered")
    thinking.stop(1.0)
    return {"swap_stall_ms": float(np.median(np.subtract(spent_ms[True], spent_ms[False])))}


def _ask(thinking: Thinking, question: Question) -> Thought:
    got: list[Thought] = []
    done = threading.Event()

    def answered(thought: Thought) -> None:
        got.append(thought)
        done.set()

    thinking.ask("", question, answered)
    done.wait()
    return got[0]


def _question(number: int) -> Question:
    rng = stream(number, "picture")
    picture = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return Question({"state": np.zeros(1, np.float32), "front": picture}, rng)


def _with_interval(name: str, values: Sequence[float]) -> Figures:
    interval = mean_interval(values)
    return {name: interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}
