"""Columns judged as a whole."""

from __future__ import annotations

import pytest

from importer.fields.conventions import Judged, judge
from importer.fields.table import field_named


def of(name: str, *texts: str) -> Judged:
    """What is decided of these cells for a field."""
    field = field_named(name)
    assert field is not None
    return judge(field, texts)


@pytest.mark.parametrize(
    ("texts", "scale", "code"),
    [
        (("75", "10", "5", "100"), "100", "scale-of-100"),
        (("0.9", "0.5", "1"), "1", "scale-of-1"),
        (("7", "10", "3"), "", ""),
        (("1,0",), "", ""),
        (("10",), "", ""),
        (("high", "low", "", "80%", "8/10"), "", ""),
        (("7.5", "8"), "", "rounded-scores"),
        (("0.9", "7"), "?", "mixed-scale"),
        (("8", "6", "0.9", "9", "7", "5"), "10", "mixed-scale"),
        (("8", "6", "0.9", "9", "7"), "?", "mixed-scale"),
        (("5", "80%"), "?", "mixed-scale"),
        (("1", "2", "3", "4", "5", "6", "7", "75"), "?", "mixed-scale"),
        (("1", "2", "3", "4", "5", "6", "7", "8", "9", "8", "7", "11"), "", ""),
        (("11", "10", "7"), "?", "mixed-scale"),
        (("2", "12", "3", "4", "5", "6"), "", ""),
        (("unknown", "-", ""), "", ""),
    ],
)
def test_the_scale_of_scores_is_the_columns(texts: tuple[str, ...], scale: str, code: str) -> None:
    """One scale holds for the whole column; where two fit, none is taken, and that is said."""
    found = of("confidence", *texts)
    assert (found.convention.scale, found.code) == (scale, code)
    assert found.doubtful == (code == "mixed-scale")


def test_a_stray_score_is_doubtful() -> None:
    """A share among numbers up to 100 is not read on their scale."""
    found = of("confidence", "80", "50", "0.9", "Mid")
    assert (found.convention.scale, found.convention.mixed, found.doubtful) == ("100", True, True)


@pytest.mark.parametrize(
    ("texts", "order", "code"),
    [
        (("03/04/2015", "25/12/2014"), "dmy", "date-order"),
        (("03/04/2015", "12/25/2014", "2015"), "mdy", "date-order"),
        (("03-04-15", "99-04-30"), "ymd", "date-order"),
        (("03/04/2015", "01/02/2014"), "", ""),
        (("03/04/2015", "25/12/2014", "12/25/2014"), "", "mixed-date-order"),
        (("25/12/2014", "12/25/2014"), "", ""),
        (("2015-03-04", "03.04.2015", "3 March 2015"), "", ""),
    ],
)
def test_the_order_of_dates_is_the_columns(texts: tuple[str, ...], order: str, code: str) -> None:
    """What one date shows holds for those that are unclear, unless another shows the contrary."""
    found = of("dateOfDiscovery", *texts)
    assert (found.convention.order, found.code) == (order, code)


def test_numbers_in_a_column_of_dates() -> None:
    """Numbers of days are dates where the column consists of them; seconds since 1970 are dates anyway."""
    assert of("dateOfDiscovery", "42064", "43905", "").convention.serial
    assert not of("dateOfDiscovery", "42064", "2015", "2016", "2017-01-01").convention.serial
    assert of("dateOfDiscovery", "1383264000").code == "epoch-dates"


@pytest.mark.parametrize(
    ("texts", "codes"),
    [
        (("CN", "RU", "NA", "IR"), True),
        (("CN", "RU", "NA", "Iran"), False),
        (("CN", "NA"), False),
        (("CN", "RU", "IR"), False),
    ],
)
def test_na_among_codes_is_namibia(texts: tuple[str, ...], codes: bool) -> None:
    """NA is a code where every other cell is one."""
    assert of("originCountryISO", *texts).convention.codes is codes


def test_what_the_comma_is_for_is_the_columns() -> None:
    """1,234 is what the other numbers show."""
    assert of("priority", "1,234", "1.5").convention.decimal == "."
    assert of("priority", "1,234", "1,5").convention.decimal == ","
    assert of("priority", "1,234").convention.decimal == ""


def test_what_parts_the_entries_of_lists() -> None:
    """A sign that stands in no name parts entries; a slash may stand in one, so that it is only told."""
    assert of("aliasGroupNamesInternal", "Bell \u2022 UNC1", "Cat").convention.separator == "\u2022"
    assert of("aliasGroupNamesInternal", "Bell\\nUNC1").convention.separator == "\\n"
    slashed = of("aliasGroupNamesInternal", "Bell/UNC1", "Cat/Dog")
    assert (slashed.convention.separator, slashed.code, slashed.doubtful) == ("", "uncut-lists", True)
    assert of("aliasGroupNamesInternal", "Bell/UNC1", "Cat, Dog") == of("aliasGroupNamesInternal", "Cat")


def test_a_day_that_no_calendar_has_does_not_decide_the_order_of_dates() -> None:
    """One slip leaves the other dates of its column as clear as they were; dates in two orders still do not."""
    assert of("dateOfDiscovery", "12/05/2019", "23/08/2018", "15/13/2022", "31/11/2016").convention.order == "dmy"
    assert of("dateOfDiscovery", "12/05/2019", "23/08/2018", "08/23/2018").code == "mixed-date-order"


def test_a_list_that_a_slash_parts_among_others_is_told() -> None:
    """Three names with strokes between them are told where the other cells have semicolons; one stroke is a name's."""
    assert of("aliases", "Red Fox; RF-1", "Fen Owl/Night Owl/FO-2").code == "uncut-lists"
    assert of("aliases", "Red Fox; RF-1", "TA/505").code == ""
