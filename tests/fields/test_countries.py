"""Countries: what resolves, and above all what must not."""

from __future__ import annotations

import gettext
import json
from pathlib import Path
from typing import Any

import pycountry
import pytest

from importer.fields.countries import CountryMatch, code_of, country_key, resolve
from importer.fields.country_names import translated
from importer.fields.words import load_data
from importer.shipped import shipped
from tools.country_names import table

SPELLINGS = {
    "AE": "UAE|U.A.E.|Emirates|Emirati|United Arab Emirates|the United Arab Emirates|ARE|Émirats arabes unis",
    "AF": "Afghanistan|afghan|AFG|Islamic Republic of Afghanistan",
    "AL": "Albania|Albanian",
    "AM": "Armenia|ARM|Armenian",
    "AR": "Argentina|Argentine Republic|Argentinian",
    "AT": "Austria|Österreich|AUT|at",
    "AU": "Australia|australian",
    "AX": "Åland Islands|Aland",
    "AZ": "Azerbaijan|Azeri|Aserbaidschan",
    "BA": "Bosnia and Herzegovina|Bosnia & Herzegovina|Bosnia-Herzegovina|Bosnia|BIH",
    "BE": "Belgium|Belgien|Belgique|Belgian",
    "BN": "Brunei|Brunei Darussalam",
    "BO": "Bolivia|Bolivia (Plurinational State of)|Bolivia, Plurinational State of|Plurinational State of Bolivia",
    "BR": "Brazil|Brasil|brazilian|BRA",
    "BS": "Bahamas|The Bahamas|Bahamas, The",
    "BY": "Belarus|Belarusian|Byelorussia|Weißrussland|BLR|Belarus (Republic of)",
    "CA": "Canada|CAN|ca|Canadian|Kanada",
    "CD": "DRC|DR Congo|Democratic Republic of the Congo|Congo, The Democratic Republic of the|Congo (Kinshasa)|Zaire",
    "CG": "Republic of the Congo|Congo-Brazzaville|Congo, Rep.",
    "CH": "Switzerland|Swiss|Schweiz|Suisse|Svizzera",
    "CI": "Côte d'Ivoire|Cote d'Ivoire|Ivory Coast|Côte d\u2019Ivoire",
    "CL": "Chile|CHL",
    "CN": "China|CHINA|china| China |CN|cn|Cn|CHN|chn|PRC|P.R.C.|PR China|People's Republic of China|"
    "People\u2019s Republic of China|China, People's Republic of|China (PRC)|China (CN)|Chinese|Chinese government|"
    "China-nexus|China-based|中国|中國|中华人民共和国|Chine|Kina|Китай|الصين|\U0001f1e8\U0001f1f3|China/China|[China]",
    "CO": "Colombia|Colombian",
    "CU": "Cuba|Cuban",
    "CV": "Cape Verde|Cabo Verde",
    "CZ": "Czechia|Czech Republic|Czech|The Czech Republic|Tschechien",
    "DE": "Germany|German|Deutschland|DEU|Allemagne|Federal Republic of Germany|de|Alemania|Германия",
    "DK": "Denmark|Danish|Danmark",
    "DO": "Dominican Republic|República Dominicana",
    "DZ": "Algeria|algeria|DZA|Algérie",
    "EE": "Estonia|Estonian|Eesti",
    "EG": "Egypt|Egyptian|Egypt, Arab Rep.|EGY|Ägypten",
    "ES": "Spain|Spanish|España|ESP|Spanien",
    "ET": "Ethiopia",
    "FI": "Finland|Suomi|Finnish",
    "FR": "France|French|FRA|fr|Frankreich|Francia",
    "GB": "UK|U.K.|uk|United Kingdom|the United Kingdom|Great Britain|Britain|British|England|Scotland|GBR|GB|"
    "Großbritannien|Royaume-Uni|United Kingdom of Great Britain and Northern Ireland|United Kingdom (UK)",
    "GE": "Georgia|Georgian|Republic of Georgia|GEO|Georgien",
    "GH": "Ghana",
    "GM": "Gambia|The Gambia|Gambia, The",
    "GR": "Greece|Greek|Griechenland|EL",
    "GW": "Guinea-Bissau|Guinea Bissau",
    "HK": "Hong Kong|HongKong|Hong Kong SAR|HKG|hong-kong",
    "HR": "Croatia|Hrvatska",
    "HU": "Hungary|Magyarország",
    "ID": "Indonesia|IDN|indonesian",
    "IE": "Ireland|Irish|Republic of Ireland|Éire",
    "IL": "Israel|israeli|ISR|IL|State of Israel|以色列",
    "IN": "India|india|Indian|IN|in|IND|Republic of India|Indien|印度",
    "IQ": "Iraq|Irak|Iraqi",
    "IR": "Iran|iran|IRAN|IR|IRN|Iranian|Persia|Islamic Republic of Iran|Iran, Islamic Republic Of|"
    "Iran (Islamic Republic of)|Iran, Islamic Rep.|Iran-based|Government of Iran|Иран|伊朗|إيران|Iran [IR]|IR - Iran",
    "IS": "Iceland|IS|ISL",
    "IT": "Italy|Italian|IT|it|ITA|Italia|Italien",
    "JO": "Jordan|Jordanian",
    "JP": "Japan|Japanese|JPN|日本|Japon",
    "KE": "Kenya",
    "KG": "Kyrgyzstan|Kyrgyz Republic|Kirgizstan",
    "KH": "Cambodia|Kampuchea",
    "KP": "North Korea|north korea|NorthKorea|northKorea|N. Korea|N Korea|DPRK|D.P.R.K.|KP|PRK|DPR Korea|Korea, North|"
    "Korea (North)|Korea (Democratic People's Republic of)|Korea, Democratic People's Republic of|North Korean|"
    "Democratic People's Republic of Korea|Democratic Peoples Republic of Korea|Korea (DPRK)|Nordkorea|Corée du Nord|"
    "North Korea (DPRK)|Северная Корея|朝鲜|北朝鮮",
    "KR": "South Korea|southKorea|south_korea|S. Korea|ROK|KR|KOR|Republic of Korea|Korea, Republic of|"
    "Korea (Republic of)|Korea, South|Korea (South)|Korea, Rep.|South Korean|Südkorea|Korea (KR)|KR - Korea|"
    "韩国|대한민국",
    "KZ": "Kazakhstan|kaz|KAZ|Kazakh|Kasachstan",
    "LA": "Laos|Lao People's Democratic Republic|Lao PDR",
    "LB": "Lebanon|Lebanese|LBN|Liban",
    "LC": "St. Lucia|Saint Lucia|St Lucia",
    "LY": "Libya|Libyan Arab Jamahiriya",
    "MA": "Morocco|Maroc|MAR",
    "MD": "Moldova|Moldova, Republic of|Republic of Moldova",
    "MK": "North Macedonia|Macedonia|FYROM|Macedonia, the former Yugoslav Republic of",
    "MM": "Myanmar|Burma|Myanmar (Burma)",
    "MO": "Macao|Macau",
    "MX": "Mexico|México|Mexican",
    "MY": "Malaysia|Malaysian",
    "NA": "Namibia|NAM",
    "NE": "Niger|Niger (the)",
    "NG": "Nigeria|NGA|nigerian|Republic of Nigeria|Nigeria, Federal Republic of",
    "NL": "Netherlands|The Netherlands|Netherlands (the)|Holland|Dutch|NLD|Niederlande|Pays-Bas",
    "NO": "Norway|NO|NOR|Norwegian|Norwegen",
    "NZ": "New Zealand|NewZealand",
    "PH": "Philippines|the Philippines|Filipino|Phillipines",
    "PK": "Pakistan|pakistani|PAK|Islamic Republic of Pakistan|Pakistan\u00a0",
    "PL": "Poland|Polska|Polish",
    "PS": "Palestine|Palestinian|Palestine, State of|State of Palestine|Palestinian Territories|Gaza|Gaza Strip|PSE|"
    "Palestinian Territory, Occupied|Palestine (Gaza)",
    "RO": "Romania|Rumania|ROU",
    "RS": "Serbia",
    "RU": "Russia|russia|RU|ru|RUS|Russian|Russian Federation|Russian Federation (the)|The Russian Federation|"
    "Russland|Россия|Rusia|Rússia|Russian Fed.|Russia (RU)|Russia [RUS]|RU - Russia|Russian government|"
    "Russia\u200b|Russian state-sponsored|Russia (GRU)|Russia - GRU|GRU, Russia|"
    "Russian hackers|Russian APT|Country: Russia|俄罗斯",
    "SA": "Saudi Arabia|Saudi|KSA|Kingdom of Saudi Arabia",
    "SG": "Singapore|SGP",
    "SK": "Slovakia|Slovak Republic",
    "SY": "Syria|Syrian|Syrian Arab Republic|SYR|Syrien",
    "SZ": "Eswatini|Swaziland",
    "TH": "Thailand|Thai",
    "TL": "Timor-Leste|East Timor",
    "TN": "Tunisia|Tunesia|Tunisie",
    "TR": "Türkiye|TÜRKİYE|Turkiye|Turkey|Turkish|TUR|Republic of Türkiye|trq|Türkei|Turquie",
    "TT": "Trinidad and Tobago|Trinidad & Tobago",
    "TW": "Taiwan|taiwan|Taiwan, Province of China|Taiwan (Province of China)|TWN|ROC|Republic of China|Taiwanese|台灣",
    "TZ": "Tanzania|Tanzania, United Republic of|United Republic of Tanzania",
    "UA": "Ukraine|The Ukraine|Ukrainian|UKR|Україна|Украина",
    "US": "United States|United States of America|USA|usa|U.S.A.|U.S.|US|us|Us|the US|America|American|"
    "United States (US)|États-Unis|Estados Unidos|美国|US of America|The United States of America",
    "UZ": "Uzbekistan|Uzbek",
    "VA": "Vatican|Holy See|Vatican City",
    "VE": "Venezuela|Venezuela (Bolivarian Republic of)|Venezuela, Bolivarian Republic of|Venezuela, RB",
    "VG": "British Virgin Islands|Virgin Islands, British|Virgin Islands (British)",
    "VN": "Vietnam|Viet Nam|Viet-Nam|viet nam|VNM|Vietnamese|Socialist Republic of Viet Nam|越南",
    "XK": "Kosovo|XK|XKX|Republic of Kosovo",
    "YE": "Yemen|Yemeni|Yemen, Rep.",
    "ZA": "South Africa|South African|ZAF|Südafrika",
}
NONE = "Unknown|unknown|[Unknown]|(unknown)|?|???|N/A|n/a|NA|na|n.a.|None|null|-|--|TBD|not available|Others|XX"
REGION = (
    "Middle East|mideast|Mid-East|EU|E.U.|European Union|Eastern Europe|NATO|Worldwide|Global|Asia|South East Asia|"
    "Southeast Asia|namerica|North America|Latin America|Soviet Union|CIS|Arab|Africa|Five Eyes|东南亚"
)
SEVERAL = {
    "Ukraine, Russia": ("UA", "RU"),
    "Vietnam or Pakistan": ("VN", "PK"),
    "Vietnam OR Pakistan": ("VN", "PK"),
    "China/Russia": ("CN", "RU"),
    "Iran\\Iraq": ("IR", "IQ"),
    "China; Iran": ("CN", "IR"),
    "China\nIran": ("CN", "IR"),
    "CN, RU, IR": ("CN", "RU", "IR"),
    "US/UK": ("US", "GB"),
    "Russia and Belarus": ("RU", "BY"),
    "Russia & Belarus": ("RU", "BY"),
    "Russia Ukraine": ("RU", "UA"),
    "Russia-Ukraine": ("RU", "UA"),
    "China | North Korea": ("CN", "KP"),
    "Syria/Irak (Islamic State)": ("SY", "IQ"),
    "Iran, Islamic Republic of, Iraq": ("IR", "IQ"),
    "Iran (Middle East)": ("IR",),
    "Russia + Eastern Europe": ("RU",),
    "Korea": ("KP", "KR"),
    "korean": ("KP", "KR"),
    "Virgin Islands": ("VG", "VI"),
    "Multiple": (),
    "North Korea / Korea / South Korea": ("KP", "KR"),
    ", ".join(["Russia", "China"] * 40): ("RU", "CN"),
}
UNKNOWN = {
    "Likely Russia": "RU",
    "Russia?": "RU",
    "Russia (suspected)": "RU",
    "possibly China": "CN",
    "Chinese-speaking": "CN",
    "China, Unknown": "CN",
    "Russia, Influence operations": "RU",
    "Ukrane": "UA",
    "Chnia": "CN",
    "Chian": "CN",
    "Iarn": "IR",
    "Jpan": "JP",
    "Chnie": "CN",
    "Isreal": "IL",
    "no": "NO",
    "No": "NO",
    "Is": "IS",
    "It": "IT",
    "and": "AD",
    "Can": "CA",
    "non-Russia": "RU",
    "Financially motivated": "",
    "Group in development": "",
    "Moscow": "",
    "AN": "",
    "ABC": "",
    "643": "",
    "State of Georgia": "",
    "Federal Republic of Yugoslavia": "",
    "Russia (Moscow)": "RU",
    "Iranian internet activists": "",
    "GRU": "RU",
    "Russia (MSS)": "RU",
    "Hezbollah, Lebanon": "LB",
    "Lazarus Group": "",
    "123456789": "",
    "x" * 5000: "",
}


