"""Computes when freeze windows are open: each minute of the calendar is held against schedules, each day
is asked of dateutil's rules, and zoneinfo says when a clock shows it. Knows nothing of how the program
finds them."""

import json
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

DAYS = {name: number for number, name in enumerate("SUN MON TUE WED THU FRI SAT".split())}
BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# How far before and after a change is looked at.
MARGIN = 30 * 3600


def numbers(text, least, most):
    found = set()
    for part in text.split(","):
        if part == "*":
            found.update(range(least, most + 1))
            continue
        first, _, last = part.partition("-")
        first = int(DAYS.get(first, first))
        found.update(range(first, (int(last) if last else first) + 1))
    return found


class Schedule:
    def __init__(self, text):
        fields = text.split()
        self.minute, self.hour, self.day, self.month, self.weekday = (
            numbers(field, *bounds) for field, bounds in zip(fields, BOUNDS)
        )
        self.weekday = {number % 7 for number in self.weekday}
        self.either = fields[2][0] != "*" and fields[4][0] != "*"
        self.every_hour = len(self.hour) == 24

    def names_day(self, shown):
        day, weekday = shown.day in self.day, shown.isoweekday() % 7 in self.weekday
        return shown.month in self.month and ((day or weekday) if self.either else (day and weekday))

    def of_day(self, day):
        if self.names_day(day):
            for hour in sorted(self.hour):
                for minute in sorted(self.minute):
                    yield day.replace(hour=hour, minute=minute)


def instant(shown, zone):
    """The first of two; what a gap leaves out is read by the clock before it."""
    return int(shown.replace(tzinfo=zone, fold=0).timestamp())


def midnight(seconds):
    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).replace(hour=0, minute=0, second=0)


def by_schedule(text, zone, first, last):
    schedule = Schedule(text)
    if schedule.every_hour:
        minute = first - first % 60
        for at in range(minute, last, 60):
            shown = datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)
            if shown.minute in schedule.minute and schedule.names_day(shown):
                yield at, shown
        return
    day = midnight(first) - timedelta(days=2)
    while day < midnight(last) + timedelta(days=3):
        for shown in schedule.of_day(day):
            yield instant(shown, zone), shown
        day += timedelta(days=1)


def by_rule(window, zone, first, last):
    start = datetime.strptime(window["start"] + " " + window["at"], "%Y-%m-%d %H:%M")
    # A day is the last one with all of its hours.
    rule = rrulestr(window["rrule"].replace("UNTIL=20270601", "UNTIL=20270601T235959"), dtstart=start)
    for shown in rule.between(midnight(first) - timedelta(days=2), midnight(last) + timedelta(days=3), inc=True):
        yield instant(shown, zone), shown


def time_of(text):
    hour, minute = text.split(":")
    return {"hour": int(hour), "minute": int(minute)}


def end(window, at, shown, zone):
    if "duration" in window:
        return at + int(window["duration"][:-1]) * UNITS[window["duration"][-1]]
    *day, time = window["until"].split()
    candidate = shown.replace(**time_of(time))
    while candidate <= shown or (day and candidate.isoweekday() % 7 != DAYS[day[0]]):
        candidate += timedelta(days=1)
    return instant(candidate, zone)


def intervals(window, zone, first, last):
    if "end" in window:
        read = lambda key: instant(datetime.strptime(window[key], "%Y-%m-%dT%H:%M"), zone)
        found = [(read("start"), read("end"))]
    else:
        before = first - 10 * 86400
        starts = by_rule(window, zone, before, last) if "rrule" in window else by_schedule(window["schedule"], zone, before, last)
        found = [(at, end(window, at, shown, zone)) for at, shown in starts]
    merged = []
    for start, stop in sorted(found):
        start, stop = max(start, first), min(stop, last)
        if start >= stop:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return merged


def changes(zone, start, end):
    offset = lambda at: datetime.fromtimestamp(at, zone).utcoffset()
    for hour in range(start, end, 3600):
        if offset(hour) != offset(hour + 3600):
            yield next(at for at in range(hour + 60, hour + 3601, 60) if offset(at) != offset(at - 60))


def main():
    asked = json.load(sys.stdin)
    answer = []
    for name, windows in asked["zones"].items():
        zone = ZoneInfo(name)
        for moment in list(changes(zone, asked["start"], asked["end"])) + asked["moments"]:
            first, last = moment - MARGIN, moment + MARGIN
            found = [intervals(window, zone, first, last) for window in windows]
            answer.append({"zone": name, "first": first, "last": last, "intervals": found})
    json.dump(answer, sys.stdout)


main()
