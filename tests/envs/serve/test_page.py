"""The page in a real Chromium: it shows the task and plays it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.envs.serve.serve_fixture import serving
from tests.render.viewer_fixture import no_sideways_scroll, opened

pytestmark = pytest.mark.browser
TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("sokoban", "arithmetic", token=TOKEN) as (place, _):
        yield f"http://{place}/?token={TOKEN}"


def start(page: Page, index: int) -> None:
    """Start an episode of the test split."""
    page.get_by_label("Split").select_option("test")
    page.get_by_label("Start").fill(str(index))
    page.get_by_role("button", name="New episode").click()
    expect(page.locator("#log")).to_contain_text(f"test start {index}, seed")


def test_a_person_plays_by_buttons_keys_and_words(page: Page, url: str) -> None:
    with opened(page, url):
        start(page, 3)
        picture = page.locator("#images img")
        expect(picture).to_have_count(1)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 64
        expect(page.locator("#text")).to_contain_text("You are the blue worker.")
        before = picture.get_attribute("src")
        page.locator("#actions button").first.click()
        expect(page.get_by_role("status")).to_have_text("Turn 1. Reward 0")
        assert picture.get_attribute("src") != before
        key = page.locator("#actions button").first.inner_text()
        page.locator("h1").click()
        page.keyboard.press({"up": "ArrowUp", "down": "ArrowDown", "left": "ArrowLeft", "right": "ArrowRight"}[key])
        expect(page.get_by_role("status")).to_have_text("Turn 2. Reward 0")
        page.get_by_label("Answer").fill("no such action")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_have_text("Turn 3. Over (invalid). Reward 0")
        expect(page.locator("#log")).to_contain_text("The reply was invalid")
        expect(page.locator("#actions button")).to_have_count(0)


def test_another_task_begins_at_once(page: Page, url: str) -> None:
    with opened(page, url, width=400):
        page.get_by_label("Task").select_option("arithmetic")
        expect(page.locator("#log")).to_contain_text("arithmetic, train start")
        page.get_by_label("Answer").fill("7")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Turn 1. ")
        no_sideways_scroll(page)


def test_a_wrong_start_is_one_line(page: Page, url: str) -> None:
    with opened(page, url):
        page.get_by_label("Start").fill("99999")
        page.get_by_role("button", name="New episode").click()
        expect(page.get_by_role("status")).to_have_text("index=99999: train has the indices 0 to 9999")