@pytest.mark.parametrize(
    ("code", "spelling"), [(code, one) for code, many in SPELLINGS.items() for one in many.split("|")]
)
def test_each_spelling_is_its_country(code: str, spelling: str) -> None:
    """A country is found under its names, codes, demonyms, short and official forms, in several languages."""
    assert resolve(spelling) == CountryMatch(code, "found", (code,))


@pytest.mark.parametrize("spelling", NONE.split("|"))
def test_words_for_nothing_are_no_country(spelling: str) -> None:
    """A word that says that nothing is known gives no code, `NA` (Namibia's) among them."""
    assert resolve(spelling) == CountryMatch("", "none")


@pytest.mark.parametrize("spelling", REGION.split("|"))
def test_regions_are_no_country(spelling: str) -> None:
    """A region, an alliance or the whole world gives no code."""
    assert resolve(spelling) == CountryMatch("", "region")


@pytest.mark.parametrize(("spelling", "codes"), SEVERAL.items())
def test_several_countries_are_no_country(spelling: str, codes: tuple[str, ...]) -> None:
    """A text that names, or may mean, several countries gives no code, but tells which."""
    assert resolve(spelling) == CountryMatch("", "several", codes)


@pytest.mark.parametrize(("spelling", "nearest"), UNKNOWN.items())
def test_doubt_only_suggests(spelling: str, nearest: str) -> None:
    """What is doubted, misspelt or not understood gives no code, at most a suggestion."""
    match = resolve(spelling)
    assert (match.code, match.reason, match.nearest) == ("", "unknown", nearest)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u00a0", "\u200b"])
