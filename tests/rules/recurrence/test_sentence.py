"""Rules described in English. Every rule of the table starts on Friday, 12 March 2027, at 09:00 in Berlin."""

from datetime import datetime

import pytest
from hypothesis import given, settings

from kalends.rules.recurrence.parsing import parse_rule
from kalends.rules.recurrence.rule import Rule
from kalends.rules.recurrence.sentence import summarize
from tests.rules.recurrence.notation import local
from tests.rules.recurrence.rules import rules_with_starts

DAILY = {
    "FREQ=DAILY": "Every day",
    "FREQ=DAILY;INTERVAL=3": "Every 3 days",
    "FREQ=DAILY;COUNT=10": "Every day, 10 times",
    "FREQ=DAILY;COUNT=1": "Every day, once",
    "FREQ=DAILY;COUNT=1000": "Every day, 1,000 times",
    "FREQ=DAILY;BYMONTH=1": "Every day in January",
    "FREQ=DAILY;BYMONTH=6,7,8": "Every day from June to August",
    "FREQ=DAILY;BYMONTH=1,2,6,7,8": "Every day in January, February and June to August",
    "FREQ=DAILY;BYDAY=MO": "Every Monday",
    "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR": "Every weekday",
    "FREQ=DAILY;INTERVAL=2;BYDAY=MO,FR;BYMONTH=6,7": "Every 2 days in June and July if it is a Monday or Friday",
    "FREQ=DAILY;INTERVAL=2;BYDAY=MO;BYMONTHDAY=1,-1": (
        "Every 2 days if it is the 1st or the last day of the month and a Monday"
    ),
    "FREQ=DAILY;BYMONTHDAY=1,15": "On the 1st and the 15th of every month",
    "FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR": "On the 13th of every month if it is a Friday",
    "FREQ=DAILY;BYHOUR=8": "Every day at 08:00",
    "FREQ=DAILY;BYHOUR=9,13,17;BYMINUTE=30": "Every day at 09:30, 13:30 and 17:30",
    "FREQ=DAILY;BYSECOND=15,60": "Every day at 09:00:15 and 09:00:59",
    "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40": "Every day at minutes 0, 20 and 40 of hours 9 to 16",
    "FREQ=DAILY;BYHOUR=9,10,11,15;BYSECOND=0,30": "Every day at seconds 0 and 30 of minute 0 of hours 9 to 11 and 15",
    "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1": "Every day at 09:00 and 17:00, but only the last time of each day",
}

WEEKLY = {
    "FREQ=WEEKLY": "Every Friday",
    "FREQ=WEEKLY;INTERVAL=2": "Every 2 weeks on Friday",
    "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10": "Every Monday and Wednesday, 10 times",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "Every weekday",
    "FREQ=WEEKLY;BYDAY=SA,SU": "Every Saturday and Sunday",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYMONTH=12": "Every day in December",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE": "Every 2 weeks on Monday and Wednesday",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYMONTH=5": "Every 2 weeks on every weekday in May",
    "FREQ=WEEKLY;WKST=SU;BYDAY=TU": "Every Tuesday",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU": "Every 2 weeks on Tuesday and Sunday, weeks starting on Sunday",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1": (
        "Every Monday, Wednesday and Friday, but only the first time of each week"
    ),
    "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9,17;BYMINUTE=0": "Every Tuesday at 09:00 and 17:00",
}

