"""A peer: Flask with SQLAlchemy's ORM, under gunicorn."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, abort, jsonify, request
from models import Event, Participant, User, agenda_of, answered, conflicts, new_event
from sqlalchemy import create_engine, select
from sqlalchemy.orm import joinedload, scoped_session, selectinload, sessionmaker

TOKEN = os.environ["TOKEN"]
engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"), pool_size=8)
Session = scoped_session(sessionmaker(engine, expire_on_commit=False))
app = Flask(__name__)
app.json.sort_keys = False


@app.before_request
def authenticate() -> None:
    if request.path != "/health" and not secrets.compare_digest(
        request.headers.get("Authorization", ""), f"Bearer {TOKEN}"
    ):
        abort(401)


@app.teardown_appcontext
def end(_: Any) -> None:
    Session.remove()


def event_json(event: Event, *, expand: bool = False) -> dict[str, Any]:
    fields = {
        "id": event.id,
        "title": event.title,
        "description": event.description,
        "location": event.location,
        "start": event.starts_at.isoformat(),
        "end": event.ends_at.isoformat(),
        "time_zone": event.time_zone,
        "status": event.status,
        "show_as": event.show_as,
        "visibility": event.visibility,
        "hide_participants": event.hide_participants,
        "host_id": event.host_id,
        "participant_counts": event.participant_counts,
        "metadata": event.parsed_metadata,
        "version": event.version,
        "created_at": event.created_at.isoformat(),
        "updated_at": event.updated_at.isoformat(),
    }
    if expand:
        fields["participants"] = [participant_json(participation) for participation in event.participants]
    return fields


def participant_json(participation: Participant) -> dict[str, Any]:
    return {
        "user_id": participation.user_id,
        "name": participation.name,
        "email": participation.email,
        "role": participation.role,
        "response": participation.response,
        "comment": participation.comment,
        "responded_at": participation.responded_at.isoformat() if participation.responded_at else None,
        "is_host": participation.is_host,
    }


def moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError):
        abort(422)


@app.get("/health")
def health() -> Any:
    return {"status": "ready"}


@app.get("/v1/events")
def list_events() -> Any:
    expand = request.args.get("expand") == "participants"
    limit = request.args.get("limit", 50, type=int)
    statement = agenda_of(request.args.get("user_id", type=int), moment(request.args["from"]), limit)
    if expand:
        statement = statement.options(selectinload(Event.participants).joinedload(Participant.user))
    events = Session.scalars(statement).all()
    last = events[limit - 1] if len(events) > limit else None
    return jsonify(
        items=[event_json(event, expand=expand) for event in events[:limit]],
        next_cursor=f"{last.starts_at.isoformat()},{last.id}" if last else None,
    )


@app.get("/v1/events/<int:event_id>")
def read_event(event_id: int) -> Any:
    expand = request.args.get("expand") == "participants"
    options = [selectinload(Event.participants).joinedload(Participant.user)] if expand else []
    event = Session.get(Event, event_id, options=options) or abort(404)
    return jsonify(event_json(event, expand=expand))


@app.post("/v1/events")
def create_event() -> Any:
    draft = request.get_json()
    roles = {draft["host_id"]: "required"}
    roles |= {one["user_id"]: one.get("role", "required") for one in draft.get("participants", [])}
    start, end = moment(draft["start"]), moment(draft["end"])
    if end <= start or not draft["title"]:
        abort(422)
    if len(Session.scalars(select(User.id).where(User.id.in_(roles))).all()) < len(roles):
        abort(422)
    if Session.scalar(conflicts(list(roles), start - timedelta(hours=25), start, end)):
        abort(409)
    fields = {"host_id": draft["host_id"], "title": draft["title"], "starts_at": start, "ends_at": end}
    fields |= {name: draft.get(name, "") for name in ("description", "location")}
    fields["time_zone"] = draft.get("time_zone", "UTC")
    event = new_event(datetime.now(UTC), fields, roles)
    Session.add(event)
    Session.commit()
    return jsonify(event_json(event)), 201


@app.put("/v1/events/<int:event_id>/participants/<int:user_id>/response")
def respond(event_id: int, user_id: int) -> Any:
    answer = request.get_json()
    if answer["response"] not in ("accepted", "declined", "tentative"):
        abort(422)
    options = [joinedload(Participant.event), joinedload(Participant.user)]
    participation = Session.get(Participant, (event_id, user_id), options=options) or abort(404)
    if participation.event.status == "cancelled":
        abort(409)
    answered(participation, answer["response"], answer.get("comment"), datetime.now(UTC))
    Session.commit()
    return jsonify(participant_json(participation))
