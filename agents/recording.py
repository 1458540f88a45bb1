"""An episode as its record has it: what was seen, asked, thought, answered and earned, a turn at a time."""

from collections.abc import Mapping, Sequence

from agents.chat import Chat
from agents.episodes import Episode
from envs.task import Task
from render import episode as record


def as_record(
    episode: Episode,
    *,
    task: str,
    policy: str,
    rewards: Sequence[Mapping[str, float]],
    prompts: Sequence[str],
    step: int = -1,
    stage: str = "",
    advantages: Sequence[float] | None = None,
) -> record.Episode:
    """An episode of K turns, for `render.episode.EpisodeWriter`.

    Args:
        episode: as it was played.
        task: the task's name.
        policy: who played: the name of the record's folder.
        rewards: [K], the parts of each turn's reward by name.
        prompts: [K], what was asked in each turn.
        step: the training step, counted through all stages; -1 outside training.
        stage: the training's stage; empty outside training.
        advantages: [K], what the learner was told of each turn; None outside training.

    Raises:
        ValueError: there are not K of something.
    """
    told = [None if advantages is None else float(advantages[turn]) for turn in range(len(episode.turns))]
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
        )
        for turn, prompt, parts, advantage in zip(episode.turns, prompts, rewards, told, strict=True)
    )
    names = dict.fromkeys(name for parts in rewards for name in parts)
    return record.Episode(
        task=task,
        seed=episode.start.seed,
        policy=policy,
        step=step,
        group=episode.start.group,
        success=episode.success,
        ended=str(episode.ended),
        reward=sum(turn.reward for turn in turns),
        rewards={name: sum(parts.get(name, 0.0) for parts in rewards) for name in names},
        turns=turns,
        kind=episode.kind,
        stage=stage,
        advantage=None if advantages is None else sum(map(float, advantages)) / max(1, len(turns)),
        score=episode.score,
        problem=episode.problem,
    )


def prompts(episode: Episode, chat: Chat | None, task: Task) -> list[str]:
    """What was asked in each of K turns [K]: out of the tokens, where there are tokens, else in the task's words."""
    return [_prompt(episode, turn, chat, task) for turn in range(len(episode.turns))]


def _prompt(episode: Episode, turn: int, chat: Chat | None, task: Task) -> str:
    if chat is not None:
        for branch in episode.branches:
            mine = branch.turn == turn
            if (mine & branch.loss_mask).any():
                return chat.prompt_text(branch.tokens[mine & ~branch.loss_mask])
    opens_context = turn == 0 or task.config.history == 0
    return task.words(episode.turns[turn].observation, first=opens_context)
