"""A peer: FastAPI with SQLAlchemy's async ORM, under uvicorn."""

import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from models import Event, Participant, User, agenda_of, answered, conflicts, new_event
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload, selectinload

URL = os.environ["DATABASE_URL"]
TOKEN = os.environ["TOKEN"]
DRIVERS = {"sqlite:": "sqlite+aiosqlite:", "postgresql:": "postgresql+asyncpg:"}

scheme, rest = URL.split(":", 1)
engine = create_async_engine(DRIVERS[f"{scheme}:"] + rest, pool_size=8)
Session = async_sessionmaker(engine, expire_on_commit=False)


async def authenticated(authorization: Annotated[str, Header()]) -> None:
    if not secrets.compare_digest(authorization, f"Bearer {TOKEN}"):
        raise HTTPException(401)


async def session() -> AsyncIterator[AsyncSession]:
    async with Session() as opened:
        yield opened


Database = Annotated[AsyncSession, Depends(session)]
app = FastAPI()
secured = {"dependencies": [Depends(authenticated)]}


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ParticipantOut(Out):
    user_id: int
    name: str
    email: str
    role: str
    response: str
    comment: str | None
    responded_at: datetime | None
    is_host: bool


class CountsOut(Out):
    total: int
    required: int
    optional: int
    accepted: int
    declined: int
    tentative: int
    needs_action: int


class EventOut(Out):
    id: int
    title: str
    description: str
    location: str
    start: datetime = Field(validation_alias="starts_at")
    end: datetime = Field(validation_alias="ends_at")
    time_zone: str
    status: str
    show_as: str
    visibility: str
    hide_participants: bool
    host_id: int
    participant_counts: CountsOut
    metadata: dict[str, Any] = Field(validation_alias="parsed_metadata")
    version: int
    created_at: datetime
    updated_at: datetime


class FullEventOut(EventOut):
    participants: list[ParticipantOut]


class Page(BaseModel):
    items: list[EventOut]
    next_cursor: str | None


class FullPage(BaseModel):
    items: list[FullEventOut]
    next_cursor: str | None


class InvitationIn(BaseModel):
    user_id: int
    role: Literal["required", "optional"] = "required"


class EventIn(BaseModel):
    host_id: int
    title: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=10_000)
    location: str = Field("", max_length=500)
    start: datetime
    end: datetime
    time_zone: str = "UTC"
    participants: list[InvitationIn] = Field(default_factory=list, max_length=500)


class AnswerIn(BaseModel):
    response: Literal["accepted", "declined", "tentative"]
    comment: str | None = None


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ready"}


@app.get("/v1/events", **secured)
async def list_events(
    database: Database,
    user_id: int,
    since: Annotated[datetime, Query(alias="from")],
    limit: Annotated[int, Query(ge=1, le=250)] = 50,
    expand: Literal["participants"] | None = None,
) -> FullPage | Page:
    statement = agenda_of(user_id, since.astimezone(UTC), limit)
    if expand:
        statement = statement.options(selectinload(Event.participants).joinedload(Participant.user))
    events = (await database.scalars(statement)).all()
    last = events[limit - 1] if len(events) > limit else None
    cursor = f"{last.starts_at.isoformat()},{last.id}" if last else None
    if expand:
        return FullPage(items=[FullEventOut.model_validate(event) for event in events[:limit]], next_cursor=cursor)
    return Page(items=[EventOut.model_validate(event) for event in events[:limit]], next_cursor=cursor)


@app.get("/v1/events/{event_id}", **secured)
async def read_event(
    database: Database, event_id: int, expand: Literal["participants"] | None = None
) -> FullEventOut | EventOut:
    options = [selectinload(Event.participants).joinedload(Participant.user)] if expand else []
    event = await database.get(Event, event_id, options=options)
    if event is None:
        raise HTTPException(404)
    return FullEventOut.model_validate(event) if expand else EventOut.model_validate(event)


@app.post("/v1/events", status_code=201, **secured)
async def create_event(database: Database, draft: EventIn) -> EventOut:
    roles = {draft.host_id: "required"} | {one.user_id: one.role for one in draft.participants}
    start, end = draft.start.astimezone(UTC), draft.end.astimezone(UTC)
    if end <= start:
        raise HTTPException(422, "the end must come after the start")
    known = (await database.scalars(select(User.id).where(User.id.in_(roles)))).all()
    if len(known) < len(roles):
        raise HTTPException(422, "unknown user")
    if await database.scalar(conflicts(list(roles), start - timedelta(hours=25), start, end)):
        raise HTTPException(409, "somebody is not free")
    fields = draft.model_dump(include={"host_id", "title", "description", "location", "time_zone"})
    event = new_event(datetime.now(UTC), fields | {"starts_at": start, "ends_at": end}, roles)
    database.add(event)
    await database.commit()
    return EventOut.model_validate(event)


@app.put("/v1/events/{event_id}/participants/{user_id}/response", **secured)
async def respond(database: Database, event_id: int, user_id: int, answer: AnswerIn) -> ParticipantOut:
    options = [joinedload(Participant.event), joinedload(Participant.user)]
    participation = await database.get(Participant, (event_id, user_id), options=options)
    if participation is None:
        raise HTTPException(404)
    if participation.event.status == "cancelled":
        raise HTTPException(409)
    answered(participation, answer.response, answer.comment, datetime.now(UTC))
    await database.commit()
    return ParticipantOut.model_validate(participation)
