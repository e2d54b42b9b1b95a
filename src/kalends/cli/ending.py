"""Shutdown of a server: after Ctrl-C, SIGTERM or SIGHUP requests in flight are finished; a second Ctrl-C ends at once.

Signals are blocked in every thread of the server and of its processes, and one thread of each process waits for them.
Handlers would interrupt whatever the main thread does: Granian's handler deadlocks a process when it runs three times,
which happened after Ctrl-C in a terminal, as that reaches all processes of the group.
"""

import os
import signal
import sys
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from granian import _signals
from granian._granian import WorkerSignal
from granian.server import MPServer

from kalends.cli import exit_if_signalled
from kalends.http.log import TROUBLE, line_of

PROCESS_END_S = 20
"""How long a process may take to finish its requests."""

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
KILLED = f"A server process did not finish its requests within {PROCESS_END_S} s and was killed."

PARENT_FIRST_S = 0.5
"""How long a process that does not serve yet waits before it exits, so that its parent receives the signal first.

Granian regards a process that exits by itself as failed.
"""

CUT_OFF = 128 + signal.SIGINT
"""The exit code after a second Ctrl-C, which is 128 plus the number of the signal, as in shells."""


class EndingServer(MPServer):
    """Granian's server, of which only the parent process handles Ctrl-C."""

    cut_off = False

    def serve_until_signal(self, load: Callable[[], Any]) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP (ignored under `nohup`). Raise SystemExit after a second SIGINT."""
        expected = ENDING - {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else ENDING
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # processes and threads that it starts inherit this
        exit_if_signalled()
        threading.Thread(target=self._await_signals, args=(expected,), daemon=True).start()
        self.serve(target_loader=load, wrap_loader=False)
        if self.cut_off:
            sys.exit(CUT_OFF)

    def _await_signals(self, expected: frozenset[signal.Signals]) -> None:
        signal.sigwait(expected)
        self.signal_handler_interrupt()  # pyright: ignore[reportUnknownMemberType] (its arguments have no types)
        signal.sigwait({signal.SIGINT})
        self.cut_off = True
        for worker in tuple(self.wrks):
            worker.kill()

    def _stop_workers(self) -> None:
        """Terminate all processes, and kill those that have not exited in time.

        Granian joins each from two threads at once, and reported processes that had exited as still running.
        """
        for worker in self.wrks:
            worker.terminate()
        deadline = time.monotonic() + PROCESS_END_S
        for worker in self.wrks:
            process = cast("BaseProcess", worker.inner)
            if not connection.wait([process.sentinel], max(deadline - time.monotonic(), 0)):
                TROUBLE.error("%s", line_of({"level": "error", "error": KILLED, "process": process.pid}))
                worker.kill()
        self.wrks.clear()


def finish_on_sigterm() -> None:
    """Make a server process finish its requests on SIGTERM, or exit at once if it does not serve yet.

    Granian would handle signals in its loop, and drop the requests in flight after the second one.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the handler that was inherited from the parent
    loops: list[AbstractEventLoop] = []
    stop = WorkerSignal()

    def begin(loop: AbstractEventLoop) -> WorkerSignal:
        loops.append(loop)
        return stop

    _signals.set_loop_signals = begin
    threading.Thread(target=_await_sigterm, args=(loops, stop), daemon=True).start()


def _await_sigterm(loops: list[AbstractEventLoop], stop: WorkerSignal) -> None:
    signal.sigwait({signal.SIGTERM})
    if loops:
        loops[0].call_soon_threadsafe(stop.set)
    else:
        time.sleep(PARENT_FIRST_S)
        os._exit(0)