def test_blank(blank: str) -> None:
    """Blank text is blank, whatever it is blank with."""
    assert resolve(blank) == CountryMatch("", "blank")


def test_every_iso_name_and_code() -> None:
    """Every name and code that ISO 3166-1 has resolves to its country, in either case, but for the words told apart."""
    words = {*load_data("countries")["words_not_codes"], "na", "no"}
    for country in pycountry.countries:
        names = [country.name, getattr(country, "official_name", ""), getattr(country, "common_name", "")]
        codes = [country.alpha_2, country.alpha_3]
        spellings = [form for name in names if name for form in (name, name.upper(), name.lower(), f" {name}. ")]
        spellings += [form for code in codes for form in (code, code.lower()) if form not in words and form != "NA"]
        assert {spelling: resolve(spelling).code for spelling in spellings} == dict.fromkeys(spellings, country.alpha_2)


def test_codes_of_codes() -> None:
    """A code, and nothing but a code, is one: alpha-2 or alpha-3 in any case."""
    assert [code_of(text) for text in ("RU", "rus", "Xk", "NA", "UK", "EU", "Russia", "", "R", "ÄÖ")] == [
        "RU", "RU", "XK", "NA", "", "", "", "", "", "",
    ]  # fmt: skip


def test_the_table_is_without_contradictions() -> None:
    """No word of the table stands in two places, nor repeats a code of another country."""
    data = load_data("countries")
    places: dict[str, set[str]] = {}
    for code, names in data["names"].items():
        for name in names:
            places.setdefault(country_key(name), set()).add(code)
    for section in ("regions", "nothing", "ambiguous"):
        for name in data[section]:
            places.setdefault(country_key(name), set()).add(section)
    assert {key: found for key, found in places.items() if len(found) > 1} == {}
    assert {key: found for key, found in places.items() if code_of(key) not in {"", *found}} == {"na": {"nothing"}}


