"""Jobs of episodes, and the runner that plays them with a policy."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from agents.engines.config import SERVER, EngineConfig, ServerConfig
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.runner import EpisodeRunner
from agents.policies.jointly import JointRounds, jointly
from agents.policies.labelled import LabelledPolicy
from agents.policies.members import Members
from agents.policies.model import VLMPolicy
from agents.policies.scripted import scripted
from envs.task.config import TaskConfig
from envs.task.task import Task


@dataclass(frozen=True)
class Teaching:
    """Label of every turn of a job: the reply of a teacher."""

    teacher: str
    """Name of a scripted policy, such as `expert`, or api:MODEL for a model on a server."""
    demonstrate: bool
    """True if the teacher plays, False if the policy plays."""
    noise: float = 0.0
    """Fraction of the teacher's turns in which a random action is played, from 0 to 1."""


@dataclass(frozen=True)
class Job:
    """Episodes to play together."""

    task: str
    starts: tuple[Start, ...]
    temperature: float
    film: int = 0
    """Number of episodes recorded as video."""
    blind: bool = False
    """Control experiment: the policy sees the images of another episode."""
    lineup: tuple[str, ...] = ()
    """Matches: the policy of each seat, one match per start. `self` is the policy of the runner. Others are the name of
    a scripted policy or the folder of a model. Only the episodes of `self` are returned. Empty: no matches."""
    teaching: Teaching | None = None
    """If set, the token sequences of the episodes hold a teacher's replies instead of those that were played."""


SELF: Final = "self"
"""Name of the runner's own policy in a line-up."""


class Plays(Protocol):
    """Runner of jobs: in this process or on a cluster."""

    async def play(self, job: Job) -> list[Episode]:
        """Play one job. Calls may run concurrently."""
        ...


class JobRunner:
    """Runner of jobs with one policy and the envs of every task. Jobs may run concurrently."""

    def __init__(
        self,
        tasks: Mapping[str, TaskConfig],
        policy: Policy,
        engine: EngineConfig | None = None,
        *,
        joint: bool = False,
    ) -> None:
        """Create a runner without envs.

        Args:
            tasks: Task name → settings.
            policy: Policy that plays.
            engine: Settings of the engines of opponents, and of the server of teachers api:MODEL. None: the defaults.
            joint: Let the policy and its opponents reply in joint rounds (`agents.policies.jointly`).
        """
        engine = engine or EngineConfig()
        self.tasks = tasks
        self.joint = joint
        self.policy = policy
        self.server = engine.server
        self._joint_rounds = JointRounds()
        self._members = Members(getattr(policy, "chat", None), engine)
        self._runners: dict[str, EpisodeRunner] = {}
        self._teachers: dict[str, Policy] = {}

    async def play(self, job: Job) -> list[Episode]:
        """Return the episodes of a job, in the order of its starts."""
        if job.task not in self._runners:
            self._runners[job.task] = EpisodeRunner(Task(job.task, self.tasks[job.task]))
        policy = self.policy.with_temperature(job.temperature)
        if job.lineup:
            return await self._matches(job, self._joined(policy))
        if job.teaching is None:
            policy = self._joined(policy)
        else:
            name = job.teaching.teacher
            if name not in self._teachers:
                self._teachers[name] = make_teacher(name, self.server)
            policy = labelled(policy, job.teaching, self._teachers[name])
        return await self._runners[job.task].play(job.starts, policy, job.film, job.blind)

    async def _matches(self, job: Job, policy: Policy) -> list[Episode]:
        """Return the episodes of `self` in the matches of a job: those of each start, in the order of the seats."""
        async with AsyncExitStack() as lent:
            policies = {SELF: policy}
            for name in set(job.lineup) - {SELF}:
                member = await lent.enter_async_context(self._members.policy(name))
                policies[name] = self._joined(member.with_temperature(job.temperature))
            names = [Path(name).name for name in job.lineup]
            lineup = [policies[name] for name in job.lineup]
            matches = await self._runners[job.task].play_matches(job.starts, lineup, names, job.film)
        own = [episode for match in matches for episode in match if episode.player == SELF]
        for episode in own:
            episode.player = ""  # records name the policy of the job as usual
        return own

    def _joined(self, policy: Policy) -> Policy:
        return jointly(policy, self._joint_rounds) if self.joint else policy

    def close(self) -> None:
        """Close the envs."""
        for runner in self._runners.values():
            runner.close()
        self._runners.clear()

    async def close_engines(self) -> None:
        """Stop the engines of opponents, and close the connections of teachers on a server."""
        await self._members.close()
        for teacher in self._teachers.values():
            if isinstance(teacher, VLMPolicy):
                await teacher.engine.close()
        self._teachers.clear()


def make_teacher(name: str, server: ServerConfig) -> Policy:
    """Return a scripted policy or, for api:MODEL, a model on a server; raise UserError for wrong server settings."""
    if not name.startswith(SERVER):
        return scripted(name)
    from agents.engines.server import ServerEngine  # needs the package openai

    return VLMPolicy(None, ServerEngine(name.removeprefix(SERVER), server))


def labelled(policy: Policy, teaching: Teaching, teacher: Policy) -> LabelledPolicy:
    """Return a policy whose episodes hold a teacher's replies; raise TypeError for a policy without tokens."""
    if not isinstance(policy, VLMPolicy) or policy.chat is None:
        raise TypeError("only a model with a chat template can learn a teacher's replies")
    actor = None if teaching.demonstrate else policy
    return LabelledPolicy(policy.chat, teacher, actor, teaching.noise)
