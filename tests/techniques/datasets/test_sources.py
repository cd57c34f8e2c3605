"""Each source against the server that keeps its service's rules."""

import io
from typing import Any

import pytest

from techniques.datasets.errors import BlockedError, PageChangedError, RateLimitedError, SourceError
from techniques.datasets.licences import KNOWN
from techniques.datasets.recipe import Query
from techniques.datasets.sources.commons import Commons, plain
from techniques.datasets.sources.openverse import Openverse
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.commons import FakeCommons
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from techniques.datasets.testkit.server import Reply, as_json
from tests.techniques.datasets.conftest import Web


def numbers(pages: list[Any]) -> list[int]:
    return [int(candidate.source_id[-4:].lstrip("0")) for page in pages for candidate in page.candidates]


def test_openverse_gives_all_pages_with_licence_creator_and_source(web: Web, works: list[Work]) -> None:
    pages = list(Openverse(web.client(), web.openverse.endpoint).search(Query("gothic church"), KNOWN, None))
    assert [len(page.candidates) for page in pages] == [20, 10]
    assert pages[0].claimed == 30
    assert pages[-1].cursor is None
    first, work = pages[0].candidates[0], works[0]
    assert (first.title, first.creator, first.licence.slug) == (work.title, work.creator, work.licence)
    assert first.licence.url.startswith("https://creativecommons.org/")
    assert first.attribution
    assert first.page_url
    assert web.openverse.refused == []


def test_openverse_is_taken_up_from_a_cursor(web: Web) -> None:
    source = Openverse(web.client(), web.openverse.endpoint)
    first = next(source.search(Query("gothic"), KNOWN, None))
    rest = list(source.search(Query("gothic"), KNOWN, first.cursor))
    assert len({*numbers([first]), *numbers(rest)}) == 30


def test_openverse_is_told_words_to_leave_out_and_licences(web: Web, works: list[Work]) -> None:
    source = Openverse(web.client(), web.openverse.endpoint)
    assert numbers(list(source.search(Query("gothic", without=("church",)), KNOWN, None))) == []
    pages = list(source.search(Query("dome"), ("cc0",), None))
    assert {candidate.licence.slug for page in pages for candidate in page.candidates} == {"cc0"}


def test_openverse_stops_at_the_depth_the_service_allows(works: list[Work], clock: VirtualClock) -> None:
    many = [Work(**{**vars(works[0]), "number": number}) for number in range(1, 400)]
    with FakeOpenverse(many, "http://127.0.0.1:9", clock=clock) as server:
        client = Web(server, server, server, clock).client()  # type: ignore[arg-type]
        pages = list(Openverse(client, server.endpoint).search(Query("gothic"), KNOWN, None))
        assert sum(len(page.candidates) for page in pages) == 240
        assert server.refused == []


def test_openverse_pace_stays_under_the_burst_and_close_to_it(web: Web, clock: VirtualClock) -> None:
    source = Openverse(web.client(), web.openverse.endpoint)
    begun = clock.time()
    for _ in range(30):
        list(source.search(Query("gothic"), KNOWN, None))
    assert len(web.openverse.asked) == 60
    assert web.openverse.refused == []
    # 60 requests at 20 a minute: the last begins two minutes after the first.
    assert 120 <= web.openverse.asked[-1].at - begun <= 120 * 1.05


def test_openverse_pace_follows_what_the_headers_say(works: list[Work], clock: VirtualClock) -> None:
    with FakeOpenverse(works, "http://127.0.0.1:9", clock=clock, burst=(5, 60.0)) as server:
        source = Openverse(Web(server, server, server, clock).client(), server.endpoint)  # type: ignore[arg-type]
        for _ in range(10):
            list(source.search(Query("dome"), KNOWN, None))
        assert server.refused == []


def test_openverse_used_up_for_the_day_is_said_and_not_asked_again(
    works: list[Work], clock: VirtualClock
) -> None:
    with FakeOpenverse(works, "http://127.0.0.1:9", clock=clock, sustained=(3, 86400.0)) as server:
        source = Openverse(Web(server, server, server, clock).client(), server.endpoint)  # type: ignore[arg-type]
        for _ in range(3):
            list(source.search(Query("dome"), KNOWN, None))
        with pytest.raises(RateLimitedError, match="tomorrow"):
            list(source.search(Query("dome"), KNOWN, None))
        assert len(server.asked) == 3


def test_commons_comes_in_rank_order_and_whole(web: Web, works: list[Work]) -> None:
    pages = list(Commons(web.client(), web.commons.endpoint).search(Query("gothic"), KNOWN, None))
    found = [candidate for page in pages for candidate in page.candidates]
    assert [candidate.source_id for candidate in found] == [str(500 + number) for number in range(1, 31)]
    assert {candidate.licence.slug for candidate in found} == {work.licence for work in works}
    assert all(candidate.licence.url for candidate in found), "a missing LicenseUrl is derived"
    assert found[0].creator == works[0].creator, "its markup is gone"
    assert found[0].creator_url == f"https://commons.wikimedia.org/wiki/User:{works[0].creator}"
    assert len(found[0].sha1) == 40
    assert web.commons.refused == []


def test_commons_category_is_walked_with_its_subcategories(works: list[Work], clock: VirtualClock) -> None:
    children = {
        "Category:Order": ["Category:Ionic Capitals", "Category:Order"],
        "Category:Ionic Capitals": ["Category:Dome"],
    }
    with FakeCommons(works, "http://127.0.0.1:9", clock=clock, children=children) as server:
        source = Commons(Web(server, server, server, clock).client(rules={}), server.endpoint)  # type: ignore[arg-type]
        pages = list(source.search(Query("Order", kind="category"), KNOWN, None))
        assert sum(len(page.candidates) for page in pages) == 8 + 12
        again = list(source.search(Query("Order", kind="category"), KNOWN, pages[0].cursor))
        assert sum(len(page.candidates) for page in again) == 8 + 12


