"""The conventional tables as ORM classes, shared by the two peers that use SQLAlchemy."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Select, select, union
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

MOMENT = DateTime(timezone=True)
COUNTED = ("required", "optional", "accepted", "declined", "tentative", "needs_action")


class Base(DeclarativeBase):
    """The base class of all tables."""


class User(Base):
    """A user."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    time_zone: Mapped[str]
    details: Mapped[str] = mapped_column("metadata")
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT)


class Event(Base):
    """An event."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    description: Mapped[str]
    location: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(MOMENT)
    ends_at: Mapped[datetime] = mapped_column(MOMENT)
    time_zone: Mapped[str]
    status: Mapped[str]
    show_as: Mapped[str]
    visibility: Mapped[str]
    hide_participants: Mapped[bool]
    details: Mapped[str] = mapped_column("metadata")
    required_count: Mapped[int]
    optional_count: Mapped[int]
    accepted_count: Mapped[int]
    declined_count: Mapped[int]
    tentative_count: Mapped[int]
    needs_action_count: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT)
    participants: Mapped[list["Participant"]] = relationship(
        back_populates="event", order_by="Participant.user_id", cascade="all, delete-orphan"
    )

    @property
    def participant_counts(self) -> dict[str, int]:
        """Return the counts by role and by response."""
        counts: dict[str, int] = {name: getattr(self, f"{name}_count") for name in COUNTED}
        return {"total": self.required_count + self.optional_count, **counts}

    @property
    def parsed_metadata(self) -> dict[str, Any]:
        """Return the metadata."""
        return json.loads(self.details)


class Participant(Base):
    """A participation in an event."""

    __tablename__ = "participants"
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    response: Mapped[str]
    comment: Mapped[str | None]
    responded_at: Mapped[datetime | None] = mapped_column(MOMENT)
    event: Mapped[Event] = relationship(back_populates="participants")
    user: Mapped[User] = relationship()

    @property
    def name(self) -> str:
        """Return the person's name."""
        return self.user.name

    @property
    def email(self) -> str:
        """Return the person's e-mail address."""
        return self.user.email

    @property
    def is_host(self) -> bool:
        """Return whether this is the event's host."""
        return self.user_id == self.event.host_id


def agenda_of(user_id: int, since: datetime, limit: int) -> Select[tuple[Event]]:
    """Return the statement for the events that a user hosts or takes part in."""
    theirs = union(
        select(Participant.event_id).where(Participant.user_id == user_id),
        select(Event.id).where(Event.host_id == user_id),
    )
    wanted = (Event.id.in_(theirs), Event.ends_at > since, Event.status != "cancelled")
    return select(Event).where(*wanted).order_by(Event.starts_at, Event.id).limit(limit + 1)


def conflicts(people: list[int], earliest: datetime, start: datetime, end: datetime) -> Select[tuple[int]]:
    """Return the statement for those of some users who are not free."""
    overlap = (Event.starts_at > earliest, Event.starts_at < end, Event.ends_at > start)
    busy = (Event.status != "cancelled", Event.show_as == "busy", Participant.response != "declined")
    who = select(Participant.user_id).join(Event, Participant.event_id == Event.id)
    return who.where(Participant.user_id.in_(people), *overlap, *busy).limit(1)


def new_event(made_at: datetime, fields: dict[str, Any], roles: dict[int, str]) -> Event:
    """Create an event with its participations; the host has accepted."""
    named = list(roles.values())
    return Event(
        **fields,
        status="confirmed",
        show_as="busy",
        visibility="default",
        hide_participants=False,
        details="{}",
        required_count=named.count("required"),
        optional_count=named.count("optional"),
        accepted_count=1,
        declined_count=0,
        tentative_count=0,
        needs_action_count=len(roles) - 1,
        version=1,
        created_at=made_at,
        updated_at=made_at,
        participants=[
            Participant(
                user_id=user_id,
                role=role,
                response="accepted" if user_id == fields["host_id"] else "needs_action",
                responded_at=made_at if user_id == fields["host_id"] else None,
            )
            for user_id, role in roles.items()
        ],
    )


def answered(participation: Participant, response: str, comment: str | None, now: datetime) -> None:
    """Store a response, and update the counts."""
    event = participation.event
    for name, change in ((participation.response, -1), (response, 1)):
        setattr(event, f"{name}_count", getattr(event, f"{name}_count") + change)
    participation.response, participation.comment, participation.responded_at = response, comment, now
    event.version += 1
    event.updated_at = now
