"""Instructions as a person reads them."""

import pytest

from agents.play.entry import Picked, entry
from agents.play.wording import for_person
from envs.task.config import TaskConfig, load_task, task_names


@pytest.mark.parametrize("name", task_names())
def test_instructions_for_a_person_have_no_tags_and_no_map_of_the_reply(name: str) -> None:
    config = load_task(name)
    text = for_person(config, isinstance(entry(config), Picked))
    assert text and "<" not in text and "In the map" not in text and ".." not in text and "LaTeX" not in text


def test_instructions_for_a_person_keep_what_a_person_needs() -> None:
    sokoban = for_person(load_task("sokoban"), keys=True)
    assert sokoban.startswith("Push every box onto a target.\n\nYou are the blue worker.")
    assert sokoban.endswith("Targets are red rings; a box on a target is green.")
    assert for_person(load_task("questions"), keys=False) == (
        "Answer the question. Give only the final answer: a number, a formula, a letter or a word."
    )
    assert for_person(load_task("geometry"), keys=False).endswith("write it so, such as 3√2 or 6π.")
    assert for_person(load_task("arithmetic"), keys=False) == "Answer the question."
    own = TaskConfig(id="x", instructions="Be quick. Put the word into <answer>. Look twice.")
    assert for_person(own, keys=False) == "Be quick. Look twice."


def test_a_map_that_is_shown_is_explained() -> None:
    config = load_task("sokoban", {"env.caption": True})
    assert "In the map: # wall" in for_person(config, keys=True)
