"""Results folder for `render.watch`: results.{json,csv,md}, and the episodes and videos of each policy."""

import json
import shutil
from collections.abc import Mapping, Sequence
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
from training.compare.unfinished import FOLDER as UNFINISHED
from training.compare.unfinished import Unfinished

SCHEMA = 1


class Results:
    """Results so far, written to the folder immediately if there is one.

    Args:
        folder: Folder of the results, or None to write nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.unfinished = Unfinished(folder)
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        self.pairs: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.ladder: dict[str, Any] = {}
        """Results of matches, written by `training.compare.ladder`."""

    def check_folder(self) -> None:
        """Raise UserError if the folder is a file, or is not empty and cannot be resumed."""
        if self.folder is None or self.unfinished.exists or not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UserError(f"save={self.folder} is a file; name a folder")
        if any(path.name != UNFINISHED for path in self.folder.iterdir()):
            raise UserError(f"save={self.folder}: the folder is not empty; choose another folder, or remove it")

    def begin(self, settings: Mapping[str, Any], policies: Mapping[str, str]) -> None:
        """Create or resume the folder before the first episode, so that errors appear early.

        Args:
            settings: Settings that can change an episode.
            policies: Name → fingerprint of each policy.

        Raises:
            UserError: The folder has an unfinished evaluation with other settings.
        """
        if self.folder is None:
            return
        self.unfinished.compare(settings, policies)
        for name in ("episodes", "videos"):  # written again, from the kept episodes
            shutil.rmtree(self.folder / name, ignore_errors=True)

    @property
    def document(self) -> dict[str, Any]:
        """Content of results.json."""
        figures = {"schema": SCHEMA, "rows": self.rows, "published": self.published, "pairs": self.pairs}
        figures |= {"ladder": self.ladder} if self.ladder else {}
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
