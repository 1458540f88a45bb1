import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from render.records.writing import EpisodeWriter
from tests.render.watch_fixture import episode, get, make_run, serving


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A run that no test changes, and its server."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "still")
    outside = folder.parent / "secret"
    outside.mkdir()
    (outside / "0123456789abcdef.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    frames = folder / "episodes" / "after" / "frames"
    (frames / "0123456789abcdef.png").symlink_to(outside / "0123456789abcdef.png")
    (frames / "00000000000000aa.png").write_text("<script>no picture</script>")
    (folder / "videos" / "out.mp4").symlink_to(outside / "0123456789abcdef.png")
    with serving(folder) as url:
        yield folder, url


def raw(url: str, target: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes]:
    """An answer to exactly this request line, which a client's library would mend."""
    port = int(url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    "target",
    [
        "/summary.json", "/config.yaml", "/../secret", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/frames/0/../../../config.yaml", "/frames/0/%2e%2e%2fconfig.png", "/frames/0/..%2f..%2f..%2fconfig.yaml",
        "/frames/../0/aaaaaaaaaaaaaaaa.png", "/frames/-1/aaaaaaaaaaaaaaaa.png", "/frames/99/aaaaaaaaaaaaaaaa.png",
        "/frames/1/0123456789abcdef.png",  # a link out of the folder
        "/frames/1/00000000000000aa.png",  # no picture
        "/frames/0/episodes.png", "/videos/0/..%2fsummary.json", "/videos/0/../summary.json", "/videos/1/before.mp4",
        "/videos/0/out.mp4",  # a link out of the folder
        "/videos/0/%2e%2e", "/episodes/after/episodes.jsonl", "//etc/passwd", "http://evil.example/etc/passwd",
        "/static", "/api", "/api/episodes/x", "/api/episodes/99999999999999999999", "/api/episodes/-1", "/page.py",
        "/api/episodes/" + 5000 * "9", f"/frames/{5000 * '9'}/0123456789abcdef.png", f"/videos/{5000 * '9'}/after.mp4",
    ],
)  # fmt: skip
def test_other_paths_are_not_there(still: tuple[Path, str], target: str) -> None:
    get(still[1], "/api/episodes")
    status, body = raw(still[1], target)
    assert status == 404 and "error" in json.loads(body), body[:200]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::1]", "localhost.evil"]
)
def test_a_foreign_name_is_refused(still: tuple[Path, str], host: str) -> None:
    status, body = raw(still[1], "/api/run", host=host)
    assert status == 400 and b"football" not in body


def test_this_machine_s_names_are_answered(still: tuple[Path, str]) -> None:
    port = still[1].rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost"):
        assert raw(still[1], "/api/run", host=host)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("target", ["/", "/api/run", "/api/episodes/0"])
def test_only_get_is_answered(still: tuple[Path, str], method: str, target: str) -> None:
    assert raw(still[1], target, method)[0] == 405


def test_every_answer_is_taken_for_nothing_else(still: tuple[Path, str]) -> None:
    for path in ("/", "/api/run", "/api/episodes", "/api/episodes/0", "/videos/0/after.mp4", "/nothing"):
        headers = httpx2.get(still[1] + path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert not [name for name in headers if name.startswith("access-control")], path


def test_links_out_of_the_folder_are_not_followed(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text('{"task": "secret"}\n')
    with EpisodeWriter(tmp_path / "elsewhere") as writer:
        writer.write(episode("secret", 1, True))
    for name in ("config.yaml", "summary.json", "metrics.jsonl", "results.json"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(secret)
    (run / "episodes" / "linked").symlink_to(tmp_path / "elsewhere")
    frames = run / "episodes" / "before" / "frames"
    for frame in frames.iterdir():
        frame.unlink()
    frames.rmdir()
    frames.symlink_to(tmp_path / "elsewhere" / "frames")
    with serving(run) as url:
        found = get(url, "/api/run")
        assert "secret" not in json.dumps(found)
        assert get(url, "/api/episodes")["total"] == 4
        assert {turn["frame"] for turn in get(url, "/api/episodes/0")["turns"]} == {None}
    for name in ("metrics.jsonl", "results.json", "summary.json", "episodes/linked/episodes.jsonl"):
        assert f"{name} points outside the run's folder: not read." in found["notes"]


def test_pipes_are_not_waited_for(run: Path) -> None:
    for name in ("config.yaml", "summary.json", "metrics.jsonl", "episodes/after/episodes.jsonl"):
        (run / name).unlink()
        os.mkfifo(run / name)
    with serving(run) as url:
        assert get(url, "/api/run")["charts"] == []
        assert get(url, "/api/episodes")["total"] == 2
