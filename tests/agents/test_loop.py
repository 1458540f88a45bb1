"""Coroutines run from synchronous code: with and without a loop that runs already, and Ctrl-C reaches them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from agents.loop import LoopThread, run


async def answer(value: int) -> tuple[int, str]:
    await asyncio.sleep(0)
    return value, threading.current_thread().name


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def test_run_without_a_loop_returns_the_result_from_this_thread() -> None:
    assert run(answer(3)) == (3, "MainThread")


def test_run_inside_a_loop_returns_the_result_from_another_thread() -> None:
    async def outer() -> tuple[int, str]:
        return run(answer(4))

    before = threading.active_count()
    assert asyncio.run(outer()) == (4, "event loop")
    assert threading.active_count() == before


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("k"), SystemExit(3), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("nested", [False, True])
def test_run_raises_the_exception_of_the_coroutine(error: BaseException, nested: bool) -> None:
    async def outer() -> None:
        with pytest.raises(type(error)) as caught:
            run(fail(error))
        assert caught.value is error

    if nested:
        asyncio.run(outer())
    else:
        with pytest.raises(type(error)) as caught:
            run(fail(error))
        assert caught.value is error


def test_loop_thread_after_an_exception_runs_the_next_coroutine() -> None:
    with LoopThread() as loop:
        for error in (ValueError("no"), SystemExit(3)):
            with pytest.raises(type(error)):
                loop.run(fail(error))
        assert loop.run(answer(5)) == (5, "event loop")


def test_loop_thread_keeps_tasks_between_calls_and_cancels_them_at_close() -> None:
    story: list[str] = []

    async def background() -> None:
        try:
            story.append("started")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            story.append("cancelled")

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(background())
        await asyncio.sleep(0)
        return task

    loop = LoopThread()
    task = loop.run(start())
    assert loop.run(answer(6))[0] == 6
    assert not task.done() and story == ["started"]
    loop.close()
    assert task.cancelled() and story == ["started", "cancelled"]


def interrupt_when(started: threading.Event) -> None:
    started.wait(30)
    os.kill(os.getpid(), signal.SIGINT)


def test_loop_thread_at_ctrl_c_cancels_the_coroutine_and_waits_for_its_clean_up() -> None:
    started, story = threading.Event(), []

    async def work() -> None:
        try:
            started.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            story.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0.01)
            story.append("clean")

    with LoopThread() as loop:
        interrupter = threading.Thread(target=interrupt_when, args=(started,))
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            loop.run(work())
        interrupter.join()
        assert story == ["cancelled", "clean"]
        assert loop.run(answer(7))[0] == 7


def test_run_at_ctrl_c_ends_the_process_after_the_clean_up() -> None:
    program = (
        "import asyncio, os, signal\n"
        "from agents.loop import run\n"
        "async def work():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        await asyncio.sleep(60)\n"
        "    finally:\n"
        "        print('clean')\n"
        "try:\n"
        "    run(work())\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("clean\ninterrupted\n", "")
