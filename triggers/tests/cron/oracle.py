"""Computes firings by looking at every minute: what does a clock on the wall of this zone show, and
was it shown before? Knows nothing of how the program finds them."""

import json
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}
BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
MARGIN = 26 * 60


def numbers(text, least, most):
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = least, most
        else:
            first, _, last = span.partition("-")
            first = int(DAYS.get(first.lower(), first))
            last = int(last) if last else first
        found.update(range(first, last + 1, int(step or 1)))
    return found


class Schedule:
    def __init__(self, text):
        fields = text.split()
        self.minute, self.hour, self.day, self.month, self.weekday = (
            numbers(field, *bounds) for field, bounds in zip(fields, BOUNDS)
        )
        self.weekday = {number % 7 for number in self.weekday}
        self.either = fields[2][0] != "*" and fields[4][0] != "*"
        self.every_hour = self.hour == set(range(24))

    def names(self, shown):
        if shown.minute not in self.minute or shown.hour not in self.hour or shown.month not in self.month:
            return False
        day, weekday = shown.day in self.day, shown.isoweekday() % 7 in self.weekday
        return (day or weekday) if self.either else (day and weekday)


def changes(zone, start, end):
    offset = lambda at: datetime.fromtimestamp(at, zone).utcoffset()
    for hour in range(start, end, 3600):
        if offset(hour) != offset(hour + 3600):
            yield next(at for at in range(hour + 60, hour + 3601, 60) if offset(at) != offset(at - 60))


def minutes(zone, first, last):
    """Each minute: when, what is shown, whether for the second time, and what was left out before it."""
    before = datetime.fromtimestamp(first - 60, zone)
    for at in range(first, last + 1, 60):
        shown = datetime.fromtimestamp(at, zone)
        left_out = []
        passed = before.replace(tzinfo=None) + timedelta(minutes=1)
        while passed < shown.replace(tzinfo=None):
            left_out.append(passed)
            passed += timedelta(minutes=1)
        yield at, shown, shown.fold == 1, left_out
        before = shown


def fires(schedule, shown, again, left_out):
    if schedule.every_hour:
        return schedule.names(shown)
    return (not again and schedule.names(shown)) or any(schedule.names(it) for it in left_out)


def main():
    asked = json.load(sys.stdin)
    answer = []
    for name, schedules in asked["zones"].items():
        zone = ZoneInfo(name)
        read = {text: Schedule(text) for text in schedules}
        moments = list(changes(zone, asked["start"], asked["end"])) + asked["moments"]
        for moment in moments:
            first, last = moment - MARGIN * 60, moment + MARGIN * 60
            found = {text: [] for text in schedules}
            for at, shown, again, left_out in minutes(zone, first, last):
                for text, schedule in read.items():
                    if fires(schedule, shown, again, left_out):
                        found[text].append(at)
            answer.append({"zone": name, "first": first, "last": last, "firings": found})
    json.dump(answer, sys.stdout)


main()
