"""Examples for the reference, one for each kind of answer and of body."""

from typing import Any

from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate, UserCreate, UserUpdate
from kalends.rest.audit import AuditEntryJson
from kalends.rest.event_shapes import EventJson
from kalends.rest.event_transfer import TransferRequest, TransferResponseUpdate
from kalends.rest.events import CancelRequest
from kalends.rest.explanation import ExplainRequest, ExplanationJson
from kalends.rest.find_time import FindTimeRequest
from kalends.rest.find_time_answer import FindTimeResultJson
from kalends.rest.freebusy import FreeBusyJson, FreeBusyRequest
from kalends.rest.holds import ExtendRequest, HoldCreate, HoldJson
from kalends.rest.hours import WorkingHoursJson
from kalends.rest.me import MeJson
from kalends.rest.paging import PageJson
from kalends.rest.participants import (
    ParticipantCreateList,
    ParticipantJson,
    ParticipantPut,
    ParticipantUpdate,
)
from kalends.rest.privacy import UserExportJson
from kalends.rest.sharing import ShareJson, SharePut
from kalends.rest.tokens import NewTokenJson, TokenCreate, TokenJson
from kalends.rest.users import UserJson

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
    "hide_participants": False,
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

HOURS: dict[str, Any] = {
    "weekly": {"monday": [{"start": "09:00", "end": "17:00"}], "friday": [{"start": "22:00", "end": "06:00"}]},
    "overrides": [{"date": "2026-12-24", "windows": []}],
}
FREE_BUSY: dict[str, Any] = {
    "from": "2026-03-09T00:00:00+01:00",
    "to": "2026-03-14T00:00:00+01:00",
    "time_zone": "Europe/Berlin",
    "items": [
        {
            "user_id": "usr_018f3c5a9b2d4e6f",
            "periods": [{"start": "2026-03-09T14:00:00+01:00", "end": "2026-03-09T15:00:00+01:00", "strength": "busy"}],
        }
    ],
}
FOUND_TIME: dict[str, Any] = {
    "slots": [
        {
            "start": "2026-03-09T09:00:00+01:00",
            "end": "2026-03-09T10:00:00+01:00",
            "free": ["usr_018f3c5a9b2d4e6f", "usr_018f3c5a9b2d5f70"],
            "tentative": [],
            "missing": [],
            "optional_weight": 2,
        }
    ]
}
EXPLANATION: dict[str, Any] = {
    "user_id": "usr_018f3c5a9b2d4e6f",
    "start": "2026-03-09T13:00:00Z",
    "end": "2026-03-09T14:00:00Z",
    "bookable": False,
    "rules": [
        {"rule": "active", "verdict": "passes", "source": None},
        {
            "rule": "event",
            "verdict": "blocks",
            "source": {
                "type": "event",
                "id": "evt_018f3c5a9b2e0a81",
                "title": "Planning",
                "role": "required",
                "response": "accepted",
                "status": "confirmed",
                "show_as": "busy",
                "start": "2026-03-09T13:00:00Z",
                "end": "2026-03-09T14:00:00Z",
            },
        },
    ],
}
HOLD: dict[str, Any] = {
    "id": "hld_018f3c5a9b2f1b92",
    "user_ids": ["usr_018f3c5a9b2d4e6f"],
    "start": "2026-03-09T13:00:00Z",
    "end": "2026-03-09T14:00:00Z",
    "expires_at": "2026-03-02T08:10:00Z",
    "extended": False,
    "created_at": "2026-03-02T08:05:00Z",
    "placed_by": "usr_018f3c5a9b2d5f70",
}

