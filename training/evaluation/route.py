"""Route test: does the answer follow the transcript that a reply states, or the observation?

The prompt shows one state, and the reply is forced to begin with the transcript of another state. A model that reasons
from its transcript continues with work and an answer for the other state. Only such a model can carry a skill over from
texts to pictures.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.engines.base import Engine
from agents.episodes.episode import Start
from agents.episodes.policy import TurnContext
from agents.policies.scripted import ExpertPolicy
from envs.task.task import Observation, Task


async def route(task: Task, chat: Chat, engine: Engine, starts: Sequence[Start]) -> dict[str, float]:
    """Return the fractions of answers that follow the transcript, the observation, or neither.

    Each start is paired with the next one. Pairs with the same expert answer are left out.

    Args:
        task: Task with transcripts (`TaskConfig.transcribes`).
        chat: Chat template of the model.
        engine: Engine of the model. Replies are greedy.
        starts: Starts of the states.

    Returns:
        `transcript`, `observation` and `neither`, which sum to 1, and `pairs`, the number of pairs.

    Raises:
        ValueError: The task has no transcripts, or all starts have the same answer.
    """
    if not task.config.transcribes:
        raise ValueError(f"task {task.name}: the route test needs think=transcript or think=work")
    states = [_state(task, start) for start in starts]
    pairs = [(one, other) for one, other in pairwise(states) if one[2] != other[2]]
    if not pairs:
        raise ValueError(f"task {task.name}: all {len(starts)} starts have the same expert answer")
    answers = await asyncio.gather(*(_forced(task, chat, engine, one[0], other[1]) for one, other in pairs))
    follows = [
        "transcript" if answer == other[2] else "observation" if answer == one[2] else "neither"
        for answer, (one, other) in zip(answers, pairs, strict=True)
    ]
    return {name: follows.count(name) / len(pairs) for name in ("transcript", "observation", "neither")} | {
        "pairs": float(len(pairs))
    }


def _state(task: Task, start: Start) -> tuple[Observation, str, str]:
    """Return the observation, the transcript and the expert's answer of a start."""
    env = task.make()
    observation, info = env.reset(seed=start.seed)
    seen = task.observe(env, observation, info)
    answer = ExpertPolicy().answer(TurnContext(task, env, seen, 0, start.sampling_seed))
    transcript = task.expert_thought(env, "transcript")
    env.close()
    return seen, transcript, answer


async def _forced(task: Task, chat: Chat, engine: Engine, seen: Observation, transcript: str) -> str:
    """Return the answer to an observation after a given transcript."""
    conversation = Conversation(chat, history=0)
    words = task.words(seen, first=True)
    conversation.ask(words, words, seen.image, seen.more)
    prompt = conversation.prompt(0, task.config.max_reply_tokens)
    given = chat.reply(f"<think>{transcript}")[:-1]  # without the end token
    forced = replace(
        prompt,
        tokens=np.concatenate([prompt.tokens, given]),
        collapsed=np.concatenate([prompt.collapsed, given]),
    )
    completion = await engine.generate(forced, 0.0)
    return task.parse(chat.text(np.concatenate([given, completion.tokens]))).answer
