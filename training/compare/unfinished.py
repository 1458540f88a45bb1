"""Finished episodes of an unfinished evaluation, so that the same command resumes it.

The folder `unfinished/` of the results has one file per policy and task. Each episode is appended when it ends. The
folder is removed when every policy has finished.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

from agents.episodes.episode import Episode
from configs.errors import UserError
from render.records.files import folder_lock, write_whole
from training.compare.codec import decode, encode

FOLDER = "unfinished"
FILE = "evaluation.json"


class Unfinished:
    """Episodes that an evaluation has finished so far.

    Args:
        results: Folder of the results, or None to keep nothing.
    """

    def __init__(self, results: Path | None) -> None:
        self.results = results
        self.folder = None if results is None else results / FOLDER

    @property
    def exists(self) -> bool:
        """True if there is an evaluation to resume."""
        return self.folder is not None and (self.folder / FILE).is_file()

    def compare(self, settings: Mapping[str, Any], policies: Mapping[str, str]) -> None:
        """Compare settings and policies with those of the episodes, then store them.

        Policies may be added and left out.

        Args:
            settings: Setting → value, for everything that can change an episode.
            policies: Name → fingerprint of each policy.

        Raises:
            UserError: A setting or a policy has changed, or the file is damaged.
        """
        if self.folder is None:
            return
        where, known = f"save={self.results}", {}
        settings = json.loads(json.dumps(settings))
        if self.exists:
            try:
                document = json.loads((self.folder / FILE).read_text(encoding="utf-8"))
                then, known = document["settings"], document["policies"]
            except (ValueError, KeyError, TypeError):
                raise UserError(f"{self.folder / FILE} is damaged; remove {self.folder} to start again") from None
            other = [key for key in dict.fromkeys([*then, *settings]) if then.get(key) != settings.get(key)]
            if other:
                given = ", ".join(f"{key}={_short(then.get(key))}" for key in other)
                other_one = f"{where}: holds an unfinished evaluation with {given}"
                raise UserError(f"{other_one}; repeat its command, or choose another folder")
            changed = [name for name in policies if known.get(name, policies[name]) != policies[name]]
            if changed:
                names = ", ".join(changed)
                raise UserError(f"{where}: {names} has changed since this evaluation began; choose another folder")
        document = {"settings": settings, "policies": known | dict(policies)}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / FILE, json.dumps(document, indent=1) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder inside the context; raise UserError if another process holds it."""
        if self.folder is None:
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with folder_lock(self.folder):
                yield
        except Timeout:
            raise UserError(f"save={self.results}: another process is writing to this folder") from None

    def episodes(self, policy: str, task: str) -> list[Episode]:
        """Return the finished episodes of a policy (its folder name) in a task. An incomplete last one is dropped."""
        path = self._path(policy, task)
        if path is None or not path.is_file():
            return []
        with path.open("r+b") as file:
            lines = file.read().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):  # killed while writing
                file.truncate(sum(map(len, lines[:-1])))
                del lines[-1]
        try:
            return [decode(Episode, json.loads(line)) for line in lines]
        except ValueError as error:
            raise UserError(
                f"{path} is damaged: {' '.join(str(error).split())}; remove it to play these again"
            ) from None

    @contextmanager
    def writer(self, policy: str, task: str) -> Iterator[Callable[[Episode], None]]:
        """Open the file of a policy (its folder name) and a task. Yield a function that appends an episode."""
        path = self._path(policy, task)
        if path is None:
            yield lambda _: None
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:

            def write(episode: Episode) -> None:
                # A record needs the tokens of the prompts. Its images come from the turns.
                sequences = tuple(dataclasses.replace(one, images=()) for one in episode.sequences)
                document = encode(dataclasses.replace(episode, sequences=sequences))
                file.write(json.dumps(document, separators=(",", ":")) + "\n")
                file.flush()

            yield write

    def remove(self) -> None:
        """Remove the folder: all policies have finished."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, policy: str, task: str) -> Path | None:
        return None if self.folder is None else self.folder / policy / f"{task}.jsonl"


def _short(value: Any) -> str:
    """Return a setting as on the command line, cut to 40 characters."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
