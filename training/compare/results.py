"""A results folder for `render.watch`: results.{json,csv,md}, and the episodes and videos of each policy."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.chat.template import Chat
from agents.episodes.episode import Episode
from agents.records.films import films
from agents.records.record import write_records
from configs.errors import UserError
from envs.task.task import Task
from render.records.files import write_whole
from render.records.video import ENCODERS, write_video
from training.compare.tables import comma_separated, markdown, tables

SCHEMA = 1


class Results:
    """Results so far, written to the folder immediately if there is one.

    Args:
        folder: Folder of the results, or None to write nothing.

    Raises:
        UserError: The folder is not empty or is a file.
    """

    def __init__(self, folder: Path | None) -> None:
        """Check the folder, without creating it."""
        if folder is not None:
            try:
                if folder.exists() and any(folder.iterdir()):
                    raise UserError(f"save={folder}: the folder is not empty; choose another folder, or remove it")
            except NotADirectoryError:
                raise UserError(f"save={folder} is a file; name a folder") from None
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def begin(self) -> None:
        """Create the folder before the first episode, so that write errors appear early."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def document(self) -> dict[str, Any]:
        """Content of results.json."""
        figures = {"schema": SCHEMA, "rows": self.rows, "published": self.published}
        made = [table.as_json for table in tables(figures | {"notes": []}, width=10_000)]
        return figures | {"notes": self.notes, "tables": made}

    def write(self) -> None:
        """Write the tables of the results so far."""
        if self.folder is None:
            return
        texts = {
            "json": json.dumps(self.document, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
            "csv": comma_separated(self.document),
            "md": markdown(tables(self.document, width=10_000), self.folder.name),
        }
        for ending, text in texts.items():
            write_whole(self.folder / f"results.{ending}", text)

    def record(self, task: Task, label: str, episodes: Sequence[Episode], chat: Chat | None) -> None:
        """Add episodes of a policy to its record.

        Args:
            task: Task of the episodes.
            label: Folder name of the policy.
            episodes: Episodes to record.
            chat: Chat template of the policy, or None for a policy without tokens.
        """
        if self.folder is None:
            return
        write_records(self.folder / "episodes" / label, task, episodes, label, chat)

    def video(self, name: str, title: str, episodes: Sequence[Episode]) -> None:
        """Write a video of the episodes that have frames, as MP4 and as GIF.

        Args:
            name: File name without ending.
            title: Title shown in the video.
            episodes: Episodes, with or without frames.
        """
        if self.folder is None or not any(episode.frames for episode in episodes):
            return
        for ending in ENCODERS:
            write_video(self.folder / "videos" / f"{name}{ending}", films(episodes, title))
