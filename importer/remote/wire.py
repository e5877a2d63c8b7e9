"""What goes over the wire: bodies to bytes, answers to values. Answers come bare or in an envelope; both are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from importer.fields.table import FIELDS
from importer.masking import NO_MASK, Mask
from importer.model import Category, Json, Tag

_NAMES: Final = frozenset(field.name for field in FIELDS)
_ANNOTATED: Final = {f"{field.name}_annotated": field.name for field in FIELDS if field.annotated}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MARKUP: Final = re.compile(
    r"<(script|style)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)|<[^>]*(>|\Z)", re.DOTALL | re.IGNORECASE
)
_RAY: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_LONGEST_UUID: Final = 128
_LONGEST_STAMP: Final = 64
_MAX_DETAIL: Final = 300
_MAX_PAGE: Final = 1 << 16
_MAX_EXCERPT: Final = 160


class Unreadable(ValueError):
    """An answer whose body is not what the call must be answered with; the message says why."""


class SaysNo(ValueError):
    """An answer of status 2xx that says `success: false`; the message is the server's, whole (see `shown`)."""


class TagAnswer(msgspec.Struct, frozen=True):
    """The tag that a create or update was answered with."""

    uuid: str
    name: str | None = None
    """None where the answer does not say."""
    version: float = 0
    updated_at: str = ""
    fields: Mapping[str, Json] = {}
    """All of the answer as it came: to be compared with, never to be shown."""


_anything = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def encode(body: Mapping[str, Json]) -> bytes:
    """A body as JSON."""
    return _encoder.encode(body if type(body) is dict else dict(body))


def decode_written(body: bytes, mask: Mask = NO_MASK) -> TagAnswer:
    """The answer of a create or update. Raises Unreadable when it has no uuid, SaysNo when it reports an error.

    Of an answer that is not masked the uuid and the stamp are: they go into the journal and the reports.
    """
    answer = decode_object(body)
    if "uuid" not in answer and isinstance(inner := answer.get("result"), dict):
        answer = inner
    uuid, name, stamp = answer.get("uuid"), answer.get("value"), text_of(answer.get("updatedAt"))
    if not isinstance(uuid, str) or not uuid:
        raise Unreadable("it holds no uuid")
    if name is not None and not isinstance(name, str):
        raise Unreadable("its name is no text")
    _check_uuid(uuid)
    stamp = stamp if len(stamp) <= _LONGEST_STAMP else ""
    if mask.shows(f"{uuid} {stamp}"):
        uuid, stamp = mask.text(uuid), mask.text(stamp)
    return TagAnswer(uuid, name, number_of(answer.get("version")), stamp, answer)


def decode_object(body: bytes) -> dict[str, Any]:
    """Any other answer, taken out of its envelope. Raises Unreadable, SaysNo."""
    try:
        answer = _anything.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable(_describe(body)) from None
    if isinstance(answer, dict):
        if answer.get("success") is False:
            raise SaysNo(errors_of(body)[0])
        inner = answer.get("result")
        if "success" in answer and isinstance(inner, dict | list):
            # Some envelopes keep the pagination beside the result instead of in it.
            info = answer.get("result_info")
            answer = inner
            if isinstance(answer, dict) and "pagination" not in answer and isinstance(info, dict):
                answer["pagination"] = info
    if isinstance(answer, list):
        answer = {"tags": answer, "categories": answer}
    if not isinstance(answer, dict):
        raise Unreadable("it is not JSON object")
    return answer


def errors_of(body: bytes) -> tuple[str, tuple[int, ...]]:
    """The messages (joined, whole: see `shown`) and codes of an error answer; empty where none are."""
    try:
        answer = _anything.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ()
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(errors, list):
        errors = [answer] if isinstance(answer, dict) else []
    messages, codes = [], []
    for error in errors[:10]:
        if isinstance(error, str):
            messages.append(error)
        if not isinstance(error, dict):
            continue
        message = error.get("message") or error.get("error")
        if isinstance(message, str):
            messages.append(message)
        code = error.get("code")
        if isinstance(code, int) and not isinstance(code, bool):
            codes.append(code)
        chain = error.get("error_chain")
        for link in chain[:10] if isinstance(chain, list) else []:
            if isinstance(link, dict) and isinstance(link.get("code"), int):
                codes.append(link["code"])
    return "; ".join(messages).strip(), tuple(codes)