def test_commons_that_lags_is_waited_for(works: list[Work], clock: VirtualClock) -> None:
    with FakeCommons(works, "http://127.0.0.1:9", clock=clock, lagged=2) as server:
        source = Commons(Web(server, server, server, clock).client(rules={}), server.endpoint)  # type: ignore[arg-type]
        begun = clock.time()
        assert list(source.search(Query("dome"), KNOWN, None))
        assert clock.time() - begun >= 10


def test_commons_that_lags_for_ever_is_no_empty_result(works: list[Work], clock: VirtualClock) -> None:
    with FakeCommons(works, "http://127.0.0.1:9", clock=clock, lagged=99) as server:
        source = Commons(Web(server, server, server, clock).client(rules={}), server.endpoint)  # type: ignore[arg-type]
        with pytest.raises(RateLimitedError):
            list(source.search(Query("dome"), KNOWN, None))


@pytest.mark.parametrize(
    "reply", [as_json({"hello": 1}), as_json({"results": "none"}), Reply(200, b"<html>hi")]
)
def test_another_answer_than_documented_is_not_taken_for_no_results(web: Web, reply: Reply) -> None:
    client = web.client()
    for source, server in [
        (Openverse(client, web.openverse.endpoint), web.openverse),
        (Commons(client, web.commons.endpoint), web.commons),
    ]:
        server.faults.append(reply)
        with pytest.raises(PageChangedError):
            list(source.search(Query("dome"), KNOWN, None))


def test_markup_becomes_text() -> None:
    assert plain('<a href="x">Jane  <b>Doe</b></a>&amp; co<script>alert(1)</script>') == "Jane Doe& co"


class TestNaiveClients:
    """What each rule is for: a client that does not know it is refused."""

    def refused(self, web: Web, server: Any, call: Any) -> list[str]:
        with pytest.raises(SourceError):
            call()
        return list(server.refused)

    def test_openverse_page_size(self, web: Web) -> None:
        def ask() -> None:
            web.client().get_json(f"{web.openverse.endpoint}/images/", {"q": "dome", "page_size": 100})

        assert self.refused(web, web.openverse, ask) == ["openverse-page-size"]

    def test_openverse_depth(self, web: Web) -> None:
        def ask() -> None:
            web.client().get_json(f"{web.openverse.endpoint}/images/", {"q": "dome", "page": 13})

        assert self.refused(web, web.openverse, ask) == ["openverse-depth"]

    @pytest.mark.parametrize("query", [{"li": "by"}, {"license": "gpl"}])
    def test_openverse_parameters(self, web: Web, query: dict[str, str | int]) -> None:
        def ask() -> None:
            web.client().get_json(f"{web.openverse.endpoint}/images/", query)

        assert self.refused(web, web.openverse, ask) == ["openverse-parameters"]

    def test_openverse_burst(self, web: Web) -> None:
        client = web.client(rules={})

        def ask() -> None:
            for _ in range(21):
                client.get_json(f"{web.openverse.endpoint}/images/", {"q": "dome"})

        ask()
        assert web.openverse.refused == ["openverse-burst"]

    def test_openverse_sustained(self, works: list[Work], clock: VirtualClock) -> None:
        with FakeOpenverse(works, "", clock=clock, sustained=(2, 86400.0)) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            for _ in range(2):
                client.get_json(f"{server.endpoint}/images/", {"q": "dome"})
            with pytest.raises(RateLimitedError, match="hours"):
                client.get_json(f"{server.endpoint}/images/", {"q": "dome"})
            assert server.refused == ["openverse-sustained"]

    def test_wikimedia_agent(self, web: Web) -> None:
        client = web.client(contact="", rules={})
        for _ in range(11):
            client.get_json(
                web.commons.endpoint, {"action": "query", "list": "categorymembers", "cmtitle": "x"}
            )
        assert set(web.commons.refused) == {"wikimedia-agent"}

    def test_wikimedia_rate(self, works: list[Work], clock: VirtualClock) -> None:
        with FakeCommons(works, "", clock=clock, rate=(3, 60.0)) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            for _ in range(4):
                client.get_json(
                    server.endpoint, {"action": "query", "list": "categorymembers", "cmtitle": "x"}
                )
            assert "wikimedia-rate" in server.refused

    def test_wikimedia_thumbnails(self, works: list[Work], clock: VirtualClock) -> None:
        with FakeFiles(works, wikimedia=True, clock=clock) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            name = works[0].file
            client.download(f"{server.url}/thumb/{name}/960px-{name}", io.BytesIO(), max_bytes=10**7)
            with pytest.raises(RateLimitedError):
                client.download(f"{server.url}/thumb/{name}/600px-{name}", io.BytesIO(), max_bytes=10**7)
            assert set(server.refused) == {"wikimedia-thumbnails"}

    def test_wikimedia_maxlag(self, works: list[Work], clock: VirtualClock) -> None:
        with FakeCommons(works, "", clock=clock, lagged=1) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            data, _ = client.get_json(
                server.endpoint, {"action": "query", "maxlag": 5, "list": "categorymembers"}
            )
            assert data["error"]["code"] == "maxlag"


def test_commons_refusal_is_told(web: Web) -> None:
    web.commons.faults.append(as_json({"error": {"code": "badtoken", "info": "No."}}))
    with pytest.raises(BlockedError, match="No"):
        list(Commons(web.client(), web.commons.endpoint).search(Query("dome"), KNOWN, None))