SHARE: dict[str, Any] = {
    "owner_id": "usr_018f3c5a9b2d4e6f",
    "user_id": "usr_018f3c5a9b2d5f70",
    "level": "titles",
    "updated_at": "2026-03-02T08:05:00Z",
}
TOKEN: dict[str, Any] = {
    "id": "tok_018f3c5a9b2c3d5e",
    "user_id": "usr_018f3c5a9b2d4e6f",
    "name": "calendar on my phone",
    "hint": "kal_gq2wq5",
    "scopes": ["events:read", "respond"],
    "created_at": "2026-03-02T08:05:00Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}

AUDIT_ENTRY: dict[str, Any] = {
    "id": "aud_018f3c5a9b301c03",
    "at": "2026-03-03T09:30:00Z",
    "action": "changed",
    "object_kind": "event",
    "object_id": "evt_018f3c5a9b2e0a81",
    "user_id": "usr_018f3c5a9b2d5f70",
    "token_id": "tok_018f3c5a9b2c3d5e",
    "address": "192.0.2.17",
    "request_id": "5f2a9c0d1e3b4a67",
    "before": {
        "participants": {
            "usr_018f3c5a9b2d5f70": {"role": "required", "response": "needs_action", "comment": None},
        }
    },
    "after": {
        "participants": {
            "usr_018f3c5a9b2d5f70": {"role": "required", "response": "accepted", "comment": "I bring the cake."},
        }
    },
}
EXPORT: dict[str, Any] = {
    "exported_at": "2026-03-04T10:00:00Z",
    "user": USER | {"id": PARTICIPANT["user_id"], "name": PARTICIPANT["name"], "email": PARTICIPANT["email"]},
    "deleted": False,
    "working_hours": HOURS,
    "shares_given": [],
    "shares_received": [SHARE],
    "tokens": [TOKEN | {"user_id": PARTICIPANT["user_id"]}],
    "holds": [],
    "events": [
        {name: value for name, value in EVENT.items() if name != "participant_counts"}
        | {"participation": {name: PARTICIPANT[name] for name in ("role", "response", "comment", "responded_at")}}
    ],
    "asked_to_host": [],
    "audit_log": [AUDIT_ENTRY],
}

ME: dict[str, Any] = {
    "user": {name: USER[name] for name in ("id", "name", "email", "time_zone")},
    "acting_for": None,
    "organization": {"id": "org_0000000000000001", "name": "Chess club"},
    "token": {name: TOKEN[name] for name in ("id", "name", "scopes", "expires_at")},
}

ANSWER_EXAMPLES: dict[Any, Any] = {
    UserJson: USER,
    PageJson[UserJson]: {"items": [USER], "next_cursor": None},
    ParticipantJson: PARTICIPANT,
    PageJson[ParticipantJson]: {"items": [PARTICIPANT], "next_cursor": None},
    EventJson: EVENT,
    PageJson[EventJson]: {"items": [EVENT], "next_cursor": None},
    WorkingHoursJson: HOURS,
    FreeBusyJson: FREE_BUSY,
    FindTimeResultJson: FOUND_TIME,
    ExplanationJson: EXPLANATION,
    HoldJson: HOLD,
    PageJson[HoldJson]: {"items": [HOLD], "next_cursor": None},
    ShareJson: SHARE,
    PageJson[ShareJson]: {"items": [SHARE], "next_cursor": None},
    MeJson: ME,
    NewTokenJson: TOKEN | {"token": "kal_gq2wq5…"},
    UserExportJson: EXPORT,
    PageJson[AuditEntryJson]: {"items": [AUDIT_ENTRY], "next_cursor": None},
    PageJson[TokenJson]: {"items": [TOKEN], "next_cursor": None},
}

REQUEST_EXAMPLES: dict[Any, Any] = {
    UserCreate: {"name": "Hanna Host", "email": "hanna@example.org", "time_zone": "Europe/Berlin"},
    UserUpdate: {"name": "Hanna Huber", "metadata": {"badge": "blue"}},
    EventCreate: {
        "host_id": "usr_018f3c5a9b2d4e6f",
        "title": "Planning",
        "start": "2026-03-09T14:00",
        "end": "2026-03-09T15:00",
        "time_zone": "Europe/Berlin",
        "participants": [{"user_id": "usr_018f3c5a9b2d5f70", "role": "required"}],
    },
    EventUpdate: {"title": "Planning, moved", "start": "2026-03-09T16:00", "end": "2026-03-09T17:00"},
    CancelRequest: {"reason": "The speaker is ill."},
    TransferRequest: {"host_id": "usr_018f3c5a9b2d5f70"},
    TransferResponseUpdate: {"response": "accepted"},
    ParticipantCreate | ParticipantCreateList: [{"user_id": "usr_018f3c5a9b2d4e6f", "role": "required"}],
    ParticipantPut: {"role": "optional"},
    ParticipantUpdate: {"role": "optional"},
    ResponseUpdate: {"response": "accepted", "comment": "I bring the cake."},
    WorkingHoursJson: {
        "weekly": {"monday": [{"start": "09:00", "end": "17:00"}], "friday": [{"start": "22:00", "end": "06:00"}]},
        "overrides": [{"date": "2026-12-24", "windows": []}],
    },
    FreeBusyRequest: {
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "from": "2026-03-09",
        "to": "2026-03-14",
        "time_zone": "Europe/Berlin",
    },
    FindTimeRequest: {
        "required": ["usr_018f3c5a9b2d4e6f"],
        "optional": [{"user_id": "usr_018f3c5a9b2d5f70", "weight": 2}],
        "duration": 60,
        "between": [{"from": "2026-03-09", "to": "2026-03-14"}],
        "time_zone": "Europe/Berlin",
        "not_before": "2026-03-09",
        "within_working_hours": True,
    },
    ExplainRequest: {
        "user_id": "usr_018f3c5a9b2d4e6f",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
    },
    HoldCreate: {
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "ttl": 300,
    },
    ExtendRequest: {"ttl": 300},
    SharePut: {"level": "titles"},
    TokenCreate: {
        "name": "calendar on my phone",
        "scopes": ["events:read", "respond"],
        "expires_at": "2027-01-01T00:00Z",
    },
}
