"""The English words for the values of a rule's parts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from itertools import pairwise

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
POSITIONS = ("first", "second", "third", "fourth", "fifth")


def joined(items: Iterable[str], word: str = "and") -> str:
    """Return items as one phrase: "a", "a and b", "a, b and c"."""
    *others, last = items
    return f"{', '.join(others)} {word} {last}" if others else last


def nth(number: int) -> str:
    """Return an ordinal in figures: 1st, 2nd, 3rd, 4th."""
    last_two, last = number % 100, number % 10
    suffix = "th" if 10 < last_two < 14 else {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{number}{suffix}"


def position_word(number: int) -> str:
    """Return an ordinal in words as far as that is usual; negative ones count from the end."""
    if number == -1:
        return "last"
    if number < 0:
        return f"{position_word(-number)}-to-last"
    return POSITIONS[number - 1] if number <= len(POSITIONS) else nth(number)


def ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield sorted numbers as the first and the last of each run without a gap."""
    cuts = [place for place, (one, other) in enumerate(pairwise(numbers), 1) if other > one + 1]
    return ((numbers[start], numbers[end - 1]) for start, end in pairwise([0, *cuts, len(numbers)]))


def in_ranges(numbers: Sequence[int], words: Sequence[str]) -> list[str]:
    """Return the words of sorted numbers, where more than two without a gap are named by the first and the last."""
    named: list[str] = []
    for first, last in ranges(numbers):
        if last - first > 1:
            named.append(f"{words[numbers.index(first)]} to {words[numbers.index(last)]}")
        else:
            named += [words[numbers.index(number)] for number in range(first, last + 1)]
    return named


def months_text(months: Sequence[int]) -> str:
    """Return the names of months: "January", "June to August and October"."""
    return joined(in_ranges(months, [MONTHS[month - 1] for month in months]))


def numbers_text(numbers: Sequence[int]) -> str:
    """Return numbers: "0, 20 and 40", "9 to 16"."""
    return joined(in_ranges(numbers, [str(number) for number in numbers]))


def days_text(numbers: Sequence[int], word: str = "and") -> str:
    """Return days of a month or a year: "the 1st and the 15th", "the 1st to the 7th and the last day"."""
    positive = [number for number in numbers if number > 0]
    negative = [number for number in reversed(numbers) if number < 0]
    named = in_ranges(positive, [f"the {nth(number)}" for number in positive]) if positive else []
    return joined([*named, *(f"the {position_word(number)} day" for number in negative)], word)


def weeks_text(numbers: Sequence[int]) -> str:
    """Return weeks of a year: "week 20", "weeks 1 to 3 and the last week"."""
    positive = [number for number in numbers if number > 0]
    negative = [number for number in reversed(numbers) if number < 0]
    named = [f"week{'s' if len(positive) > 1 else ''} {numbers_text(positive)}"] if positive else []
    return joined([*named, *(f"the {position_word(number)} week" for number in negative)])


def positions_text(numbers: Sequence[int], word: str = "and") -> str:
    """Return positions, those from the end last: "first, third and last"."""
    ordered = sorted(numbers, key=lambda number: (number < 0, abs(number)))
    return joined(map(position_word, ordered), word)


def clock_text(clock: time) -> str:
    """Return a time of the day: "09:00", "09:00:30"."""
    return clock.isoformat("seconds" if clock.second else "minutes")


def date_text(day: date) -> str:
    """Return a date: "30 June 2027"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