def test_the_catalogues(catalogs: Path) -> None:
    """Every country of the MISP clusters is one, or is known to be none."""
    values = json.loads((catalogs / "misp" / "threat-actor.json").read_text())["values"]
    metas = [value.get("meta", {}) for value in values]
    assert {resolve(meta["country"]).reason for meta in metas if meta.get("country")} == {"found"}
    assert all(resolve(meta["country"]).code == meta["country"] for meta in metas if len(meta.get("country", "")) == 2)
    sponsors = {str(meta["cfr-suspected-state-sponsor"]) for meta in metas if "cfr-suspected-state-sponsor" in meta}
    assert {text for text in sponsors if not resolve(text).code} <= {"Unknown"}


@pytest.mark.parametrize(
    ("text", "code"),
    [("アメリカ", "US"), ("Biélorussie", "BY"), ("Великобритания", "GB"), ("조선", "KP"), ("Irã", "IR"),
     ("République tchèque", "CZ"), ("Hong Kong (China SAR)", "HK"), ("France (DGSE)", "FR"), ("كوريا الشمالية", "KP")],
)  # fmt: skip
def test_short_forms_in_other_languages_are_known(text: str, code: str) -> None:
    """A list in its analysts' own language names countries as they do."""
    assert resolve(text).code == code


