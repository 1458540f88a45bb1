"""Demonstrations: write the episodes of an expert or of a larger model as chats with images, for fine-tuning.

`python -m agents.demonstrate env=sokoban episodes=1000 out=demos.parquet`. A row is one context in the policy's format,
with the reply that ends it. There is one row per turn, or one row per episode with `history=-1`. JSONL stores each
image once, as a PNG in a folder next to it. Parquet stores images like Hugging Face `datasets` ({"bytes", "path"}).

`policy=api:MODEL` plays with a model on an OpenAI-compatible server, whose successful episodes are kept (rejection
sampling).
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

import envs  # noqa: F401  (registers the ids)
from agents.engines.config import SERVER, EngineConfig
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.runner import EpisodeRunner
from agents.policies.jobs import make_teacher
from agents.policies.model import VLMPolicy
from agents.policies.scripted import SCRIPTED_POLICIES, has_expert
from agents.seeds import mix
from configs.cli import command, parse_overrides, read_options, split
from configs.errors import UserError, suggest
from configs.help import short_help
from configs.paths import check_new
from configs.schema import Settings
from configs.types import NonNegativeFloat, NonNegativeInt, PositiveInt
from envs.questions.places import places
from envs.task.config import load_task
from envs.task.openenv import task_name
from envs.task.task import Task
from render.draw.images import frame_id, png

FRAMES = 1024
"""Approximate number of images held in memory, and so of rows written together."""


@dataclass
class DemonstrateOptions(Settings):
    """Options of the command."""

    env: str = "football"
    """Task: a name in configs/env or a path ending in .yaml. env.k=value sets its keys."""
    episodes: PositiveInt = 100
    """Number of episodes to play."""
    out: str = "demonstrations.jsonl"
    """File to write, ending in .jsonl or .parquet."""
    policy: str = "expert"
    """Policy that plays: expert, random, idle, or api:MODEL for a model on an OpenAI-compatible server
    (engine.server)."""
    temperature: NonNegativeFloat = 1.0
    """Sampling temperature of a model. 0 is greedy."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """Settings of the server: engine.server.k."""
    seed: NonNegativeInt = 0
    """Seed that selects the training starts."""
    successes: bool = True
    """Keep only successful episodes. Invalid replies are never written as replies to learn."""

    def __post_init__(self) -> None:
        """Check the values and the file."""
        super().__post_init__()
        if Path(self.out).suffix not in WRITERS:
            raise ValueError(f"out must end in {' or '.join(WRITERS)}, got {self.out!r}")
        check_new(self.out)
        if self.policy == SERVER:
            raise ValueError(f"policy={self.policy} lacks a model name; set policy={SERVER}MODEL")
        if self.policy not in SCRIPTED_POLICIES and not self.policy.startswith(SERVER):
            raise ValueError(suggest("policy", self.policy, [*SCRIPTED_POLICIES, f"{SERVER}MODEL"]))


def chats(task: Task, episode: Episode) -> Iterator[dict[str, Any]]:
    """Yield the rows of an episode, with `images` as arrays [H, W, 3].

    Rows with an invalid reply to learn are left out. Such a reply remains in the context of later turns.
    """
    history = task.config.history
    ends = [len(episode.turns) - 1] if history == -1 else range(len(episode.turns))
    for last in ends:
        first = 0 if history == -1 else max(0, last - history)
        if not all(turn.reply.valid for turn in episode.turns[first if history == -1 else last : last + 1]):
            continue
        messages: list[dict[str, Any]] = []
        images: list[NDArray[np.uint8]] = []
        for index in range(first, last + 1):
            turn = episode.turns[index]
            words = task.words(turn.observation, first=index == first)
            parts = places(words, len(turn.observation.images))
            content = [{"type": "image"} if part is None else {"type": "text", "text": part} for part in parts]
            images += turn.observation.images
            messages.append({"role": "user", "content": content})
            messages.append({"role": "assistant", "content": [{"type": "text", "text": turn.words}]})
        yield {
            "messages": messages,
            "images": images,
            "task": task.name,
            "seed": episode.start.seed,
            "turn": last,
            "success": episode.success,
            "return": episode.env_return,
        }


class Writer(Protocol):
    """Writer of rows to a file."""

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class JsonlWriter:
    """Writer of JSONL: one line per row. Images are PNGs in the folder NAME_images, named by their content hash."""

    def __init__(self, path: Path) -> None:
        self._folder = path.with_name(f"{path.stem}_images")
        self._file = path.open("w", encoding="utf-8")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows."""
        for row in rows:
            names = [self._save_image(image) for image in row["images"]]
            self._file.write(json.dumps(row | {"images": names}, ensure_ascii=False) + "\n")

    def _save_image(self, image: NDArray[np.uint8]) -> str:
        target = self._folder / f"{frame_id(image)}.png"
        if not target.is_file():
            self._folder.mkdir(exist_ok=True)
            target.write_bytes(png(image))
        return f"{self._folder.name}/{target.name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class ParquetWriter:
    """Writer of Parquet: one row group per batch. Images are stored in the rows."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        part = pa.struct([("type", pa.string()), ("text", pa.string())])
        message = pa.struct([("role", pa.string()), ("content", pa.list_(part))])
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        self._schema = pa.schema(
            [
                ("messages", pa.list_(message)),
                ("images", pa.list_(image)),
                ("task", pa.string()),
                ("seed", pa.int64()),
                ("turn", pa.int64()),
                ("success", pa.bool_()),
                ("return", pa.float64()),
            ]
        )
        self._file = pq.ParquetWriter(path, self._schema)

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows."""
        import pyarrow as pa

        held = [row | {"images": [{"bytes": png(image), "path": None} for image in row["images"]]} for row in rows]
        self._file.write_table(pa.Table.from_pylist(held, self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


WRITERS: dict[str, type[JsonlWriter] | type[ParquetWriter]] = {".jsonl": JsonlWriter, ".parquet": ParquetWriter}


async def demonstrate(task: Task, policy: Policy, options: DemonstrateOptions, writer: Writer) -> tuple[int, int]:
    """Play episodes and write their rows.

    Args:
        task: task to play.
        policy: policy that plays. Its engine is closed at the end.
        options: options of the command.
        writer: open writer of the output file.

    Returns:
        The number of episodes kept, and the number of rows written.
    """
    runner = EpisodeRunner(task)
    kept = written = 0
    side_by_side = max(1, min(64, FRAMES // task.config.max_turns))
    try:
        for begin in range(0, options.episodes, side_by_side):
            numbers = range(begin, min(begin + side_by_side, options.episodes))
            starts = [Start(mix(options.seed, i) % 2**30, mix(options.seed, i, 1)) for i in numbers]
            played = await runner.play(starts, policy)
            chosen = [episode for episode in played if episode.success or not options.successes]
            rows = [rows for episode in chosen if (rows := list(chats(task, episode)))]
            writer.write([row for of_episode in rows for row in of_episode])
            kept, written = kept + len(rows), written + sum(map(len, rows))
    finally:
        runner.close()
        if isinstance(policy, VLMPolicy):
            await policy.engine.close()
    return kept, written


def main(argv: Sequence[str]) -> None:
    """Play episodes and write them as demonstrations."""
    of_task, own = split(parse_overrides(argv), "env")
    options = read_options(DemonstrateOptions, own)
    config = load_task(options.env, of_task)
    task = Task(task_name(options.env), config)
    try:
        if not has_expert(task) and options.policy == "expert":
            raise UserError(
                f"task {task.name} has no expert; policy=random successes=true keeps successful random episodes"
            )
        task.make().close()  # wrong settings leave no file
        policy = make_teacher(options.policy, options.engine.server).with_temperature(options.temperature)
        with WRITERS[Path(options.out).suffix](Path(options.out)) as writer:
            kept, written = asyncio.run(demonstrate(task, policy, options, writer))
    except ValueError as error:
        raise UserError(str(error)) from error
    print(f"{options.out}: {written} rows, {kept} of {options.episodes} episodes of {task.name}, by {options.policy}")
    if not kept:
        problem = "succeeded; successes=false also keeps the others" if options.successes else "has only valid replies"
        print(f"no episode {problem}", file=sys.stderr)


def usage(_: Sequence[str]) -> str:
    """Return the --help text."""
    return short_help(
        "agents.demonstrate", "Write the episodes of an expert or a model as chats with images.", DemonstrateOptions
    )


if __name__ == "__main__":
    command(main, usage)
