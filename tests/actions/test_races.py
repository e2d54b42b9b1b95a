"""Concurrent actions: real threads on both engines leave a consistent database."""

import random
from typing import Any

import pytest

from kalends.actions.events import cancel_event, change_event, create_event, delete_event, transfer_event
from kalends.actions.participants import (
    add_participants,
    answer_invitation,
    change_role,
    remove_participant,
    set_participant,
)
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.actions.users import change_user
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate, UserUpdate
from kalends.errors import EmailTaken, Invalid, KalendsError, NotFound, StaleVersion, Unavailable
from kalends.model import Email, Role
from kalends.reads.users import read_user
from kalends.rules.zones import read_time
from kalends.store.events import find_event
from tests.cast import BERLIN, Cast, check_consistency, instant
from tests.threads import race

SCENES = 60


@pytest.fixture(autouse=True)
def before_the_event(clock):
    clock.set_to(instant("2026-03-09T08:00+01:00"))


def patient(work):
    """Call an action, and try again while it is unavailable, as a client does."""
    while True:
        try:
            return work()
        except Unavailable:
            continue


def sorted_out(results, kind) -> tuple[list[Any], list[Any]]:
    """Split the outcomes of a race into results and errors, which all have to be of one class."""
    errors = [result for result in results if isinstance(result, Exception)]
    assert {type(error) for error in errors} <= {kind}, errors
    return [result for result in results if not isinstance(result, Exception)], errors


def test_fifty_threads_add_fifty_people_in_one_event(cast):
    crowd = [cast.person() for _ in range(50)]
    event = cast.event()

    def participation(person, number):
        if number % 2:
            return cast.do(set_participant, event.id, person.id, Role.optional)
        return cast.do(add_participants, event.id, [ParticipantCreate(user_id=person.id)])

    results = race(
        [lambda person=person, number=number: participation(person, number) for number, person in enumerate(crowd)]
    )
    sorted_out(results, type(None))
    after = cast.ask(find_event, event.id)
    assert set(cast.participations(event.id)) == {cast.host.id} | {person.id for person in crowd}
    assert (after.counts.total, after.counts.required, after.counts.optional, after.version) == (51, 26, 25, 51)
    check_consistency(cast.database, cast.actor)


def test_fifty_threads_answer_leave_and_come_back_in_one_event(cast):
    crowd = [cast.person() for _ in range(50)]
    event = cast.event(*crowd)

    def act(person, number):
        if number % 3 == 0:
            return cast.do(answer_invitation, event.id, person.id, ResponseUpdate(response="accepted"))
        if number % 3 == 1:
            return cast.do(remove_participant, event.id, person.id)
        return cast.do(change_role, event.id, person.id, Role.optional)

    sorted_out(race([lambda p=p, n=n: act(p, n) for n, p in enumerate(crowd)]), type(None))
    after = cast.ask(find_event, event.id)
    assert after.version == 51
    assert (after.counts.accepted, after.counts.total, after.counts.optional) == (18, 34, 16)
    check_consistency(cast.database, cast.actor)


def test_of_two_updates_with_one_version_exactly_one_succeeds(cast):
    event = cast.event(cast.guest)
    for version in range(1, 21):
        edits = [EventUpdate(title=f"{version} {side}") for side in "ab"]
        options = {"expect": frozenset({version})}
        results = race([lambda e=edit, o=options: cast.do(change_event, event.id, e, **o) for edit in edits])
        (won,), (lost,) = sorted_out(results, StaleVersion)
        assert (won.version, lost.current) == (version + 1, version + 1)
        assert cast.ask(find_event, event.id) == won


def test_of_two_updates_of_a_user_or_a_participation_with_one_version_exactly_one_succeeds(cast):
    event = cast.event(cast.guest)
    first = frozenset({1})
    edits = [UserUpdate(name="Gus"), UserUpdate(name="Gustavo")]
    results = race([lambda edit=edit: cast.do(change_user, cast.guest.id, edit, expect=first) for edit in edits])
    (won,), _ = sorted_out(results, StaleVersion)
    assert cast.ask(read_user, cast.guest.id) == won
    answers = [ResponseUpdate(response="accepted"), ResponseUpdate(response="declined")]
    results = race([lambda a=a: cast.do(answer_invitation, event.id, cast.guest.id, a, expect=first) for a in answers])
    (won,), _ = sorted_out(results, StaleVersion)
    assert cast.participations(event.id)[cast.guest.id] == won.participation


