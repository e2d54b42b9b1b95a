"""Example answers for the reference, one for each kind of answer."""

from typing import Any

from kalends.rest.events import EventJson, EventListJson
from kalends.rest.participants import ParticipantJson, ParticipantListJson
from kalends.rest.users import UserJson, UserListJson

USER: dict[str, Any] = {
    "id": "usr_018f3c5a9b2d4e6f",
    "name": "Hanna Host",
    "email": "hanna@example.org",
    "time_zone": "Europe/Berlin",
    "metadata": {},
    "version": 1,
    "created_at": "2026-03-02T08:00:00Z",
    "updated_at": "2026-03-02T08:00:00Z",
}
PARTICIPANT: dict[str, Any] = {
    "user_id": "usr_018f3c5a9b2d5f70",
    "name": "Gustav Guest",
    "email": "gustav@example.org",
    "role": "required",
    "response": "accepted",
    "comment": "I bring the cake.",
    "responded_at": "2026-03-03T09:30:00Z",
    "is_host": False,
}
EVENT: dict[str, Any] = {
    "id": "evt_018f3c5a9b2e0a81",
    "title": "Planning",
    "description": "",
    "location": "Room 2",
    "start": "2026-03-09T14:00:00+01:00",
    "end": "2026-03-09T15:00:00+01:00",
    "time_zone": "Europe/Berlin",
    "status": "confirmed",
    "show_as": "busy",
    "visibility": "default",
    "host_id": "usr_018f3c5a9b2d4e6f",
    "participant_counts": {
        "total": 2,
        "required": 2,
        "optional": 0,
        "accepted": 2,
        "declined": 0,
        "tentative": 0,
        "needs_action": 0,
    },
    "metadata": {},
    "version": 2,
    "created_at": "2026-03-02T08:05:00Z",
    "updated_at": "2026-03-03T09:30:00Z",
}

ANSWER_EXAMPLES: dict[Any, Any] = {
    UserJson: USER,
    UserListJson: {"items": [USER], "next_cursor": None},
    ParticipantJson: PARTICIPANT,
    ParticipantListJson: {"items": [PARTICIPANT], "next_cursor": None},
    EventJson: EVENT,
    EventListJson: {"items": [EVENT], "next_cursor": None},
}
