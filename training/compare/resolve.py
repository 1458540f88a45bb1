"""Resolution of policy names to participants, with one-line errors."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from agents.engines.config import SERVER
from agents.models.config import folders_near, may_be_hub_name
from agents.policies.recorded import HUMAN, PLAYS, is_record
from agents.policies.scripted import SCRIPTED_POLICIES, is_scripted
from configs.errors import UserError, suggest
from training.baseline.config import is_baseline
from training.compare.participants import (
    BaselineParticipant,
    ModelParticipant,
    Participant,
    RecordParticipant,
    ScriptedParticipant,
    ServerParticipant,
)
from training.config.run import Config, read


def participants(names: Sequence[str], config: Config) -> list[Participant]:
    """Return the participants with these names. Raise UserError (one line) for an unknown or duplicate name."""
    players = [participant(name, config) for name in names]
    known = {name: name for name in SCRIPTED_POLICIES if name not in names}  # reference rows of every table
    for player in players:
        if other := known.get(player.label):
            raise UserError(f"policy: {other} and {player.name} share the folder name {player.label}; remove one")
        known[player.label] = player.name
    return players


def participant(name: str, config: Config) -> Participant:
    """Return the participant with a name. Raise UserError (one line) if there is none."""
    name = name.rstrip("/") or name
    folder = Path(name)
    if is_scripted(name):
        return ScriptedParticipant(name)
    if name.startswith(SERVER):
        return ServerParticipant(name, name.removeprefix(SERVER), config.engine)
    if name == HUMAN:
        return RecordParticipant(name, None)
    if name != "tiny" and not folder.is_dir():
        _refuse_unknown(name)
    elif is_baseline(folder):
        return BaselineParticipant(name, folder)
    elif is_record(folder):
        return RecordParticipant(name, folder)
    path, source = run_of(name)
    player = ModelParticipant(name, path, config.engine)
    if source is not None:
        run = read(source)
        player.source, player.tasks, player.envs = source, run.tasks, run.envs
    return player


def run_of(name: str) -> tuple[str, Path | None]:
    """Return the path or hub name of a policy's model, and the config file of its run if it belongs to one."""
    folder = Path(name)
    if (folder / "config.yaml").is_file():
        if not (folder / "checkpoint").is_dir():
            _refuse_unfinished(folder)
        folder = folder / "checkpoint"
    elif (folder / "episodes").is_dir():
        _refuse_results(folder)
    for above in folder.parents[:2] if folder.is_dir() else ():
        if (above / "config.yaml").is_file() and (above / "metrics.jsonl").is_file():
            return str(folder), above / "config.yaml"
    return name, None


def _refuse_unfinished(run: Path) -> NoReturn:
    """Raise UserError for an unfinished run, with possible remedies."""
    good = sorted((run / "checkpoints").glob("good-*"))
    evaluate = f"evaluate its last good weights with policy={good[-1]}, or " if good else ""
    raise UserError(
        f"policy={run}: this run is not finished and has no checkpoint/ yet; {evaluate}"
        f"resume it with python -m training.run resume={run}"
    )


def _refuse_results(folder: Path) -> NoReturn:
    """Raise UserError for a results folder, with the records that it contains."""
    records = [str(path) for path in sorted((folder / "episodes").iterdir()) if is_record(path)]
    raise UserError(f"policy={folder} contains results but no model; its records: {', '.join(records) or 'none'}")


def _refuse_unknown(name: str) -> None:
    """Raise UserError for a name that is neither a folder nor a possible name on the hub (OWNER/MODEL)."""
    first, *rest = Path(name).parts or ("",)
    if first == str(PLAYS) and rest:
        raise UserError(f"policy={name}: no such record; create one with python -m agents.play env={rest[0]}")
    if may_be_hub_name(name):
        return
    here = folders_near(name)
    known = [*SCRIPTED_POLICIES, "tiny", HUMAN, *(here or ["runs/<name>"]), f"{SERVER}<model>"]
    if not rest:
        raise UserError(suggest("policy", name, known))
    raise UserError(suggest("policy", name, here) if here else f"policy: model folder {name!r} does not exist")