def test_of_many_users_created_at_once_with_one_address_one_gets_it(cast):
    def take(number):
        email = Email("wanted@example.org" if number % 2 else "WANTED@example.org")
        if number % 4 == 0:
            return cast.do(change_user, (cast.host, cast.guest, cast.stranger)[number // 4].id, UserUpdate(email=email))
        return cast.person(email=email)

    results = race([lambda number=number: take(number) for number in range(12)])
    winners, losers = sorted_out(results, EmailTaken)
    assert (len(winners), len(losers)) == (1, 11)


def test_a_user_added_by_many_at_once_gets_one_participation(cast):
    event = cast.event()
    results = race([lambda: cast.do(set_participant, event.id, cast.guest.id, Role.optional) for _ in range(12)])
    successes, _ = sorted_out(results, type(None))
    assert sorted(is_new for _, is_new in successes) == [False] * 11 + [True]
    assert cast.ask(find_event, event.id).version == 2
    check_consistency(cast.database, cast.actor)


@pytest.mark.parametrize("hosted", [HostedEvents.cancel, HostedEvents.transfer])
def test_a_deleted_user_is_not_part_of_any_unfinished_event(cast, hosted):
    """Several users are deleted while others invite them, make them hosts and create events with them."""
    leaving = [cast.person() for _ in range(4)]
    events = [cast.event(*leaving[:2]) for _ in range(6)]
    options = {"hosted": hosted, "to": cast.stranger.id if hosted is HostedEvents.transfer else None}

    def leave(person):
        patient(lambda: cast.force(delete_user, person.id, **options))

    def involve(number):
        choice = random.Random(number)
        for _ in range(SCENES):
            result = outcome(lambda: patient(involvement(cast, choice.choice(leaving), choice.choice(events), choice)))
            if isinstance(result, Invalid):
                assert {fault.code for fault in result.faults} == {"user_inactive"}
            elif isinstance(result, KalendsError):
                assert result.code == "event_cancelled"

    works = [lambda person=person: leave(person) for person in leaving]
    works += [lambda number=number: involve(number) for number in range(6)]
    sorted_out(race(works), type(None))
    for person in leaving:
        with pytest.raises(NotFound):
            cast.ask(read_user, person.id)
    assert check_consistency(cast.database, cast.actor) >= 6


def involvement(cast, person, event, choice):
    """Return an action that involves a user in an event that has not ended."""
    return choice.choice(
        [
            lambda: cast.event(person, cast.guest),
            lambda: cast.event(host_id=person.id),
            lambda: cast.force(set_participant, event.id, person.id, Role.required),
            lambda: cast.force(transfer_event, event.id, person.id),
        ]
    )


def test_two_users_deleted_with_each_other_as_successor_are_not_both_deleted(cast):
    cast.event(host_id=cast.guest.id)
    cast.event(host_id=cast.stranger.id)
    pair = [(cast.guest.id, cast.stranger.id), (cast.stranger.id, cast.guest.id)]
    works = [lambda a=a, b=b: cast.force(delete_user, a, hosted=HostedEvents.transfer, to=b) for a, b in pair]
    successes, (lost,) = sorted_out(race(works), Invalid)
    assert (successes, [fault.code for fault in lost.faults]) == ([None], ["user_inactive"])
    check_consistency(cast.database, cast.actor)


def test_random_actions_of_eight_threads_leave_a_consistent_database(cast):
    people = [cast.host, cast.guest, cast.stranger, *(cast.person() for _ in range(5))]
    events = [cast.event(*people[3:6]) for _ in range(4)]
    works = [lambda seed=seed: play(cast, people, events, random.Random(seed)) for seed in range(8)]
    done = sum(sorted_out(race(works), type(None))[0])
    assert done > SCENES, "of eight times as many; what is refused depends on who comes first"
    check_consistency(cast.database, cast.actor)


def play(cast: Cast, people, events, choice: random.Random) -> int:
    """Perform random actions that other threads also perform, and return how many succeeded."""
    done = 0
    for _ in range(SCENES):
        result = outcome(lambda: patient(lambda: act(cast, people, events, choice)))
        assert not isinstance(result, Unavailable)
        done += not isinstance(result, KalendsError)
    return done


def outcome(work):
    """Return the result of an action, or the domain error that it raised."""
    try:
        return work()
    except KalendsError as error:
        return error


def act(cast: Cast, people, events, choice: random.Random):
    """Perform one random action."""
    event, person, other = choice.choice(events).id, choice.choice(people).id, choice.choice(people).id
    role, hour = choice.choice(list(Role)), choice.randrange(9, 22)
    answer = ResponseUpdate(response=choice.choice(["accepted", "declined", "tentative"]))
    times: dict[str, Any] = {
        "start": read_time(f"2026-03-09T{hour:02}:00"),
        "end": read_time(f"2026-03-09T{hour + 1:02}:00"),
    }
    draft = EventCreate(
        host_id=person,
        title="Mix",
        time_zone=BERLIN,
        participants=[ParticipantCreate(user_id=other, role=role)],
        **times,
    )
    acts = [
        lambda: events.append(cast.force(create_event, draft)),
        lambda: cast.force(change_event, event, EventUpdate(**times), keep_responses=choice.random() < 0.5),
        lambda: cast.force(set_participant, event, person, role),
        lambda: cast.do(remove_participant, event, person),
        lambda: cast.force(answer_invitation, event, person, answer),
        lambda: cast.force(
            add_participants, event, [ParticipantCreate(user_id=one, role=role) for one in {person, other}]
        ),
        lambda: cast.force(transfer_event, event, person),
        lambda: cast.force(change_role, event, person, role),
    ]
    rare = [
        lambda: cast.do(cancel_event, event),
        lambda: cast.do(delete_event, event),
        lambda: cast.force(delete_user, person, hosted=HostedEvents.transfer, to=other),
    ]
    return choice.choice(rare if choice.random() < 0.05 else acts)()
