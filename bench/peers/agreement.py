"""Checks that the peers answer what Kalends answers, apart from the format of ids and times.

Peers implement a fixed contract: other members of Kalends' answers are not compared.
"""

import re
from datetime import UTC, datetime
from typing import Any

from bench.plan import Plan
from bench.requests import FIVE, RequestSource
from bench.rows import EVENT_STEP, FIRST_EVENT, FIRST_USER, USER_STEP
from bench.servers import Contestant

SAMPLED = 12
OWN_ID = re.compile(r"(usr|evt)_[0-9a-f]{16}")
CONTRACT = {
    *("items", "next_cursor"),
    *("id", "title", "description", "location", "start", "end", "time_zone", "status", "show_as", "visibility"),
    *("hide_participants", "host_id", "participant_counts", "metadata", "version", "created_at", "updated_at"),
    *("total", "required", "optional", "accepted", "declined", "tentative", "needs_action"),
    *("participants", "user_id", "name", "email", "role", "response", "comment", "responded_at", "is_host"),
}
"""The members that peers answer, of pages, events, counts and participants."""

TIMES = {"start", "end"}
OF_THE_MOMENT = {"created_at", "updated_at", "responded_at"}
"""Members that depend on the time of the request, if it wrote something."""


def differences(kalends: Contestant, peers: list[Contestant], source: RequestSource) -> dict[str, str]:
    """Send everybody the same requests; return the first difference of every peer that has one."""
    found: dict[str, str] = {}
    for kind in FIVE:
        for request in source.several(kind, SAMPLED):
            status, expected, _ = kalends.call(request)
            wanted = (status, normal(expected, source.plan, made=kind == "create"))
            for peer in peers:
                got_status, content, _ = peer.call(request)
                got = (got_status, normal(content, source.plan, made=kind == "create"))
                if got != wanted and peer.name not in found:
                    found[peer.name] = f"{kind}: {difference(wanted, got)}"
    return found


def normal(value: Any, plan: Plan, name: str = "", *, made: bool = False) -> Any:
    """Return the contract's members of an answer: ids as numbers, times as instants, and new ids left out."""
    if isinstance(value, dict) and name != "metadata":
        known = {key: one for key, one in value.items() if key in CONTRACT}
        return {key: None if made and key == "id" else normal(one, plan, key, made=made) for key, one in known.items()}
    if isinstance(value, list):
        return [normal(one, plan, name, made=made) for one in value]
    if name == "next_cursor":
        return value is not None
    if isinstance(value, str):
        if OWN_ID.fullmatch(value):
            number = int(value[4:], 16)
            first, step = (FIRST_USER, USER_STEP) if value.startswith("usr") else (FIRST_EVENT, EVENT_STEP)
            return (number - first) // step + 1
        if name in TIMES:
            return instant(value)
        if name in OF_THE_MOMENT:
            moment = instant(value)
            return "now" if abs((datetime.now(UTC) - moment).total_seconds()) < 300 else moment
    return value


def instant(text: str) -> datetime:
    """Parse a time; one without an offset is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def difference(wanted: Any, got: Any, where: str = "") -> str:
    """Describe the first difference of two answers."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in wanted.keys() | got.keys():
            if key not in wanted or key not in got or wanted[key] != got[key]:
                return difference(wanted.get(key, "nothing"), got.get(key, "nothing"), f"{where}/{key}")
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple) and len(wanted) == len(got):
        for place, (one, other) in enumerate(zip(wanted, got, strict=True)):
            if one != other:
                return difference(one, other, f"{where}/{place}")
    return f"{where} is {str(got)[:120]} and not {str(wanted)[:120]}"
