"""Episode records: conversion of played episodes to the record format, turn by turn."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from agents.chat.template import Chat
from agents.episodes.episode import Episode, Turn
from agents.episodes.rewards import Rewards, rewards_of
from agents.records.tokens import token_records
from envs.task.task import Task
from envs.task.transcript import units
from render.records import episode as record
from render.records.writing import EpisodeWriter

MOST_MISREAD = 20
"""Maximum number of misread units of a turn."""


def as_record(
    episode: Episode,
    task: Task,
    policy: str,
    chat: Chat | None = None,
    *,
    step: int = -1,
    stage: str = "",
    advantages: Sequence[float] | None = None,
    rewards: Rewards | None = None,
) -> record.Episode:
    """Convert an episode of K turns for `render.records.episode.EpisodeWriter`.

    Args:
        episode: played episode.
        task: task that was played.
        policy: name of the policy.
        chat: decodes the prompts from the tokens; None for policies without tokens.
        step: training step, counted over all stages; -1 outside training.
        stage: training stage; empty outside training.
        advantages: [K] advantage of each turn; None outside training.
        rewards: rewards of the episode; None computes them.

    Raises:
        ValueError: `advantages` does not have length K.
    """
    earned = (rewards or rewards_of(episode, task.config)).turns
    by_turn: Sequence[float | None] = [None] * len(earned) if advantages is None else advantages
    asked = prompts(episode, chat, task)
    config = task.config
    named = [] if config.in_parts else [str(name) for name in config.actions if name]
    tokens = token_records(episode, chat, named)
    turns = tuple(
        record.Turn(
            prompt=prompt,
            reply=turn.words,
            thinking=turn.reply.thinking,
            action=turn.reply.answer,
            valid=turn.reply.valid,
            reward=sum(parts.values()),
            rewards=dict(parts),
            text=turn.caption,
            frame=turn.observation.image,
            reply_tokens=turn.reply_tokens,
            advantage=advantage,
            more_frames=turn.observation.more,
            problem=_problem(turn),
            actions=tuple(map(task.action_name, turn.reply.actions)) if len(turn.reply.actions) > 1 else (),
            truth=turn.truth,
            transcript=turn.transcript,
            misread=_misread(turn),
            **vars(said),
        )
        for turn, prompt, parts, advantage, said in zip(episode.turns, asked, earned, by_turn, tokens, strict=True)
    )
    names = dict.fromkeys(name for parts in earned for name in parts)
    return record.Episode(
        task=task.name,
        seed=episode.start.seed,
        policy=episode.player or policy,
        step=step,
        group=episode.start.group,
        success=episode.success,
        ended=str(episode.ended),
        reward=sum(turn.reward for turn in turns),
        rewards={name: sum(parts.get(name, 0.0) for parts in earned) for name in names},
        turns=turns,
        kind=episode.kind,
        stage=stage,
        advantage=None if advantages is None else sum(advantages) / max(1, len(turns)),
        score=episode.score,
        problem=episode.problem,
        final_frame=None if episode.final is None else episode.final.image,
        final_text=episode.final_text,
        ending=episode.ending,
        pictured=episode.pictured,
        seat=episode.seat,
        match=episode.match,
        result=episode.result,
        opponent=episode.opponent,
    )


def _problem(turn: Turn) -> str:
    """Return the reason why the reply is invalid."""
    if turn.cut and not turn.reply.valid:
        return f"cut off after {turn.reply_tokens} tokens"
    return turn.reply.problem


def _misread(turn: Turn) -> tuple[tuple[str, str], ...]:
    """Return the first (true, stated) units in which the transcript differs from the truth."""
    if turn.truth is None:
        return ()
    pairs = units(turn.reply.thinking, turn.truth)
    return tuple((true, stated) for stated, true in pairs if stated != true)[:MOST_MISREAD]


def prompts(episode: Episode, chat: Chat | None, task: Task) -> list[str]:
    """Return the prompt of each turn [K], decoded from the tokens if there are any, else as the task's text.

    Args:
        episode: played episode.
        chat: decodes the prompts from the tokens; None for policies without tokens.
        task: task that was played.
    """
    asked: dict[int, str] = {}
    if chat is not None:
        for sequence in episode.sequences:
            for turn in sorted(set(sequence.turn[sequence.loss_mask].tolist()) - set(asked)):
                asked[turn] = chat.prompt_text(sequence.tokens[(sequence.turn == turn) & ~sequence.loss_mask])
    alone = task.config.history == 0
    return [
        asked[number] if number in asked else task.words(turn.observation, first=alone or number == 0)
        for number, turn in enumerate(episode.turns)
    ]


def write_records(
    folder: Path,
    task: Task,
    episodes: Iterable[Episode],
    label: str,
    chat: Chat | None = None,
    *,
    step: int = -1,
) -> None:
    """Append episodes to the record in a folder.

    Args:
        folder: folder of the record, such as episodes/before of a run.
        task: task that was played.
        episodes: played episodes.
        label: name of the policy, or phase of a run.
        chat: decodes the prompts from the tokens; None for policies without tokens.
        step: training step, counted over all stages; -1 outside training.

    Raises:
        OSError: the disk is full or not writable.
    """
    with EpisodeWriter(folder) as writer:
        for episode in episodes:
            writer.write(as_record(episode, task, label, chat, step=step))
