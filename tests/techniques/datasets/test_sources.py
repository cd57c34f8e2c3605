"""Each source against the server that keeps its service's rules."""

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, PageChangedError, RateLimitedError, SourceError
from techniques.datasets.licences import KNOWN
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Query
from techniques.datasets.sources.commons import RULES, Commons, plain
from techniques.datasets.sources.openverse import Openverse
from techniques.datasets.testkit import rules
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


def test_all_subcategories_of_a_large_category_are_walked(works: list[Work], clock: VirtualClock) -> None:
    children = {"Category:Order": [*(f"Category:Empty {n}" for n in range(4)), "Category:Dome"]}
    with FakeCommons(works, "http://127.0.0.1:9", clock=clock, children=children, most_members=2) as server:
        source = Commons(Web(server, server, server, clock).client(rules={}), server.endpoint)  # type: ignore[arg-type]
        query = Query("Order", kind="category")
        pages = list(source.search(query, KNOWN, None))
        assert sum(len(page.candidates) for page in pages) == 12
        assert pages[-1].cursor is None
        for page in pages[:-1]:  # taken up anywhere, it comes to the same end
            again = list(source.search(query, KNOWN, json.loads(json.dumps(page.cursor))))
            assert sum(len(page.candidates) for page in again) == 12


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


ACCOUNT = ("id-of-mine", "secret-of-mine")


@pytest.fixture
def registered(works: list[Work], clock: VirtualClock) -> Iterator[FakeOpenverse]:
    many = [Work(**{**vars(works[0]), "number": number}) for number in range(1, 400)]
    with FakeOpenverse(many, "http://127.0.0.1:9", clock=clock, accounts=dict([ACCOUNT])) as server:
        yield server


def client_of(server: FakeOpenverse, clock: VirtualClock) -> Client:
    return Web(server, server, server, clock).client()  # type: ignore[arg-type]


def test_openverse_with_an_account_asks_for_larger_pages_as_deep(
    registered: FakeOpenverse, clock: VirtualClock
) -> None:
    source = Openverse(client_of(registered, clock), registered.endpoint, account=ACCOUNT)
    pages = list(source.search(Query("gothic"), KNOWN, None))
    assert [len(page.candidates) for page in pages] == [48] * 5
    assert len(set(numbers(pages))) == 240
    # One form with the secret, never an address; then its token.
    assert [asked.path for asked in registered.asked].count("/v1/auth_tokens/token/") == 1
    assert not any(ACCOUNT[1] in str(asked.query) for asked in registered.asked)
    assert {asked.headers.get("authorization") for asked in registered.asked[1:]} == {"Bearer token-1"}
    # Taken up from a cursor of either kind of page it gives the rest.
    assert len(set(numbers(list(source.search(Query("gothic"), KNOWN, pages[1].cursor))))) == 144
    anonymous = Openverse(client_of(registered, clock), registered.endpoint)
    small = list(anonymous.search(Query("gothic"), KNOWN, pages[1].cursor))
    assert sum(len(page.candidates) for page in small) == 240
    assert registered.refused == []


def test_openverse_with_an_account_is_asked_at_its_own_pace(
    registered: FakeOpenverse, clock: VirtualClock
) -> None:
    source = Openverse(client_of(registered, clock), registered.endpoint, account=ACCOUNT)
    for _ in range(60):
        list(source.search(Query("gothic"), KNOWN, None))
    searches = [asked.at for asked in registered.asked if asked.path == "/v1/images/"]
    assert registered.refused == []
    # 300 at 100 a minute; the first minute's second request has already learnt it.
    assert 120 <= searches[-1] - searches[0] <= 190


def test_a_token_is_renewed_before_it_ends(registered: FakeOpenverse, clock: VirtualClock) -> None:
    source = Openverse(client_of(registered, clock), registered.endpoint, account=ACCOUNT)
    for _ in range(3):
        list(source.search(Query("gothic"), KNOWN, None))
        clock.sleep(36_000 - 30)
    assert len(registered.tokens) == 3
    assert registered.refused == []


def test_an_account_that_is_not_known_is_said_without_its_secret(
    registered: FakeOpenverse, clock: VirtualClock
) -> None:
    source = Openverse(client_of(registered, clock), registered.endpoint, account=(ACCOUNT[0], "wrong-one"))
    with pytest.raises(BlockedError, match="OPENVERSE_CLIENT_ID") as caught:
        list(source.search(Query("gothic"), KNOWN, None))
    assert "wrong-one" not in str(caught.value)
    assert registered.refused == ["openverse-token"]


def test_what_is_posted_is_not_sent_on(registered: FakeOpenverse, clock: VirtualClock) -> None:
    registered.faults.append(Reply(307, headers={"Location": "/elsewhere"}))
    source = Openverse(client_of(registered, clock), registered.endpoint, account=ACCOUNT)
    with pytest.raises(BlockedError):
        list(source.search(Query("gothic"), KNOWN, None))
    assert len(registered.asked) == 1


