"""How many connections a server accepts: as many as the system allows it open files."""

import resource

import pytest

from kalends.cli import open_files
from kalends.cli.open_files import ENOUGH_FILES, OWN_FILES, allow_connections, open_files_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "may_change", "connections", "left"),
    [
        (1_024, 524_288, True, ENOUGH_FILES - OWN_FILES, ENOUGH_FILES),
        (1_024, 4_096, True, 4_096 - OWN_FILES, 4_096),
        (1_024, UNLIMITED, True, ENOUGH_FILES - OWN_FILES, ENOUGH_FILES),
        (256, UNLIMITED, False, OWN_FILES, 256),
        (1_024, UNLIMITED, False, 1_024 - OWN_FILES, 1_024),
        (524_288, 524_288, True, ENOUGH_FILES - OWN_FILES, 524_288),
        (UNLIMITED, UNLIMITED, True, ENOUGH_FILES - OWN_FILES, UNLIMITED),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_useful(monkeypatch, soft, hard, may_change, connections, left):
    limits = [soft, hard]

    def change(_: int, wanted: tuple[int, int]) -> None:
        if not may_change:
            raise ValueError("current limit exceeds maximum limit")
        limits[:] = wanted

    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(open_files.resource, "setrlimit", change)
    assert allow_connections() == connections
    assert limits == [left, hard]
    assert open_files_limit() == (ENOUGH_FILES if hard == UNLIMITED else hard)
