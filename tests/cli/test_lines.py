"""Log lines: a separate thread writes them in order; they are dropped if nobody reads them."""

import logging
import os
import threading
import time

import pytest

from kalends.cli import lines
from kalends.cli.lines import LineHandler, write_all


@pytest.fixture
def pipe():
    """Return both ends of a pipe; they stay open until the process ends, as the writer does."""
    return os.pipe()


@pytest.fixture
def log(pipe):
    log = logging.getLogger("kalends.of-a-test")
    handler = LineHandler(pipe[1])
    log.addHandler(handler)
    log.propagate = False
    yield log
    log.removeHandler(handler)


def test_lines_are_written_in_order_and_all_of_them_before_the_end(pipe, log):
    for number in range(1_000):
        log.warning("line %d", number)
    log.handlers[0].flush()
    assert os.read(pipe[0], 1 << 16).decode().splitlines() == [f"line {number}" for number in range(1_000)]


def test_threads_may_write_at_once(pipe, log):
    threads = [threading.Thread(target=log.warning, args=("x" * 10,)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.handlers[0].flush()
    assert os.read(pipe[0], 1 << 16).decode().splitlines() == ["x" * 10] * 50


def test_lines_that_nobody_reads_are_dropped_and_counted(pipe, log, monkeypatch):
    monkeypatch.setattr(lines, "MAX_WAITING", 100)
    monkeypatch.setattr(lines, "FLUSH_S", 0.1)
    began = time.monotonic()
    for _ in range(20):
        for _ in range(100):
            log.warning("x" * 1_000)
        time.sleep(lines.GATHER_S)
    log.handlers[0].flush()
    assert time.monotonic() - began < 30
    found = ""
    while "dropped" not in found:
        found += os.read(pipe[0], 1 << 16).decode()
    log.handlers[0].flush()


def test_lines_that_cannot_be_written_are_dropped():
    read, write = os.pipe()
    os.close(read)
    assert write_all(write, b"lost") == 0
    os.close(write)
