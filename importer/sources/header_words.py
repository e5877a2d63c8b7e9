"""The words by which a header row, and a list of actors, are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

_NAME = """
name; actor; actor name; actors; threat actor; threat actors; threat actor name; threat actor group; threat group;
group; groups; group name; common name; apt; apt group; apt groups; apt name; intrusion set;
intrusion set name; adversary;
adversary name; activity group; activity group name; primary name; main name; canonical name; preferred name;
official name; actor group; hacker group; hacking group; threat actor tag; tag; tag name; tag value; value; cluster;
cluster name; campaign group; operator; gang; gang name; ransomware group; threat; threat name; crew; codename;
code name; moniker; threat group name; apt group name; ransomware gang; name of actor; name of group;
name of threat actor; actor group name; attacker; attackers; attacker name; attacker group; threat cluster;
activity cluster; cybercrime group; group actor; actor or group;
nom; nom du groupe; acteur; groupe; nombre; grupo; nome; naam; bezeichnung; akteur; akteursname; gruppe;
gruppenname; angreifer; angreifergruppe; название; группа; имя; 名称; 组织; 组织名称; 名前; グループ; 이름;
bedrohungsakteur; bedrohungsakteure; name des akteurs; name der gruppe; hackergruppe; nom de l acteur;
nom de groupe; groupe d attaquants; groupe apt; acteur de la menace; acteur malveillant; nombre del actor;
nombre del grupo; actor de amenazas; nome do ator; nome do grupo; ator; attore; nome attore; gruppo;
название группировки; название группы; группировка; наименование; назва; назва угруповання; угруповання; група;
攻击组织; 威胁组织; 黑客组织; 组织名; 攻击者; 組織名稱; 組織; 攻撃グループ名; 攻撃グループ; グループ名; 攻撃者; 組織名;
그룹명; 그룹; 공격그룹; 위협행위자; 공격자; nazwa grupy; grupa; tehdit aktörü; aktör; dreigingsactor; groepsnaam;
اسم المجموعة;
akteure; hackergruppen; apt gruppe; tätergruppe; groupe de menace; groupe d attaque; acteur de menace; mode opératoire;
mode opératoire d attaque; actor de amenaza; nombre de grupo; grupo apt; grupo de amenazas; grupo de amenaza;
ator de ameaça; ator de ameaças; grupo de ameaça; nome dell attore; attore della minaccia; attore malevolo;
nome del gruppo; nome gruppo; имя группы; наименование группировки; apt группировка; хакерская группа;
хакерская группировка; назва групи; apt组织; 威胁行为者; 威胁行为体; 组织代号; 攻擊組織; 駭客組織; アクター; アクター名;
攻撃者グループ; 脅威アクター; 공격 그룹; 위협 행위자; 조직명; 해킹그룹; 해킹 그룹; nazwa; grupa apt; grup; grup adı;
dreigingsactoren; actornaam; groep; المجموعة; الاسم
"""  # noqa: RUF001 - letters of other scripts are meant
_WEAK_NAME = (
    "name; group; groups; value; tag; threat; cluster; operator; nom; nombre; nome; naam; 名称; имя; 이름; nazwa; "
    "назва; grup; groep; الاسم; المجموعة"
)
_OTHER = """
alias; aliases; aka; a k a; also known as; other names; other name; synonyms; synonym; alternative names; known as;
tracked as; also tracked as; associated groups; country;
origin; origin country; country of origin; nation; origin threat; attribution; attributed to;
suspected origin; suspected country; suspected country of origin; suspected state sponsor; country code; state sponsor;
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
    r"version|werkzeug|schadsoftware|opfer|vorf[aä]ll|quelle|anleitung|outil|logiciel|victime|herramienta|v[ií]ctima|"
    r"victim|incident|indicator|\biocs?\b|hash|contact|lookup|drop ?down|dictionary|vulnerab|\bcves?\b|template|"
    r"instruction|help|about|contents|pivot|chart|statistic|vendor",
    re.IGNORECASE,
)


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BRACKETS = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")
_ENOUGH = 3
"""Usual header words that make a list of actors likely, though none of them is one for the name."""
_ALMOST = re.compile(
    r"name\b|\b(?:actor|adversar|apt|akteur|acteur|attore|ator\b)|group|grupp|groupe|grupo", re.IGNORECASE
)


def normal(word: str) -> str:
    """A header word for comparing: lower case, every run of blanks and punctuation one blank."""
    text = unicodedata.normalize("NFKC", word).casefold()
    return re.sub(r"[\W_]+", " ", text).strip()


def _is_one(cell: str, words: AbstractSet[str]) -> bool:
    """`Threat_Actor`, `threatActor` and `ThreatActor` are all `threat actor`, as the mappings have it."""
    if not cell or len(cell) >= 60:
        return False
    return normal(cell) in words or (_CAMEL.search(cell) is not None and normal(_CAMEL.sub(" ", cell)) in words)


def _words(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.replace("\n", " ").split(";") if part.strip())


# Kept equal to the words for `value` in config/mappings/spreadsheet.yaml (vendors' names apart); a test compares them.
NAME_WORDS = _words(_NAME)
WEAK_NAME_WORDS = _words(_WEAK_NAME)
KNOWN_WORDS = NAME_WORDS | _words(_OTHER)


def name_words(cells: Iterable[str], extra: Iterable[str] = ()) -> list[str]:
    """The cells that are a usual header of the name column (or one of `extra`)."""
    words = NAME_WORDS.union(map(normal, extra)) if extra else NAME_WORDS
    return [cell for cell in cells if _is_one(cell, words)]


def known_count(cells: Iterable[str]) -> int:
    """How many different usual header words stand among the cells."""
    return len({normal(cell) for cell in cells if _is_one(cell, KNOWN_WORDS)})


def lists_actors(sheet: str, above: Iterable[str], cells: Iterable[str], extra: Iterable[str] = ()) -> bool:
    """Whether a sheet with this name, these titles above its header and these header cells lists actors.

    `name` alone says little: on a sheet called Malware it is the name of a malware. Several other usual columns say as
    much: such a sheet is handed on, and where the mapping finds no name in it, that is told there.
    """
    more = {normal(word) for word in extra}
    cells = list(cells)
    strong = (NAME_WORDS - WEAK_NAME_WORDS) | more
    if any(_is_one(cell, strong) or _is_one(_BRACKETS.sub(" ", cell), strong) for cell in cells):
        return True
    likely = bool(name_words(cells)) or known_count(cells) >= _ENOUGH
    return likely and not any(_OFF_TOPIC.search(text) for text in (sheet, *above))


def may_list_actors(sheet: str, cells: Sequence[str]) -> bool:
    """Whether a sheet that is left out may be a list of actors after all: it has a column of one, or almost a name."""
    if _OFF_TOPIC.search(sheet):
        return False
    return bool(known_count(cells)) or any(_ALMOST.search(cell) for cell in cells)