def shown(words: str, mask: Mask) -> str:
    """A server's words for one line: without secrets first, as cutting or cleaning could leave most of one behind."""
    text = _CONTROL.sub(" ", mask.text(words)).strip()
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 1] + "…"


def foreign(body: bytes, ray: str, mask: Mask) -> str:
    """What to say of a body that is not an answer of the API: its kind, a short inert excerpt and the ray id.

    Empty for one that may be the API's: a JSON object. `ray` is the header `cf-ray`, by which Cloudflare finds a call.
    """
    try:
        if isinstance(_anything.decode(body), dict):
            return ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    page = mask.text(body[:_MAX_PAGE].decode("utf-8", "replace"))
    plain = "".join(char if char.isprintable() and char not in "<>" else " " for char in _MARKUP.sub(" ", page))
    text = " ".join(plain.split())
    if mask.shows("".join(plain.split())):
        text = ""  # tags or control characters had kept its parts asunder
    kind = "an empty body" if not body.strip() else "HTML" if body.lstrip()[:1] == b"<" else "text"
    if text:
        kind += f": {text if len(text) <= _MAX_EXCERPT else text[: _MAX_EXCERPT - 1] + '…'!r}"
    return mask.text(f"{kind} (ray {ray})") if _RAY.fullmatch(ray) else kind


def tag_of(item: object) -> Tag:
    """A tag of a list. Raises Unreadable when it has no uuid or name."""
    if not isinstance(item, dict):
        raise Unreadable("a tag in it is not JSON object")
    uuid, name = item.get("uuid"), item.get("value")
    if not isinstance(uuid, str) or not uuid or not isinstance(name, str):
        raise Unreadable("a tag in it has no uuid or value")
    _check_uuid(uuid)
    fields = {key: value for key, value in item.items() if value is not None and key in _NAMES}
    for annotated in filter(_ANNOTATED.__contains__, item):
        full = item[annotated]
        if isinstance(full, dict) and full.get("value") is not None and _says_more(full):
            fields[_ANNOTATED[annotated]] = {
                part: full[part] for part in ("value", "confidence", "tlp") if full.get(part) is not None
            }
    return Tag(
        uuid,
        name,
        fields,
        number_of(item.get("version")),
        text_of(item.get("createdAt")),
        text_of(item.get("updatedAt")),
    )


def _check_uuid(uuid: str) -> None:
    if len(uuid) > _LONGEST_UUID:
        raise Unreadable(f"a uuid in it has {len(uuid):,} characters")


def category_of(item: object) -> Category:
    """A category of a list or an answer. Raises Unreadable when it has no uuid or name."""
    if not isinstance(item, dict):
        raise Unreadable("a category in it is not JSON object")
    uuid, name, schema = item.get("uuid"), item.get("name"), item.get("schema")
    if not isinstance(uuid, str) or not uuid or not isinstance(name, str):
        raise Unreadable("a category in it has no uuid or name")
    _check_uuid(uuid)
    fields = schema if isinstance(schema, list) and all(isinstance(field, dict) for field in schema) else None
    return Category(uuid, name, text_of(item.get("description")), fields)


def number_of(value: object) -> float:
    """A version; 0 where there is none that is a number."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > _LONGEST_STAMP:
        return 0
    try:
        return float(value)
    except ValueError:
        return 0


def text_of(value: object) -> str:
    """A text; empty for anything else."""
    return value if isinstance(value, str) else ""


def _says_more(full: Mapping[str, Json]) -> bool:
    return full.get("confidence") is not None or full.get("tlp") is not None


def _describe(body: bytes) -> str:
    if not body.strip():
        return "it is empty"
    if body.lstrip()[:1] == b"<":
        return "it is HTML"
    return "it is not the JSON that was expected"
