"""A results folder: results.{json,csv,md}, and each policy's episodes and films. `render.watch` opens it."""

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
    """What has been measured so far; with a folder, it is there at once: what comes later cannot take it away."""

    def __init__(self, folder: Path | None) -> None:
        """Begin; UserError where the folder has something already."""
        if folder is not None:
            try:
                if folder.exists() and any(folder.iterdir()):
                    raise UserError(f"save={folder} has something in it already; choose another folder, or remove it")
            except NotADirectoryError:
                raise UserError(f"save={folder} is a file; it should name a folder") from None
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def begin(self) -> None:
        """Make the folder: what cannot be written is known before the first episode."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def document(self) -> dict[str, Any]:
        """What results.json holds."""
        figures = {"schema": SCHEMA, "rows": self.rows, "published": self.published}
        made = [table.as_json for table in tables(figures | {"notes": []}, width=10_000)]
        return figures | {"notes": self.notes, "tables": made}

    def write(self) -> None:
        """Write the tables of what there is."""
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
        """Add a policy's episodes to its record."""
        if self.folder is None:
            return
        write_records(self.folder / "episodes" / label, task, episodes, label, chat)

    def video(self, name: str, title: str, episodes: Sequence[Episode]) -> None:
        """Write the film of those that were filmed, as MP4 and as GIF."""
        if self.folder is None or not any(episode.frames for episode in episodes):
            return
        for ending in ENCODERS:
            write_video(self.folder / "videos" / f"{name}{ending}", films(episodes, title))