MONTHLY = {
    "FREQ=MONTHLY": "On the 12th of every month",
    "FREQ=MONTHLY;INTERVAL=3": "Every 3 months on the 12th",
    "FREQ=MONTHLY;BYMONTH=1,7": "On the 12th of January and July",
    "FREQ=MONTHLY;BYMONTHDAY=1,2,3,22": "On the 1st to the 3rd and the 22nd of every month",
    "FREQ=MONTHLY;BYMONTHDAY=11,13,21,23": "On the 11th, the 13th, the 21st and the 23rd of every month",
    "FREQ=MONTHLY;BYMONTHDAY=1,-1": "On the 1st and the last day of every month",
    "FREQ=MONTHLY;BYMONTHDAY=-3": "On the third-to-last day of every month",
    "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14;COUNT=9": "Every 18 months on the 10th to the 14th, 9 times",
    "FREQ=MONTHLY;BYDAY=MO": "Every Monday",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU": "Every 2 months on every Tuesday",
    "FREQ=MONTHLY;BYDAY=-1FR;COUNT=12": "On the last Friday of every month, 12 times",
    "FREQ=MONTHLY;BYDAY=-1FR;BYMONTH=1,3": "On the last Friday of January and March",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU": "Every 2 months on the first and last Sunday",
    "FREQ=MONTHLY;BYDAY=-2MO": "On the second-to-last Monday of every month",
    "FREQ=MONTHLY;BYDAY=2TU,4TH": "On the second Tuesday and the fourth Thursday of every month",
    "FREQ=MONTHLY;BYDAY=MO,1FR,3FR": "Every Monday and the first and third Friday of every month",
    "FREQ=MONTHLY;BYDAY=1MO;BYHOUR=9,17": "On the first Monday of every month at 09:00 and 17:00",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13": "On the 13th of every month if it is a Friday",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=FR;BYMONTHDAY=13": "Every 2 months on the 13th if it is a Friday",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYMONTHDAY=1": "On the 1st of every month if it is a weekday",
    "FREQ=MONTHLY;BYDAY=1FR,2FR;BYMONTHDAY=5": (
        "On the 5th of every month if it is the first or second Friday of the month"
    ),
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1": "On the last weekday of every month",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-2": "On the first and second-to-last weekday of every month",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1": "On the last day of every month",
    "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1": "On the first weekend day of every month",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=SU;BYSETPOS=3": "Every 2 months on the third Sunday",
    "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3": (
        "On the third of all Tuesdays, Wednesdays and Thursdays of every month, 3 times"
    ),
    "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1": (
        "On the 28th to the 30th of every month, but only the last time of each month"
    ),
    "FREQ=MONTHLY;BYDAY=MO;BYHOUR=9,17;BYSETPOS=1,7": (
        "Every Monday at 09:00 and 17:00, but only the first and 7th time of each month"
    ),
}

YEARLY = {
    "FREQ=YEARLY": "Every year on 12 March",
    "FREQ=YEARLY;INTERVAL=2": "Every 2 years on 12 March",
    "FREQ=YEARLY;BYMONTH=6,7": "Every year on the 12th of June and July",
    "FREQ=YEARLY;BYMONTHDAY=29": "Every year on the 29th of every month",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1": "Every year on the last day of February",
    "FREQ=YEARLY;BYYEARDAY=-1": "Every year on the last day of the year",
    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200": (
        "Every 3 years on the 1st, the 100th and the 200th day of the year, 10 times"
    ),
    "FREQ=YEARLY;BYYEARDAY=100;BYDAY=MO;BYMONTHDAY=10;BYMONTH=4": (
        "Every year on the 100th day of the year in April if it is the 10th of the month and a Monday"
    ),
    "FREQ=YEARLY;BYYEARDAY=1;BYDAY=1MO": "Every year on the 1st day of the year if it is the first Monday of the year",
    "FREQ=YEARLY;BYMONTHDAY=1;BYWEEKNO=1,-1": "Every year on the 1st of every month in week 1 and the last week",
    "FREQ=YEARLY;BYDAY=20MO": "Every year on the 20th Monday of the year",
    "FREQ=YEARLY;BYWEEKNO=20": "Every year on Friday of week 20",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO": "Every year on Monday of week 20",
    "FREQ=YEARLY;BYWEEKNO=-1,-2;BYDAY=MO": "Every year on Monday of the last week and the second-to-last week",
    "FREQ=YEARLY;BYWEEKNO=1,2,3;BYDAY=MO,TU,WE,TH,FR;WKST=SU": (
        "Every weekday of weeks 1 to 3, weeks starting on Sunday"
    ),
    "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=12": "Every year on Friday of week 1 in December",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=TH": "Every Thursday in March",
    "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU": "Every year on the last Sunday of October",
    "FREQ=YEARLY;INTERVAL=2;BYDAY=MO": "Every 2 years on every Monday",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8": (
        "Every 4 years on the 2nd to the 8th of November if it is a Tuesday"
    ),
    "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1": "Every year on the last weekday of the year",
    "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYMONTH=11;BYSETPOS=1,-1": (
        "Every year on the first and last weekday of November"
    ),
    "FREQ=YEARLY;BYDAY=MO;BYMONTH=1,7;BYSETPOS=1": (
        "Every Monday in January and July, but only the first time of each year"
    ),
}

