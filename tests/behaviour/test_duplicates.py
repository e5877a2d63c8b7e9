"""Tags that share a name, after a mishap: found, and shown with what differs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.behaviour.inside import Here
from tests.behaviour.program import Served, environment


def call(served: Served, method: str, path: str, **fields: Any) -> dict[str, Any]:
    """A call of another program on tags; its answer."""
    env = served.env
    url = f"{env['CLOUDFLARE_BASE_URL']}/accounts/{env['CLOUDFLARE_ACCOUNT_ID']}/cloudforce-one/events/tags{path}"
    headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(fields).encode() if fields else None, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)  # type: ignore[no-any-return]


def made(served: Served, **fields: Any) -> None:
    """A tag that another program makes, without a look at what is there."""
    call(served, "POST", "/create", **fields)


def test_tags_of_one_name_are_listed_with_what_differs(here: Here, serve: Callable[..., Served]) -> None:
    """However a name is spaced or spelled in capitals, its tags are shown together; a name of one tag is not."""
    served = serve()
    made(served, value="Red Fox", motive="Espionage", originCountryISO="CN")
    made(served, value="Blue Owl")
    assert here.ok("duplicates", env=served.env).out == "No two tags share a name.\n"
    made(served, value="red  fox", motive="Financial", originCountryISO="CN")
    ran = here("duplicates", "--format", "json", env=served.env)
    assert ran.code == 1
    (found,) = ran.json
    assert found["name"] in ("Red Fox", "red  fox", "red fox")
    assert len({tag["uuid"] for tag in found["tags"]}) == 2
    assert sorted(found["differing"]["motive"]) == ["Espionage", "Financial"]
    assert "originCountryISO" not in found["differing"]
    said = here("duplicates", env=served.env).out
    assert "motive" in said
    assert all(tag["uuid"] in said for tag in found["tags"])


def listed(served: Served) -> list[dict[str, Any]]:
    """All tags of the account, as the API answers them."""
    return call(served, "GET", "?pageSize=1000")["tags"]  # type: ignore[no-any-return]


def contents(tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What tags hold, without what only the server says of them."""
    own = ("uuid", "createdAt", "updatedAt", "version")
    held = [
        {key: value for key, value in tag.items() if key not in own and value not in (None, "", [])} for tag in tags
    ]
    return sorted(held, key=lambda tag: json.dumps(tag, sort_keys=True))


def doubled(served: Served) -> None:
    """One actor three times, with other names and links in each, another one alone."""
    made(
        served, value="Red Fox", motive="Espionage", aliasGroupNames=["RF-1"], internalDescription="first", tlp="green"
    )
    made(served, value="red fox", motive="Financial", aliasGroupNames=["RF-2"], originCountryISO="CN")
    made(served, value="Red  Fox", aliasGroupNamesInternal=["RF-3"], internalDescription="third", tlp="red")
    made(served, value="Blue Owl", aliasGroupNames=["RF-9"])


def test_a_merge_leaves_one_tag_that_holds_what_all_of_them_held(here: Here, serve: Callable[..., Served]) -> None:
    """The oldest stays with its uuid, takes over all lists and empty fields, and a second look finds nothing."""
    served = serve()
    doubled(served)
    oldest = min((tag for tag in listed(served) if tag["value"] == "Red Fox"), key=lambda tag: str(tag["createdAt"]))
    planned = here("duplicates", "--out", "merge", "--format", "json", "--max-deletes", "50%", env=served.env)
    assert planned.code == 0, planned.err
    assert len(listed(served)) == 4
    assert "'Financial' of" in planned.out
    here.ok("apply", "merge/plan.json", "--yes", "--max-deletes", "50%", env=served.env)
    (red,) = (tag for tag in listed(served) if "fox" in tag["value"].casefold())
    assert (red["uuid"], red["motive"], red["originCountryISO"], red["tlp"]) == (
        oldest["uuid"],
        "Espionage",
        "CN",
        "red",
    )
    assert {"RF-1", "RF-2", "RF-3"} <= {*red["aliasGroupNames"], *red["aliasGroupNamesInternal"]}
    assert "first" in red["internalDescription"]
    assert "third" in red["internalDescription"]
    assert here.ok("duplicates", env=served.env).out == "No two tags share a name.\n"


def test_a_merge_is_taken_back(here: Here, serve: Callable[..., Served]) -> None:
    """After an undo the account holds the tags of before, with what each of them held."""
    served = serve()
    doubled(served)
    before = contents(listed(served))
    here("duplicates", "--out", "merge", "--max-deletes", "50%", env=served.env)
    here.ok("apply", "merge/plan.json", "--yes", "--max-deletes", "50%", env=served.env)
    assert len(listed(served)) == 2
    here.ok("undo", "merge", "--yes", env=served.env)
    assert contents(listed(served)) == before