@pytest.mark.parametrize("country", list(pycountry.countries), ids=lambda country: country.alpha_2)
def test_official_names_with_the_article_behind(country: Any) -> None:
    """ISO's own lists write `Netherlands (the)`: each name of each country is found with it too."""
    for name in {country.name, getattr(country, "official_name", country.name)}:
        assert [resolve(f"{name}{article}").code for article in ("", " (the)", ", The")] == [country.alpha_2] * 3


def test_the_shipped_names_are_the_library_s() -> None:
    """The table of names is as `python -m tools.generate` writes it from the installed data."""
    assert shipped("vocabularies", "country-names.tsv").read_text("utf-8") == table()


def test_names_in_all_languages() -> None:
    """Each name that a translation has of a country means it; one that others have of another country means none."""
    meant: dict[str, set[str]] = {}
    for language in load_data("countries")["languages"]:
        words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language])
        for country in pycountry.countries:
            for name in {country.name, getattr(country, "common_name", country.name)}:
                key = country_key(words.gettext(name))
                if words.gettext(name) != name and len(key) >= (4 if key.isascii() else 2):
                    meant.setdefault(key, set()).add(country.alpha_2)
    assert len(meant) > 8_000
    assert dict(translated()) == {key: next(iter(codes)) for key, codes in meant.items() if len(codes) == 1}
