"""What a user may get wrong when starting a run: one line on stderr, exit status 2, and nothing written or lost."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agents.models.load import tiny_folder
from configs.cli import command, parse_overrides
from training.config.compose import load
from training.config.help import help_text
from training.config.run import save
from training.run import main
from training.runs.run_folder import RunFolder


class Shell:
    """Runs `training.run` as the command line does, in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys

    def error(self, *words: str) -> str:
        """The one line that some words lead to."""
        self.monkeypatch.setattr(sys, "argv", ["training.run", *words])
        with pytest.raises(SystemExit) as caught:
            command(main, help_text)
        shown = self.capsys.readouterr()
        assert (caught.value.code, shown.out) == (2, "")
        assert shown.err.startswith("error: ") and shown.err.count("\n") == 1
        return shown.err.removeprefix("error: ").rstrip("\n").replace(str(self.folder), "OUT")

    def refused(self, *words: str) -> str:
        """The same for a new run: nothing has been written."""
        line = self.error(f"out={self.folder}", *words)
        assert list(self.folder.iterdir()) == []
        return line


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


def test_run_into_an_existing_folder_leaves_it_unchanged(shell: Shell) -> None:
    (shell.folder / "mine").mkdir()
    (shell.folder / "mine" / "diary.txt").write_text("dear diary")
    assert shell.error("env=arithmetic", f"out={shell.folder}", "name=mine") == (
        "OUT/mine exists already; resume it with resume=OUT/mine, or choose another name (name=…), or remove it"
    )
    assert [path.name for path in (shell.folder / "mine").iterdir()] == ["diary.txt"]
    line = shell.error("env=arithmetic", f"out={shell.folder}", "name=mine", "env.kwargs.digits=99")
    assert line == "digits must be from 1 to 12, got 99"  # the mistake in the settings comes first


def test_resume_of_a_missing_folder_is_refused(shell: Shell) -> None:
    line = "resume=OUT/gone: not a run folder (no config.yaml); use a path such as runs/football"
    assert shell.error(f"resume={shell.folder}/gone") == line
    assert list(shell.folder.iterdir()) == []


def test_resume_with_other_settings_or_after_the_end_is_refused(shell: Shell) -> None:
    save(load(["env=arithmetic"]), shell.folder / "config.yaml")
    line = "a resumed run keeps its config; remove seed=3 algo.lr=1, or start a new run"
    assert shell.error(f"resume={shell.folder}", "seed=3", "algo.lr=1") == line
    (shell.folder / "summary.json").write_text("{}")
    assert shell.error(f"resume={shell.folder}") == "OUT is already finished; its report is OUT/report.html"
    assert sorted(path.name for path in shell.folder.iterdir()) == ["config.yaml", "summary.json"]
    (shell.folder / "checkpoints").mkdir()  # killed after the summary, before the end: still to be finished
    assert RunFolder.resume(load([f"resume={shell.folder}"]), {}).config == load(["env=arithmetic"])


def test_resume_of_a_finished_run_is_refused_at_once(tmp_path: Path) -> None:
    save(load(["env=arithmetic"]), tmp_path / "config.yaml")
    (tmp_path / "summary.json").write_text("{}")
    script = (
        "import sys; from training.run import main\ntry: main(sys.argv[1:])\nexcept Exception as error: print(error)\n"
    )
    script += "print({'torch', 'transformers'} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", script, f"resume={tmp_path}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path} is already finished; its report is {tmp_path / 'report.html'}\nset()\n"


def test_resume_with_cluster_overrides_changes_only_the_cluster(tmp_path: Path) -> None:
    """Only the machines may change: from words over the run's own, or from a file."""
    config = load(["env=arithmetic", "cluster=ray"])
    save(config, tmp_path / "config.yaml")
    for words, learners, workers in (([], 2, 2), (["cluster.learners=4"], 4, 2), (["cluster=local"], 1, 1)):
        argv = [f"resume={tmp_path}", *words]
        cluster = RunFolder.resume(load(argv), parse_overrides(argv)).config.cluster
        assert (cluster.learners, cluster.rollout_workers) == (learners, workers)


def test_run_with_a_context_below_the_first_prompt_is_refused(shell: Shell) -> None:
    line = shell.refused("env=arithmetic", "engine.max_context=20")
    assert line.startswith("tasks.arithmetic: a first prompt of ")
    assert line.endswith(
        "tokens and a reply of max_reply_tokens=32 do not fit a context of 20; "
        "lower max_reply_tokens or the image's size"
    )


@pytest.mark.slow
def test_run_with_images_above_max_pixels_is_refused(shell: Shell) -> None:
    line = shell.refused("env=football", "engine.vllm.max_pixels=1000")
    assert re.fullmatch(
        r"an image of \d+x\d+ pixels exceeds engine.vllm.max_pixels=1000; raise it or set it to 0", line
    )


@pytest.mark.slow
def test_resume_while_another_process_works_is_refused(shell: Shell) -> None:
    save(load(["env=arithmetic", f"out={shell.folder}"]), shell.folder / "config.yaml")
    with RunFolder(shell.folder, load(["env=arithmetic"])).locked():
        line = shell.error(f"resume={shell.folder}").splitlines()[-1]
    assert line == "another process is working on OUT; wait for it, or stop it"


def test_run_with_an_invalid_model_folder_is_refused(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    gone = "model.path: model folder 'gone' does not exist; give a folder that transformers can load, or 'tiny'"
    assert shell.refused("env=arithmetic", "model.path=gone") == gone
    empty = tmp_path_factory.mktemp("empty")
    line = f"model.path: '{empty}' is not a model folder: it has no config.json"
    assert shell.refused("env=arithmetic", f"model.path={empty}") == line
    shutil.copytree(tiny_folder(), empty, dirs_exist_ok=True)
    (empty / "model.safetensors").write_bytes(b"")
    line = shell.refused("env=arithmetic", f"model.path={empty}")
    assert line.startswith(f"model.path: '{empty}' cannot be loaded as a model: ")


REFUSED = {
    "env.kwargs.scenario=academy_empty_gaol": "unknown scenario 'academy_empty_gaol'; did you mean 'academy_empty_go",
    "env.kwargs.scenery=green": "kickoff/Football-v0 does not accept these kwargs: ",
    "env.kwargs.image_size=[112, 112]": "the model needs images of 84x84, got 112x112; write env.image_size=[84,84]",
    "env.actions=[left, right]": "task football: 2 action names do not fit Discrete(19)",
    "env.id=kickoff/Footbal-v0": "unknown env id 'kickoff/Footbal-v0'; did you mean 'kickoff/Football-v0'?",
    # of the text stage
    "tasks.arithmetic.kwargs.digits=99": "digits must be from 1 to 12, got 99",
    "tasks.arithmetic.image=true": "the model needs images of 84x84, got 336x336; write env.image_size=[84,84]",
}


@pytest.mark.parametrize("word", REFUSED)
def test_run_with_an_unplayable_task_is_refused(word: str, shell: Shell) -> None:
    assert shell.refused("env=football", "stages.fre.tasks=[arithmetic]", word).startswith(REFUSED[word])


def test_run_into_an_unwritable_place_has_a_one_line_error(shell: Shell) -> None:
    (shell.folder / "file").write_text("")
    assert shell.error("env=arithmetic", f"out={shell.folder / 'file'}") == "Not a directory: OUT/file/arithmetic"
    assert (shell.folder / "file").read_text() == ""