def test_all_of_wikimedia_s_sites_count_together(
    tmp_path: Path, works: list[Work], clock: VirtualClock
) -> None:
    """Searches and files in one stretch of a minute, as its operators count them."""
    many = [
        Work(**{**vars(work), "number": 1000 * turn + work.number}) for turn in range(9) for work in works
    ]
    with (
        FakeCommons(many, "", clock=clock) as commons,
        FakeFiles(many, wikimedia=True, commons=commons, clock=clock) as files,
    ):
        commons.files = files.url
        web = Web(files, files, commons, clock)  # type: ignore[arg-type]
        client = web.client(rules={commons.address: RULES["commons.wikimedia.org"],
                                   files.address: RULES["upload.wikimedia.org"]})  # fmt: skip
        for page in Commons(client, commons.endpoint).search(Query("gothic"), KNOWN, None):
            for candidate in page.candidates:
                client.download(candidate.file_url, io.BytesIO(), max_bytes=10**7)
        assert commons.refused == files.refused == []
        moments = sorted(asked.at for asked in [*commons.asked, *files.asked])
        assert len(moments) > 270
        share = (len(moments) - 1) / (moments[-1] - moments[0]) / (200 / 60)
        assert share >= 0.95


def test_files_of_wikimedia_come_at_its_bandwidth(works: list[Work], clock: VirtualClock) -> None:
    large = [Work(**{**vars(work), "data": bytes(6_000_000)}) for work in works[:20]]
    with FakeFiles(large, wikimedia=True, clock=clock) as files:
        client = Web(files, files, files, clock).client(  # type: ignore[arg-type]
            rules={files.address: RULES["upload.wikimedia.org"]}
        )
        begun = clock.time()
        for work in large:
            client.download(f"{files.url}/files/{work.file}", io.BytesIO(), max_bytes=10**7)
        assert files.refused == []
        permitted = 20 * 6_000_000 / (25e6 / 8)
        assert permitted <= clock.time() - begun <= permitted * 1.05


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

    @pytest.mark.parametrize(("path", "most"), [("/w/api.php", 3), ("/files/work1.jpg", 2)])
    def test_wikimedia_at_once(self, works: list[Work], clock: VirtualClock, path: str, most: int) -> None:
        class Slow(FakeCommons if most == 3 else FakeFiles):  # type: ignore[misc]
            def hold(self) -> None:
                if self.most_at_once > most:
                    gate.set()
                gate.wait(5)

        gate = threading.Event()
        rule = "wikimedia-concurrency" if most == 3 else "wikimedia-files"
        options = {"files": ""} if most == 3 else {"wikimedia": True}
        with Slow(works, clock=clock, **options) as server:
            client = Web(server, server, server, clock).client(
                rules={server.address: HostRule(rates=((999, 1.0),), concurrency=9)}
            )
            with ThreadPoolExecutor(most + 1) as pool:
                asked = [
                    pool.submit(client.fetch, server.url + path, max_bytes=10**7) for _ in range(most + 1)
                ]
            assert all(one.result() for one in asked)
            assert set(server.refused) == {rule}

    def test_wikimedia_bandwidth(self, works: list[Work], clock: VirtualClock) -> None:
        large = [Work(**{**vars(work), "data": bytes(9_000_000)}) for work in works[:5]]
        with FakeFiles(large, wikimedia=True, clock=clock) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            for work in large:
                client.download(f"{server.url}/files/{work.file}", io.BytesIO(), max_bytes=10**7)
            assert set(server.refused) == {"wikimedia-bandwidth"}

    def test_wikimedia_scaled(self, works: list[Work], clock: VirtualClock) -> None:
        many = [Work(**{**vars(works[0]), "number": number, "width": 4000}) for number in range(1, 70)]
        with FakeCommons(many, "", clock=clock) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            asked = {"action": "query", "generator": "search", "gsrsearch": "gothic", "gsrlimit": 69,
                     "iiurlwidth": 1280}  # fmt: skip
            data, _ = client.get_json(server.endpoint, asked)
            assert len(data["query"]["pages"]) == 50
            assert server.refused == ["wikimedia-scaled"]

    def test_openverse_token(self, registered: FakeOpenverse, clock: VirtualClock) -> None:
        client = client_of(registered, clock)
        with pytest.raises(BlockedError):
            client.get_json(f"{registered.endpoint}/images/", {"q": "x"}, {"Authorization": "Bearer made-up"})
        assert registered.refused == ["openverse-token"]

    def test_wikimedia_maxlag(self, works: list[Work], clock: VirtualClock) -> None:
        with FakeCommons(works, "", clock=clock, lagged=1) as server:
            client = Web(server, server, server, clock).client(rules={})  # type: ignore[arg-type]
            data, _ = client.get_json(
                server.endpoint, {"action": "query", "maxlag": 5, "list": "categorymembers"}
            )
            assert data["error"]["code"] == "maxlag"
            assert server.refused == ["wikimedia-maxlag"]


def test_commons_refusal_is_told(web: Web) -> None:
    web.commons.faults.append(as_json({"error": {"code": "badtoken", "info": "No."}}))
    with pytest.raises(BlockedError, match="No"):
        list(Commons(web.client(), web.commons.endpoint).search(Query("dome"), KNOWN, None))


def test_every_rule_of_the_services_has_a_naive_client_that_is_refused() -> None:
    """Each is named where a naive client meets it, and each names the contract that it is taken from."""
    here = Path(__file__).parent
    shown = "".join((here / name).read_text() for name in ("test_sources.py", "test_own.py"))
    for name, rule in rules.RULES.items():
        assert rule.contract, name
        assert f'"{name}"' in shown, name
