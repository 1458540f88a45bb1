"""Speed of whole rollouts, compared with the bare engine on the same prompts and reply lengths.

    python -m benchmarks.rollout [PAIRS] [key=value …]

Runs on a CPU with vLLM. The embedded model plays 64 episodes of the default env concurrently, with env steps, drawing,
prompts, parsing and token sequences. Then vLLM alone (`AsyncLLM.generate` with prepared requests and no checks)
receives the recorded prompts with the sampled lengths. Each prompt is sent after the previous reply of its episode, as
in play. All caches are emptied before each side, and the order of the sides alternates.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

from agents.chat.types import Completion, Prompt
from agents.engines.config import EngineConfig
from agents.engines.vllm import VLLMEngine
from agents.episodes.starts import held_out_starts
from agents.models.load import load_chat
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from agents.seeds import mix
from training.config.compose import load

EPISODES = 64
CONTEXT = 1024

Chain = list[tuple[Prompt, int]]
"""Prompts of an episode in order, each with the length of its reply in tokens."""


class Recorder:
    """An engine that records its prompts by episode."""

    def __init__(self, engine: VLLMEngine) -> None:
        self.engine = engine
        self.version = 0
        self.max_context = engine.max_context
        self.chains: dict[Any, Chain] = defaultdict(list)

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Generate a reply and record the prompt. Each episode is a separate asyncio task."""
        completion = await self.engine.generate(prompt, temperature)
        self.chains[asyncio.current_task()].append((prompt, len(completion.tokens)))
        return completion


async def empty(llm: Any) -> None:
    """Empty the caches of prefixes, images and image features."""
    await llm.reset_mm_cache()
    await llm.reset_prefix_cache()
    await llm.reset_encoder_cache()


async def replay(llm: Any, chains: list[Chain], run: int) -> float:
    """Return the seconds of the bare engine for all chains, run concurrently.

    Args:
        llm: vLLM's AsyncLLM.
        chains: Prompts and reply lengths by episode.
        run: Number of the run, for unique request ids.
    """
    from vllm import SamplingParams, TokensPrompt
    from vllm.sampling_params import RequestOutputKind

    requests: list[list[tuple[str, Any, Any]]] = []
    for number, chain in enumerate(chains):
        requests.append([])
        for turn, (prompt, length) in enumerate(chain):
            inputs: Any = TokensPrompt(prompt_token_ids=prompt.collapsed.tolist())
            if prompt.images:
                inputs["multi_modal_data"] = {"image": list(prompt.images)}
                inputs["multi_modal_uuids"] = {"image": list(prompt.image_ids)}
            params = SamplingParams(
                seed=prompt.seed & (2**63 - 1),
                max_tokens=length,
                ignore_eos=True,
                logprobs=0,
                flat_logprobs=True,
                detokenize=False,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
            requests[-1].append((f"{run}-{number}-{turn}", inputs, params))

    async def one(chain: list[tuple[str, Any, Any]]) -> int:
        tokens = 0
        for name, inputs, params in chain:
            async for output in llm.generate(inputs, params, name):
                tokens += len(output.outputs[0].token_ids)
        return tokens

    await empty(llm)
    started = time.perf_counter()
    tokens = sum(await asyncio.gather(*(one(chain) for chain in requests)))
    seconds = time.perf_counter() - started
    assert tokens == sum(length for chain in chains for _, length in chain)
    return seconds


async def main(argv: list[str]) -> None:
    """Run pairs of a rollout and its replay, and print the results."""
    pairs = next((int(word) for word in argv if word.isdigit()), 8)
    config = load(["env=football", *(word for word in argv if not word.isdigit())])
    task = config.envs[0]
    engine = await VLLMEngine.start(config.model.path, EngineConfig("vllm", max_context=CONTEXT))
    llm = engine._llm
    chat = load_chat(config.model.path)
    player = JobRunner(config.tasks, VLMPolicy(chat, engine))

    whole, bare, counts, lengths, chains = [], [], [], [], 0

    async def play(pair: int) -> tuple[float, list[Chain]]:
        recorder = Recorder(engine)
        player.policy = VLMPolicy(chat, recorder)  # type: ignore[arg-type]
        found = held_out_starts(mix(pair) % 2**20, EPISODES)
        starts = tuple(replace(start, sampling_seed=mix(pair, start.seed)) for start in found)
        await empty(llm)
        started = time.perf_counter()
        episodes = await player.play(Job(task, starts, 1.0))
        assert all(episode.sequences for episode in episodes)
        return time.perf_counter() - started, list(recorder.chains.values())

    for pair in range(pairs + 1):  # the first pair is a warm-up and is not counted
        seconds, recorded = await play(pair)
        replayed = await replay(llm, recorded, pair)
        if pair % 2:  # reversed order: play the same episodes again after the replay
            again, _ = await play(pair)
            seconds = again
        if pair:
            whole.append(seconds)
            bare.append(replayed)
            counts.append(sum(length for chain in recorded for _, length in chain))
            lengths += [length for chain in recorded for _, length in chain]
            chains += sum(len(chain) for chain in recorded)
    player.close()
    await engine.close()
    ratios = [b / w for w, b in zip(whole, bare, strict=True)]
    turns, tokens = chains / pairs / EPISODES, statistics.mean(counts)
    print(f"{pairs} pairs of {EPISODES} episodes of {task}: {turns:.1f} turns an episode, replies of "
          f"{min(lengths)} to {max(lengths)} tokens, {tokens:.0f} tokens a pair")  # fmt: skip
    for name, seconds in (("whole rollout", whole), ("bare engine", bare)):
        print(f"  {name:<13} {spread([count / s for count, s in zip(counts, seconds, strict=True)], '.0f')} tokens/s")
    print(f"  ratio         {spread(ratios, '.1%')}, all pairs together {sum(bare) / sum(whole):.1%}")


def spread(numbers: list[float], form: str) -> str:
    """Return median, minimum and maximum as text."""
    return f"{statistics.median(numbers):{form}} ({min(numbers):{form}} to {max(numbers):{form}})"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
