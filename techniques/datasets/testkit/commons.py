"""Wikimedia Commons' interface, with its operators' demands on robots."""

import hashlib
import html
import math
import re

from techniques.datasets.clock import Clock
from techniques.datasets.licences import licence
from techniques.datasets.testkit.corpus import Work, matching
from techniques.datasets.testkit.server import Asked, Reply, Server, Window, as_json

STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
_CONTACT = re.compile(r"[^\s()]+@[^\s()]+\.[^\s()]+|https?://[^\s()]+")
_MOST_AT_ONCE = 3
_SCALED = 50


def agent_reply(asked: Asked, window: Window, without_contact: Window) -> Reply | None:
    """How Wikimedia treats a User-Agent: not at all, slowly, or as asked for. None lets it pass."""
    if not asked.agent:
        return Reply(403, b"Please set a user-agent and respect our robot policy", content_type="text/plain")
    known = _CONTACT.search(asked.agent) is not None
    wait = (window if known else without_contact).take(asked.at)
    if wait is None:
        return None
    body = b"<!DOCTYPE html><p>Please comply with the User-Agent policy or you will be rate limited</p>"
    return Reply(429, body, {"Retry-After": str(max(1, math.ceil(wait)))}, "text/html")


class FakeCommons(Server):
    """``files`` is where pictures lie; ``children`` are the subcategories of a category, ``most_members`` of
    them an answer.
    """

    def __init__(
        self,
        works: list[Work],
        files: str,
        *,
        children: dict[str, list[str]] | None = None,
        clock: Clock | None = None,
        rate: tuple[int, float] = (200, 60.0),
        lagged: int = 0,
        most_members: int = 500,
    ) -> None:
        super().__init__(clock)
        self.works, self.files, self.children, self.lagged = works, files, children or {}, lagged
        self.most_members = most_members
        self.window, self.without_contact = Window(*rate), Window(10, 60.0)

    @property
    def endpoint(self) -> str:
        """What a client takes for ``https://commons.wikimedia.org/w/api.php``."""
        return f"{self.url}/w/api.php"

    def answer(self, asked: Asked) -> Reply:
        """One request to the interface."""
        if self._now > _MOST_AT_ONCE:
            return self.refuse("wikimedia-concurrency", Reply(429, b"Too many requests at once"))
        refusal = agent_reply(asked, self.window, self.without_contact)
        if refusal is not None:
            rule = "wikimedia-rate" if _CONTACT.search(asked.agent) else "wikimedia-agent"
            return self.refuse(rule, refusal)
        if asked.path != "/w/api.php" or asked.query.get("action") != "query":
            return as_json(
                {"error": {"code": "badvalue", "info": "Unrecognized value for parameter action."}}
            )
        if self.lagged > 0 and "maxlag" in asked.query:
            self.lagged -= 1
            lag = {"code": "maxlag", "info": "Waiting for db1: 7 seconds lagged.", "lag": 7}
            return self.refuse("wikimedia-maxlag", as_json({"error": lag}, headers={"Retry-After": "5"}))
        if asked.query.get("list") == "categorymembers":
            return self._subcategories(asked.query)
        return self._generate(asked.query)

    def _subcategories(self, query: dict[str, str]) -> Reply:
        titles = self.children.get(query["cmtitle"], [])
        at = int(query.get("cmcontinue", "0"))
        end = min(len(titles), at + min(int(query.get("cmlimit", "10")), self.most_members))
        members = [{"pageid": 10_000 + n, "ns": 14, "title": titles[n]} for n in range(at, end)]
        answer: dict[str, object] = {"batchcomplete": True, "query": {"categorymembers": members}}
        if end < len(titles):
            answer["continue"] = {"cmcontinue": str(end), "continue": "-||"}
        return as_json(answer)

    def _generate(self, query: dict[str, str]) -> Reply:
        if query.get("generator") == "search":
            words = query["gsrsearch"].replace("filetype:bitmap", "")
            found, limit, start = matching(self.works, words), query["gsrlimit"], query.get("gsroffset", "0")
        else:
            found = [work for work in self.works if work.category == query["gcmtitle"]]
            limit, start = query["gcmlimit"], query.get("gcmcontinue", "0")
        size, at = int(limit), int(start)
        if "iiurlwidth" in query and size > _SCALED:
            self.refused.append("wikimedia-scaled")
            size = _SCALED
        page = found[at : at + size]
        answer: dict[str, object] = {}
        # Facts of some pages come only with the next request: here, those of the second half.
        half = len(page) // 2 if len(page) > 2 else len(page)
        second = "iicontinue" in query
        shown = set(range(half, len(page))) if second else set(range(half))
        if half < len(page) and not second:
            answer["continue"] = {"iicontinue": str(half), "continue": "||", **self._from(query, at)}
        else:
            answer["batchcomplete"] = True
            if at + size < len(found):
                answer["continue"] = {**self._from(query, at + size), "continue": "-||"}
        pages = [self._page(work, at + n + 1, query, whole=n in shown) for n, work in enumerate(page)]
        # By page number, as the real one answers: the rank is only in `index`.
        pages.sort(key=lambda entry: -int(str(entry["pageid"])))
        answer["query"] = {"pages": pages, "searchinfo": {"totalhits": len(found)}} if pages else {}
        return as_json(answer)

    def _from(self, query: dict[str, str], at: int) -> dict[str, object]:
        return {"gsroffset": at} if query.get("generator") == "search" else {"gcmcontinue": str(at)}

    def _page(self, work: Work, index: int, query: dict[str, str], *, whole: bool) -> dict[str, object]:
        entry: dict[str, object] = {
            "pageid": 500 + work.number,
            "ns": 6,
            "title": f"File:{work.title}.jpg",
            "index": index,
            "imagerepository": "local",
        }
        if whole:
            entry["imageinfo"] = [self._info(work, int(query.get("iiurlwidth", "0")))]
        return entry

    def _info(self, work: Work, width: int) -> dict[str, object]:
        info: dict[str, object] = {
            "url": f"{self.files}/files/{work.file}",
            "descriptionurl": f"{self.files}/wiki/File:{work.number}",
            "width": work.width,
            "height": work.height,
            "size": len(work.data),
            "mime": "image/jpeg",
            "mediatype": "BITMAP",
            "sha1": hashlib.sha1(work.data, usedforsecurity=False).hexdigest(),
            "user": work.creator,
            "extmetadata": self._facts(work),
        }
        if 0 < width < work.width:
            # The address is that of the next standard step; the answer repeats the width asked for.
            step = next((step for step in STEPS if step >= width), STEPS[-1])
            info |= {
                "thumburl": f"{self.files}/thumb/{work.file}/{step}px-{work.file}",
                "thumbwidth": width,
                "thumbheight": round(work.height * width / work.width),
            }
        return info

    def _facts(self, work: Work) -> dict[str, object]:
        terms = licence(work.licence, version=work.version)
        who = html.escape(work.creator)
        values = {
            "Artist": f'<a href="//commons.wikimedia.org/wiki/User:{who}" title="User:{who}">{who}</a>',
            "License": {"cc0": "cc0", "pdm": "pd"}.get(work.licence, f"cc-{work.licence}-{work.version}"),
            "LicenseShortName": terms.name,
            "LicenseUrl": terms.url,
            "ObjectName": work.title,
        }
        if work.number % 2:
            del values["LicenseUrl"]  # not every file page has it
        return {name: {"value": value, "source": "commons-desc-page"} for name, value in values.items()}
