"""Both seats of a match on the page, side by side."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from render.records.writing import EpisodeWriter
from tests.render import watch_fixture as fixture
from tests.render.viewer_fixture import opened

pytestmark = pytest.mark.browser


def test_seats_of_a_match_are_shown_side_by_side_and_compared(page: Page, tmp_path: Path) -> None:
    for label, seat, other in (("a", "left", "b"), ("b", "right", "a")):
        with EpisodeWriter(tmp_path / "episodes" / label) as writer:
            for number in range(2):
                record = fixture.episode(
                    *(label, 7, (label == "a") == (number == 0)),
                    kind=seat,
                    seat=seat,
                    match=f"m{number}",
                    opponent=other,
                )
                writer.write(record)
    with fixture.serving(tmp_path) as url, opened(page, url):
        page.evaluate("location.hash = '#/episode/0'")
        page.get_by_role("link", name="Other seat").click()
        expect(page.locator("h1")).to_contain_text("Both seats of the match")
        assert page.url.endswith("#/pair/0/2") or "#/pair/0/2?" in page.url
        expect(page.locator(".two .card")).to_have_count(2)
        page.evaluate("location.hash = '#/compare?a=a&b=b'")
        expect(page.locator(".matrix p").first).to_contain_text("of 2 seeds")
        # Only seats of the same match are pairs: a wins the first match and loses the second.
        expect(page.locator(".matrix button.a strong")).to_have_text("1")
        expect(page.locator(".matrix button.b strong")).to_have_text("1")
        expect(page.locator(".matrix button.both strong")).to_have_text("0")
