"""How a server ends: Ctrl-C, SIGTERM or SIGHUP once finishes what is in flight, Ctrl-C once more does not wait for it.

Signals are blocked in every thread of the server and of its processes, and a thread of each waits for them. Handlers
would run in the middle of whatever the main thread does: Granian's deadlocks a process when it runs three times, which
Ctrl-C in a terminal brought about because it reaches all processes of the group.
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

from kalends.cli import leave_if_told
from kalends.http.log import TROUBLE, line_of

PROCESS_END_S = 20
"""How long a process may take to finish what is in flight."""

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
KILLED = f"A server process did not finish its requests within {PROCESS_END_S} s and was killed."

PARENT_HEARS_S = 0.5
"""How long a process that has not begun to serve stays, for its parent to hear of the same signal first.

Granian takes a process that ends by itself for one that has failed.
"""

CUT_OFF = 128 + signal.SIGINT
"""Exit code, as shells know it, when Ctrl-C came a second time."""


class EndingServer(MPServer):
    """Granian's server, whose processes leave Ctrl-C to their parent."""

    cut_off = False

    def serve_until_told(self, load: Callable[[], Any]) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP (which `nohup` has it ignore). Raises SystemExit if cut off."""
        expected = ENDING - {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else ENDING
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # processes and threads that it starts inherit this
        leave_if_told()
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
        """End all processes, and kill those that have not ended in time.

        Granian joins each from two threads at once, and took one that had ended for one that had not.
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
    """Have a server process finish what is in flight on SIGTERM, or end at once while it has not begun to serve.

    Granian would have its loop take signals, and drops what is in flight when it hears of the second one.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # and not the handler that the parent had when it was forked
    loops: list[AbstractEventLoop] = []
    told = WorkerSignal()

    def begin(loop: AbstractEventLoop) -> WorkerSignal:
        loops.append(loop)
        return told

    _signals.set_loop_signals = begin
    threading.Thread(target=_await_sigterm, args=(loops, told), daemon=True).start()


def _await_sigterm(loops: list[AbstractEventLoop], told: WorkerSignal) -> None:
    signal.sigwait({signal.SIGTERM})
    if loops:
        loops[0].call_soon_threadsafe(told.set)
    else:
        time.sleep(PARENT_HEARS_S)
        os._exit(0)
