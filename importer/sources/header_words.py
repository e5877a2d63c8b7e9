"""The words by which a header row, and a list of actors, are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_NAME = """
name; actor; actor name; actors; threat actor; threat actors; threat actor name; threat actor group; threat group;
group; groups; group name; common name; apt; apt group; apt groups; apt name; intrusion set;
intrusion set name; adversary;
adversary name; activity group; activity group name; primary name; main name; canonical name; preferred name;
official name; actor group; hacker group; hacking group; threat actor tag; tag; tag name; tag value; value; cluster;
cluster name; campaign group; operator; gang; gang name; ransomware group; threat; threat name; crew; codename;
code name; nom; nom du groupe; acteur; groupe; nombre; grupo; nome; naam; bezeichnung; akteur; akteursname; gruppe;
gruppenname; angreifer; angreifergruppe; название; группа; имя; 名称; 组织; 组织名称; 名前; グループ; 이름;
bedrohungsakteur; bedrohungsakteure; name des akteurs; name der gruppe; hackergruppe; nom de l acteur;
nom de groupe; groupe d attaquants; groupe apt; acteur de la menace; acteur malveillant; nombre del actor;
nombre del grupo; actor de amenazas; nome do ator; nome do grupo; ator; attore; nome attore; gruppo;
название группировки; название группы; группировка; наименование; назва; назва угруповання; угруповання; група;
攻击组织; 威胁组织; 黑客组织; 组织名; 攻击者; 組織名稱; 組織; 攻撃グループ名; 攻撃グループ; グループ名; 攻撃者; 組織名;
그룹명; 그룹; 공격그룹; 위협행위자; 공격자; nazwa grupy; grupa; tehdit aktörü; aktör; dreigingsactor; groepsnaam;
اسم المجموعة
"""
_WEAK_NAME = (
    "name; group; groups; value; tag; threat; cluster; title; operator; nom; nombre; nome; naam; 名称; имя; 이름"
)
_OTHER = """
alias; aliases; aka; a k a; also known as; other names; other name; synonyms; synonym; alternative names; country;
origin; origin country; country of origin; nation; origin threat; attribution; attributed to;
suspected origin; state sponsor;
sponsor; motive; motivation; motivations; primary motivation; goal; goals; objective; description; notes; note; comment;
comments; summary; details; reference; references; links; link; url; urls; source; sources; report; reports; first seen;
last seen; active since; sophistication; confidence; tlp; category; type; actor type; targets; target; victims; sectors;
industries; toolset malware; tools; ttps; operations; modus operandi; priority; id; uuid; status; action; date; region;
internal notes; internal description; opsec; auch bekannt als; herkunft; herkunftsland; land; beschreibung; quelle;
quellen; bemerkung; autres noms; pays; pays d origine; références; otros nombres; país; país de origen; descripción;
outros nomes; país de origem; altri nomi; paese; псевдонимы; другие названия; страна; описание; мотивация; інші назви;
країна; 别名; 別名; 国家; 国; 描述; 動機; 动机; 説明; 별칭; 국가; aliasy; kraj; ülke; diğer adlar; ook bekend als;
crowdstrike; mandiant; fireeye; kaspersky; secureworks; symantec; microsoft
"""
_OFF_TOPIC = re.compile(
    r"malware|tool|famil|scheme|taxonom|source|link|download|readme|read me|legend|glossar|changelog|change log|"
    r"version|"
    r"victim|incident|indicator|\biocs?\b|hash|contact|lookup|drop ?down|dictionary|vulnerab|\bcves?\b|template|"
    r"instruction|help|about|contents|pivot|chart|statistic|vendor",
    re.IGNORECASE,
)


def normal(word: str) -> str:
    """A header word for comparing: lower case, every run of blanks and punctuation one blank."""
    text = unicodedata.normalize("NFKC", word).casefold()
    return re.sub(r"[\W_]+", " ", text).strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.replace("\n", " ").split(";"))


NAME_WORDS = _words(_NAME)
WEAK_NAME_WORDS = _words(_WEAK_NAME)
KNOWN_WORDS = NAME_WORDS | _words(_OTHER)


def name_words(cells: Iterable[str], extra: Iterable[str] = ()) -> list[str]:
    """The cells that are a usual header of the name column (or one of `extra`)."""
    more = {normal(word) for word in extra}
    return [cell for cell in cells if cell and len(cell) < 60 and (normal(cell) in NAME_WORDS or normal(cell) in more)]


def known_count(cells: Iterable[str]) -> int:
    """How many different usual header words stand among the cells."""
    return len({word for cell in cells if cell and len(cell) < 60 and (word := normal(cell)) in KNOWN_WORDS})


def lists_actors(sheet: str, above: Iterable[str], cells: Iterable[str], extra: Iterable[str] = ()) -> bool:
    """Whether a sheet with this name, these titles above its header and these header cells lists actors.

    `name` alone says little: on a sheet called Malware it is the name of a malware.
    """
    more = {normal(word) for word in extra}
    found = {normal(word) for word in name_words(cells, extra)}
    if not found:
        return False
    if found & more or found - WEAK_NAME_WORDS:
        return True
    return not any(_OFF_TOPIC.search(text) for text in (sheet, *above))