def test_nothing_is_deleted_whose_contents_have_not_arrived(here: Here, serve: Callable[..., Served]) -> None:
    """While the server takes no update the tags that are to go stay, also when the run is killed; a resume then
    merges them."""
    served = serve("--fault", "faults: [{do: error-before-commit, calls: [update], last: 200, status: 500}]")
    doubled(served)
    here("duplicates", "--out", "merge", "--max-deletes", "50%", env=served.env)
    words = ("-m", "importer", "apply", "merge/plan.json", "--yes", "--max-deletes", "50%", "--quiet")
    run = subprocess.Popen((sys.executable, *words), cwd=here.folder, env=environment(here.folder, served.env))
    journal = here.folder / "merge" / "journal.jsonl"
    while not journal.is_file() or b'"intent"' not in journal.read_bytes():
        assert run.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    run.kill()
    run.wait()
    assert [len(listed(served)) for _ in range(200)] == [4] * 200  # past the last call that fails
    here.ok("resume", "merge", "--yes", env=served.env)
    (red,) = (tag for tag in listed(served) if "fox" in tag["value"].casefold())
    assert {"RF-1", "RF-2", "RF-3"} <= {*red["aliasGroupNames"], *red["aliasGroupNamesInternal"]}


def test_lost_answers_of_a_merge_and_of_its_undo_lose_and_double_nothing(
    here: Here, serve: Callable[..., Served]
) -> None:
    """However many answers are lost, there is one tag after the merge, and the three of before after its undo."""
    served = serve("--fault", "faults: [{do: lose-after-commit, calls: writes, attempts: 1, first: 9}]")
    doubled(served)
    before = contents(listed(served))
    here("duplicates", "--out", "merge", "--max-deletes", "50%", env=served.env)
    here.ok("apply", "merge/plan.json", "--yes", "--grace", "1s", "--max-deletes", "50%", env=served.env)
    assert len(listed(served)) == 2
    here.ok("undo", "merge", "--yes", "--grace", "1s", env=served.env)
    assert contents(listed(served)) == before


@pytest.mark.parametrize("what", ["edited", "deleted"])
def test_a_tag_that_was_touched_since_the_plan_bars_the_merge(
    here: Here, serve: Callable[..., Served], what: str
) -> None:
    """What a person did after the plan was made is not written over, and nothing is deleted."""
    served = serve()
    doubled(served)
    here("duplicates", "--out", "merge", "--max-deletes", "50%", env=served.env)
    oldest = min((tag for tag in listed(served) if tag["value"] == "Red Fox"), key=lambda tag: str(tag["createdAt"]))
    if what == "edited":
        call(served, "PATCH", f"/{oldest['uuid']}", motive="Sabotage")
    else:
        call(served, "DELETE", f"/{oldest['uuid']}")
    left = len(listed(served))
    ran = here("apply", "merge/plan.json", "--yes", "--max-deletes", "50%", env=served.env)
    assert ran.code == 5, ran.out + ran.err
    assert len(listed(served)) == left


def test_decisions_name_what_is_one_actor_and_what_is_not(here: Here, serve: Callable[..., Served]) -> None:
    """Tags of two names are merged where a decision says so, under the name it keeps; two of one name that are
    decided to be different are left."""
    served = serve()
    for name in ("Red Fox", "Crimson Vixen", "Blue Owl", "Blue Owl"):
        made(served, value=name)
    owls = [tag["uuid"] for tag in listed(served) if tag["value"] == "Blue Owl"]
    (here.folder / "who.yaml").write_text(
        "pairs:\n"
        "  - {actors: [{name: Red Fox}, {name: Crimson Vixen}], are: same, keep: Crimson Vixen}\n"
        f"  - {{actors: [{{id: {owls[0]}, source: account}}, {{id: {owls[1]}, source: account}}], are: different}}\n"
    )
    told = here("duplicates", "--decisions", "who.yaml", "--format", "json", env=served.env)
    assert [double["name"] for double in told.json] == ["Crimson Vixen"]
    here.ok("duplicates", "--decisions", "who.yaml", "--out", "m", "--max-deletes", "90%", env=served.env)
    here.ok("apply", "m/plan.json", "--yes", "--max-deletes", "90%", env=served.env)
    tags = {tag["value"]: tag for tag in listed(served)}
    assert set(tags) == {"Crimson Vixen", "Blue Owl"}
    assert tags["Crimson Vixen"]["aliasGroupNamesInternal"] == ["Red Fox"]


def test_how_often_tags_are_used_is_shown_where_the_server_says_it(here: Here, serve: Callable[..., Served]) -> None:
    """The count of indicators is a number where it is known, and never 0 where it is not."""
    knows, silent = serve("--fault", "indicators: 3"), serve()
    for served, uses in ((knows, 3), (silent, None)):
        doubled(served)
        (found,) = here("duplicates", "--format", "json", env=served.env).json
        assert [tag["indicators"] for tag in found["tags"]] == [uses] * 3
