"""Tags that share a name, after a mishap: found, and shown with what differs."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

from tests.behaviour.inside import Here
from tests.behaviour.program import Served


def made(served: Served, **fields: str) -> None:
    """A tag that another program makes, without a look at what is there."""
    env = served.env
    url = f"{env['CLOUDFLARE_BASE_URL']}/accounts/{env['CLOUDFLARE_ACCOUNT_ID']}/cloudforce-one/events/tags/create"
    headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(fields).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status < 300


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
