"""What the importer is measured against: the loop that a person would write, without and with the official SDK.

`python tests/benchmarks/bare_clients.py KIND BASE_URL COUNT WIDE` prints the seconds that COUNT creates took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

ACCOUNT = "5a5d0b0c5a5d0b0c5a5d0b0c5a5d0b0c"
TOKEN = "sandbox-token"


def body(number: int) -> dict[str, object]:
    """A tag of ordinary size."""
    return {
        "value": f"Benchmark Actor {number}",
        "aliasGroupNamesInternal": [f"BA-{number}", f"Grey Heron {number}", f"UNC{number}"],
        "originCountryISO": "IR",
        "motive": "Espionage",
        "actorCategory": "Nation State",
        "sophisticationLevel": "advanced",
        "externalReferenceLinks": [f"https://reports.example.org/actor-{number}"],
        "description": "Steals diplomatic mail through look-alike conference portals, and waits." * 2,
    }


async def pool(count: int, wide: int, create: Callable[[int], Awaitable[None]]) -> float:
    """Seconds that `count` creates take, `wide` at once."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await create(number)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(wide)))
    return time.perf_counter() - began


async def bare(base_url: str, count: int, wide: int) -> float:
    """A bare aiohttp pool with `json=`: nothing checked, paced, journalled or retried."""
    import aiohttp

    url = f"{base_url}/accounts/{ACCOUNT}/cloudforce-one/events/tags/create"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connector = aiohttp.TCPConnector(limit=wide)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def create(number: int) -> None:
            async with session.post(url, json=body(number)) as answer:
                assert answer.status == 200
                await answer.json()

        return await pool(count, wide, create)


async def sdk(base_url: str, count: int, wide: int) -> float:
    """The official SDK's asynchronous client in the same pool."""
    from cloudflare import AsyncCloudflare

    async with AsyncCloudflare(api_token=TOKEN, base_url=base_url) as client:

        async def create(number: int) -> None:
            fields = body(number)
            await client.cloudforce_one.threat_events.tags.create(
                account_id=ACCOUNT,
                value=str(fields["value"]),
                alias_group_names_internal=[f"BA-{number}", f"Grey Heron {number}", f"UNC{number}"],
                origin_country_iso="IR",
                motive="Espionage",
                actor_category="Nation State",
                sophistication_level="advanced",
                external_reference_links=[f"https://reports.example.org/actor-{number}"],
                description=str(fields["description"]),
            )

        return await pool(count, wide, create)


if __name__ == "__main__":
    kind, url, number, width = sys.argv[1:]
    print(asyncio.run({"bare": bare, "sdk": sdk}[kind](url, int(number), int(width))))
