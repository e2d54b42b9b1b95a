"""The small organization of the demo: a bicycle workshop with a shop, and three weeks of its calendar."""

from datetime import date, timedelta
from typing import Literal

from kalends.actions.events import create_event
from kalends.actions.participants import answer_invitation
from kalends.actions.users import create_user
from kalends.drafts import EventCreate, ParticipantCreate, ResponseUpdate, UserCreate
from kalends.model import Actor, Email, Event, Metadata, Role, UserId, Zone
from kalends.rules.zones import read_time
from kalends.store.database import WriteTx

PEOPLE = {
    "ines": ("Inês Duarte", "Europe/Lisbon", "founder"),
    "jonas": ("Jonas Weber", "Europe/Berlin", "workshop"),
    "amara": ("Amara Okafor", "Europe/London", "design"),
    "tomasz": ("Tomasz Zieliński", "Europe/Warsaw", "workshop"),
    "lucia": ("Lucía Fernández", "Europe/Madrid", "shop"),
    "emre": ("Emre Öztürk", "Europe/Istanbul", "shop"),
    "sofie": ("Sofie Lindqvist", "Europe/Stockholm", "books"),
    "malik": ("Malik Haddad", "Europe/Paris", "web"),
    "hana": ("Hana Novotná", "Europe/Prague", "web"),
    "noor": ("Noor van Dijk", "Europe/Amsterdam", "apprentice"),
}
HOME = Zone("Europe/Lisbon")

WEEKLY = (
    (
        0,
        ("09:00", "09:30", "Start of the week", "Workshop, big table", "ines", "jonas amara lucia sofie malik", "noor"),
    ),
    (0, ("14:00", "15:00", "Frame drawings", "Studio", "amara", "tomasz ines", "jonas")),
    (1, ("10:00", "11:30", "Wheel building, hands on", "Workshop", "jonas", "noor tomasz", "")),
    (1, ("15:00", "16:00", "Shop window", "Shop", "lucia", "emre", "amara")),
    (2, ("11:00", "12:00", "Website: orders and returns", "Online", "malik", "hana lucia", "ines")),
    (2, ("13:00", "13:45", "Invoices", "Office", "sofie", "ines", "")),
    (3, ("09:30", "11:00", "Repairs: what came back", "Workshop", "tomasz", "jonas noor", "emre")),
    (3, ("16:00", "17:00", "Ask us anything, for customers", "Shop", "emre", "lucia jonas", "noor")),
    (4, ("15:00", "16:00", "Friday review", "Workshop, big table", "ines", "amara jonas malik sofie", "hana emre")),
    (4, ("18:00", "24:00", "Open workshop night", "Workshop", "noor", "tomasz jonas", "emre lucia hana")),
)
"""Day of the week, start, end, title, location, host, required and optional participants."""

ANSWERS: tuple[Literal["accepted", "declined", "tentative"], ...] = (
    "accepted",
    "accepted",
    "tentative",
    "accepted",
    "declined",
)
LAST_WEEK, NEXT_WEEK = -1, 1


def add_sample(tx: WriteTx, actor: Actor, today: date) -> UserId:
    """Add the people, and the weeks before, of and after `today`; return the founder's id."""
    people: dict[str, UserId] = {}
    for nickname, (name, zone, team) in PEOPLE.items():
        email = Email(f"{nickname}@spoke-and-chain.example")
        draft = UserCreate(name=name, email=email, time_zone=Zone(zone), metadata=Metadata(team=team))
        people[nickname] = create_user(tx, actor, draft).id
    monday = today - timedelta(days=today.weekday())
    for week in range(LAST_WEEK, NEXT_WEEK + 1):
        for weekday, details in WEEKLY:
            event, participants = add_event(tx, actor, people, monday + timedelta(weeks=week, days=weekday), details)
            if event.block.span.end > tx.now:
                answer_some(tx, actor, event, participants)
    return people["ines"]


def answer_some(tx: WriteTx, actor: Actor, event: Event, participants: list[ParticipantCreate]) -> None:
    """Record responses of all participants but the last."""
    for place, participant in enumerate(participants[:-1]):
        answer_invitation(
            tx, actor, event.id, participant.user_id, ResponseUpdate(response=ANSWERS[place % len(ANSWERS)])
        )


def add_event(
    tx: WriteTx, actor: Actor, people: dict[str, UserId], day: date, details: tuple[str, ...]
) -> tuple[Event, list[ParticipantCreate]]:
    """Add one event of the week; return it and its participants."""
    start, end, title, location, host, required, optional = details
    participants = [ParticipantCreate(user_id=people[name], role=Role.required) for name in required.split()]
    participants += [ParticipantCreate(user_id=people[name], role=Role.optional) for name in optional.split()]
    draft = EventCreate(
        host_id=people[host],
        title=title,
        location=location,
        start=read_time(f"{day}T{start}"),
        end=read_time(f"{day}T{end}"),
        time_zone=HOME,
        participants=participants,
    )
    return create_event(tx, actor, draft).event, participants