WITHIN_DAYS = {
    "FREQ=HOURLY": "Every hour",
    "FREQ=HOURLY;INTERVAL=3;BYDAY=MO,FR": "Every 3 hours on Monday and Friday",
    "FREQ=HOURLY;BYHOUR=9,10,11,14;BYMINUTE=0,30;BYDAY=MO,TU,WE,TH,FR": (
        "Every hour from 09:00 to 11:59 and from 14:00 to 14:59 at minutes 0 and 30 on every weekday"
    ),
    "FREQ=HOURLY;BYMINUTE=30;BYMONTH=1": "Every hour at minute 30 in January",
    "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16": "Every 20 minutes from 09:00 to 16:59",
    "FREQ=MINUTELY;INTERVAL=90;BYMONTHDAY=1;BYMONTH=5": "Every 90 minutes on 1 May",
    "FREQ=MINUTELY;BYSECOND=0,30;BYSETPOS=1": (
        "Every minute at seconds 0 and 30, but only the first time of each minute"
    ),
    "FREQ=SECONDLY;INTERVAL=10;BYYEARDAY=1;BYDAY=MO": "Every 10 seconds on the 1st day of the year if it is a Monday",
    "FREQ=SECONDLY;BYMINUTE=30;COUNT=1000": "Every second at minute 30, 1,000 times",
}

ENDS = {
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20270630T215959Z": (
        "Every 2 weeks on Monday and Wednesday until 30 June 2027"
    ),
    "FREQ=DAILY;UNTIL=20270630": "Every day until 30 June 2027",
    "FREQ=DAILY;UNTIL=20270630T090000": "Every day until 30 June 2027",
    "FREQ=DAILY;UNTIL=20270630T085959": "Every day until 29 June 2027",
    "FREQ=DAILY;UNTIL=20270630T070000Z": "Every day until 30 June 2027",
    "FREQ=DAILY;UNTIL=20270630T220000Z": "Every day until 30 June 2027",
    "FREQ=DAILY;UNTIL=99991231T235959Z": "Every day until 31 December 9999",
    "FREQ=HOURLY;INTERVAL=3;UNTIL=20270902T210000Z": "Every 3 hours until 2 September 2027 at 23:00",
    "FREQ=MINUTELY;UNTIL=20270902T210030": "Every minute until 2 September 2027 at 21:00:30",
    "FREQ=HOURLY;UNTIL=20270902": "Every hour until 2 September 2027",
}


@pytest.mark.parametrize(("text", "says"), (DAILY | WEEKLY | MONTHLY | YEARLY | WITHIN_DAYS | ENDS).items())
def test_a_rule_says_in_plain_english_what_it_does(text: str, says: str) -> None:
    assert summarize(parse_rule(text), local("2027-03-12T09:00"), "Europe/Berlin") == says


@given(rules_with_starts(most_parts=8))
@settings(max_examples=50)
def test_every_rule_says_something(pair: tuple[Rule, datetime]) -> None:
    says = summarize(*pair, "UTC")
    assert says[:2] in {"Ev", "On"}
    assert "  " not in says
    assert " ," not in says
