"""Where the pictures themselves lie, with every fault that a file server can have."""

import re
from collections.abc import Callable

from techniques.datasets.clock import Clock
from techniques.datasets.testkit.commons import STEPS, agent_reply
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.server import Asked, Reply, Server, Window

_THUMB = re.compile(r"/thumb/([^/]+)/(\d+)px-\1")


class FakeFiles(Server):
    """``strange`` answers for a file name; ``wikimedia`` keeps upload.wikimedia.org's rules."""

    def __init__(
        self,
        works: list[Work],
        *,
        strange: dict[str, Callable[[], Reply]] | None = None,
        robots: str | None = None,
        wikimedia: bool = False,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self._data = {work.file: work.data for work in works}
        self._strange, self._robots, self._wikimedia = strange or {}, robots, wikimedia
        self._window, self._without_contact = Window(200, 60.0), Window(10, 60.0)

    def answer(self, asked: Asked) -> Reply:
        """A file, a thumbnail, or robots.txt."""
        if self._wikimedia:
            if self._now > 2:
                return self.refuse("wikimedia-files", Reply(429, b"Too many requests at once"))
            refusal = agent_reply(asked, self._window, self._without_contact)
            if refusal is not None:
                return self.refuse("wikimedia-agent", refusal)
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
        return Reply(200, data, {"ETag": f'"{name}"'}, "image/jpeg")
