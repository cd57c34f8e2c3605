"""Where the pictures themselves lie, with every fault that a file server can have."""

import re
from collections import deque
from collections.abc import Callable

from techniques.datasets.clock import Clock
from techniques.datasets.testkit.commons import STEPS, FakeCommons, agent_reply
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.server import Asked, Reply, Server, Window

_BYTES_PER_SECOND, _STRETCH = 25e6 / 8, 10.0
_THUMB = re.compile(r"/thumb/([^/]+)/(\d+)px-\1")


class FakeFiles(Server):
    """``strange`` answers for a file name; ``wikimedia`` keeps upload.wikimedia.org's rules.

    With ``commons`` its requests count together with those to that server, as at Wikimedia's own.
    """

    def __init__(
        self,
        works: list[Work],
        *,
        strange: dict[str, Callable[[], Reply]] | None = None,
        robots: str | None = None,
        wikimedia: bool = False,
        commons: FakeCommons | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self._data = {work.file: work.data for work in works}
        self._strange, self._robots, self._wikimedia = strange or {}, robots, wikimedia
        self._window, self._without_contact = Window(200, 60.0), Window(10, 60.0)
        if commons is not None:
            self._window, self._without_contact = commons.window, commons.without_contact
        self._sent: deque[tuple[float, int]] = deque()

    def answer(self, asked: Asked) -> Reply:
        """A file, a thumbnail, or robots.txt."""
        if self._wikimedia:
            if self._now > 2:
                return self.refuse("wikimedia-files", Reply(429, b"Too many requests at once"))
            refusal = agent_reply(asked, self._window, self._without_contact)
            if refusal is not None:
                known = self._window.left(asked.at) <= 0
                return self.refuse("wikimedia-rate" if known else "wikimedia-agent", refusal)
            if self._too_much(asked.at):
                body = b"Too much bandwidth"
                return self.refuse("wikimedia-bandwidth", Reply(429, body, {"Retry-After": "10"}))
        if asked.path == "/robots.txt":
            if self._robots is None:
                return Reply(404)
            return Reply(200, self._robots.encode(), content_type="text/plain")
        name = asked.path.rpartition("/")[2]
        if thumbnail := _THUMB.fullmatch(asked.path):
            name = thumbnail.group(1)
            if int(thumbnail.group(2)) not in STEPS:
                reply = Reply(429, b"Use thumbnail steps listed on w.wiki/GHai", content_type="text/plain")
                return self.refuse("wikimedia-thumbnails", reply)
        if name in self._strange:
            return self._strange[name]()
        data = self._data.get(name)
        if data is None:
            return Reply(404, b"<html>Not found</html>", content_type="text/html")
        mark = f'"{name}"'
        if asked.headers.get("if-none-match") == mark:
            return Reply(304, b"", {"ETag": mark})
        self._sent.append((asked.at, len(data)))
        return Reply(200, data, {"ETag": mark}, "image/jpeg")

    def _too_much(self, now: float) -> bool:
        """Whether the files of the last ten seconds were more than 25 Mbit/s."""
        while self._sent and self._sent[0][0] <= now - _STRETCH:
            self._sent.popleft()
        return sum(size for _, size in self._sent) > _BYTES_PER_SECOND * _STRETCH
