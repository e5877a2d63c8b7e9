# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Dates out of text."""

from __future__ import annotations

import pytest

from importer.fields.dates import DateMatch, is_date, parse_date

FOUND = {
    "2015-03-03": "2015-03-03",
    "2015-3-3": "2015-03-03",
    " 2015/03/03 ": "2015-03-03",
    "2015.03.03": "2015-03-03",
    "20150303": "2015-03-03",
    "2015-03-03T10:11:12Z": "2015-03-03",
    "2015-03-03T10:11:12.123456+02:00": "2015-03-03",
    "2015-03-03 00:00:00": "2015-03-03",
    "2015-03-03 10:11": "2015-03-03",
    "20150303T101112Z": "2015-03-03",
    "3 March 2015 10 PM": "2015-03-03",
    "2015-03-03T23:59:59.000Z": "2015-03-03",
    "March 3, 2015": "2015-03-03",
    "Mar 3 2015": "2015-03-03",
    "3 March 2015": "2015-03-03",
    "3rd of March, 2015": "2015-03-03",
    "March 3rd 2015": "2015-03-03",
    "3-Mar-2015": "2015-03-03",
    "03.Mar.2015": "2015-03-03",
    "Nov. 30, 2021": "2021-11-30",
    "Tuesday, 3 March 2015": "2015-03-03",
    "Tue, 03 Mar 2015 10:00:00 GMT": "2015-03-03",
    "3. März 2015": "2015-03-03",
    "3 de marzo de 2015": "2015-03-03",
    "1er mars 2015": "2015-03-01",
    "2015年3月3日": "2015-03-03",
    "15-Mar-20": "2020-03-15",
    "Mar 15, 99": "1999-03-15",
    "3/25/20": "2020-03-25",
    "25/12/2015": "2015-12-25",
    "12/25/2015": "2015-12-25",
    "03/03/2015": "2015-03-03",
    "03.04.2015": "2015-04-03",
    "3/25/2015 10:11 PM": "2015-03-25",
    "２０１５-０３-０３": "2015-03-03",
    "2015년 3월 3일": "2015-03-03",
    "1425340800": "2015-03-03",
    "1425340800000": "2015-03-03",
    "1425340800.25": "2015-03-03",
    "2015-03-03 (first report)": "2015-03-03",
    "2015\u201103\u201103": "2015-03-03",
}
NOT_FOUND = {
    "": DateMatch("", "blank"),
    " \n": DateMatch("", "blank"),
    "unknown": DateMatch("", "none"),
    "N/A": DateMatch("", "none"),
    "03/04/2015": DateMatch("", "ambiguous", ("2015-03-04", "2015-04-03")),
    "3-4-2015 10:00": DateMatch("", "ambiguous", ("2015-03-04", "2015-04-03")),
    "03/04/15": DateMatch("", "ambiguous", ("2003-04-15", "2015-03-04", "2015-04-03")),
    "2015": DateMatch("", "partial", ("2015",)),
    "2015-03": DateMatch("", "partial", ("2015-03",)),
    "03/2015": DateMatch("", "partial", ("2015-03",)),
    "Mar 2015": DateMatch("", "partial", ("2015-03",)),
    "Febuary 2021": DateMatch("", "partial", ("2021-02",)),
    "2015-02-30": DateMatch("", "impossible"),
    "2015-13-45": DateMatch("", "impossible"),
    "31 February 2015": DateMatch("", "impossible"),
    "0001-01-01": DateMatch("", "placeholder"),
    "1970-01-01T00:00:00.000Z": DateMatch("", "placeholder"),
    "1 January 1970": DateMatch("", "placeholder"),
    "5138-11-16T09:46:40.000Z": DateMatch("", "placeholder"),
    "9999-12-31": DateMatch("", "placeholder"),
    "2015年": DateMatch("", "partial", ("2015",)),
    "2015年3月": DateMatch("", "partial", ("2015-03",)),
    "2014 (first report)": DateMatch("", "partial", ("2014",)),
    "2014-03-01 (approx.)": DateMatch("", "unknown"),
    "99999": DateMatch("", "unknown"),
    "12345678901": DateMatch("", "unknown"),
    "43905": DateMatch("", "unknown", ("2020-03-15",)),
    "December 2016/January 2017": DateMatch("", "unknown"),
    "2015-2017": DateMatch("", "partial", ("2015", "2017")),
    "since 2015": DateMatch("", "partial", ("2015",)),
    "around March 2015": DateMatch("", "partial", ("2015-03",)),
    "Q1 2015": DateMatch("", "partial", ("2015",)),
    "early 2010s": DateMatch("", "partial", ("2010",)),
    "2012 - present": DateMatch("", "partial", ("2012",)),
    "since 3 March 2015": DateMatch("", "unknown"),
    "T10:00": DateMatch("", "unknown"),
    "March 2015 10:00": DateMatch("", "unknown"),
    "3 March 2015?": DateMatch("", "unknown"),
    "~March 2015": DateMatch("", "partial", ("2015-03",)),
    "Mar-20": DateMatch("", "ambiguous", ("2020-03", "day 20 of month 3")),
    "Mar-85": DateMatch("", "partial", ("1985-03",)),
    "yesterday": DateMatch("", "unknown"),
    "1" * 4000: DateMatch("", "unknown"),
    "\u0663\u0664\u0665\u0666": DateMatch("", "impossible"),
    "²": DateMatch("", "unknown"),
}


@pytest.mark.parametrize(("text", "date"), FOUND.items())
def test_a_full_date_is_read_in_its_many_forms(text: str, date: str) -> None:
    """A date with day, month and year that can be read one way only is that date."""
    assert parse_date(text) == DateMatch(date, "found")


@pytest.mark.parametrize(("text", "match"), NOT_FOUND.items())
def test_no_date_is_guessed(text: str, match: DateMatch) -> None:
    """A date that lacks its day, can be read two ways or is on no calendar is a problem with what it could be."""
    assert parse_date(text) == match


def test_the_order_settles_day_and_month() -> None:
    """With the order told, an ambiguous date is read by it, and a date against it is impossible."""
    assert parse_date("03/04/2015", order="dmy").date == "2015-04-03"
    assert parse_date("03/04/2015", order="mdy").date == "2015-03-04"
    assert parse_date("03/04/15", order="ymd").date == "2003-04-15"
    assert parse_date("03/04/15", order="dmy").date == "2015-04-03"
    assert parse_date("25/12/2015", order="mdy") == DateMatch("", "impossible")


def test_numbers_of_days_are_dates_only_when_told() -> None:
    """What a spreadsheet counts is a date where its column says so, else only a suggestion."""
    assert parse_date("42066", serial=True) == DateMatch("2015-03-03", "found")
    assert parse_date("42066") == DateMatch("", "unknown", ("2015-03-03",))


def test_a_part_is_filled_only_when_asked() -> None:
    """A year or a month becomes a day only when the mapping asks for its first or last one."""
    assert parse_date("2015", fill="start").date == "2015-01-01"
    assert parse_date("2015", fill="end").date == "2015-12-31"
    assert parse_date("Feb 2016", fill="end").date == "2016-02-29"
    assert parse_date("2016-02", fill="start").date == "2016-02-01"


def test_a_wire_date_is_strict() -> None:
    """Only YYYY-MM-DD of a real day is a date on the wire."""
    assert is_date("2016-02-29")
    assert not any(map(is_date, ("2015-02-29", "20150101", "2015-W01-1", "2015-1-1", "", "2015-01-01T00:00:00Z")))
