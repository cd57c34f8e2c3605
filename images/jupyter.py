"""A Jupyter server seen from outside, the way a browser sees it: REST, terminals and kernels."""

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from images.errors import ImagesError

if TYPE_CHECKING:
    from websocket import WebSocket


@dataclass(frozen=True)
class JupyterServer:
    """Address ("host:port") and token."""

    address: str
    token: str

    @property
    def url(self) -> str:
        """What a person opens in a browser."""
        return f"http://{self.address}/lab?token={self.token}"

    def answers(self) -> bool:
        """Whether /api/status knows the token and says that the server has started."""
        import requests

        try:
            return "started" in self.get("/api/status", timeout=5)
        except (requests.RequestException, ImagesError):
            return False

    def get(self, path: str, *, timeout: float = 30) -> dict[str, Any]:
        """The JSON object at ``path``."""
        return self._ask("GET", path, None, timeout)

    def in_terminal(self, line: str, *, limit: float = 60) -> tuple[int, str]:
        """Type ``line`` into a new terminal; its exit status and everything that the terminal showed."""
        name = self._ask("POST", "/api/terminals", {})["name"]
        # What is typed is echoed; only the answer has the number in place of the format.
        end = secrets.token_hex(8)
        socket = self._connect(f"/terminals/websocket/{name}", limit)
        try:
            socket.send(json.dumps(["stdin", f"{line}; printf '%s=%d=\\n' {end} $?\r"]))
            shown = ""
            while f"{end}=" not in shown:
                kind, *rest = json.loads(socket.recv())
                if kind == "stdout":
                    shown += rest[0]
            while not shown.partition(f"{end}=")[2].partition("=")[1]:
                kind, *rest = json.loads(socket.recv())
                shown += rest[0] if kind == "stdout" else ""
        except _timeouts() as error:
            raise ImagesError(f"the terminal did not answer `{line}` within {limit:g} s") from error
        finally:
            socket.close()
            self._ask("DELETE", f"/api/terminals/{name}", None)
        before, _, after = shown.partition(f"{end}=")
        return int(after.partition("=")[0]), before

    def in_kernel(self, code: str, *, kernel: str = "python3", limit: float = 120) -> str:
        """Run ``code`` in a new kernel and return what it prints. Raises ImagesError if it raises."""
        kernel = self._ask("POST", "/api/kernels", {"name": kernel})["id"]
        socket = self._connect(f"/api/kernels/{kernel}/channels", limit)
        try:
            message = secrets.token_hex(16)
            socket.send(json.dumps(_execute_request(code, message)))
            return _collect(socket, message)
        except _timeouts() as error:
            raise ImagesError(f"the kernel did not answer within {limit:g} s") from error
        finally:
            socket.close()
            self._ask("DELETE", f"/api/kernels/{kernel}", None)

    def _connect(self, path: str, limit: float) -> "WebSocket":
        import websocket

        return websocket.create_connection(f"ws://{self.address}{path}?token={self.token}", timeout=limit)

    def _ask(self, method: str, path: str, body: object, timeout: float = 60) -> dict[str, Any]:
        import requests

        answer = requests.request(
            method,
            f"http://{self.address}{path}",
            json=body,
            headers={"Authorization": f"token {self.token}"},
            timeout=timeout,
        )
        if not answer.ok:
            raise ImagesError(f"Jupyter answered {method} {path} with {answer.status_code}")
        return dict(answer.json()) if answer.content else {}


def _execute_request(code: str, message: str) -> dict[str, Any]:
    """The message of Jupyter's protocol 5.3 for the shell channel."""
    return {
        "header": {
            "msg_id": message,
            "session": message,
            "username": "deepdesign",
            "msg_type": "execute_request",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "channel": "shell",
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
    }


def _collect(socket: "WebSocket", message: str) -> str:
    """Text that the request ``message`` printed, read until the kernel is idle again."""
    printed = ""
    while True:
        received = json.loads(socket.recv())
        if received.get("parent_header", {}).get("msg_id") != message:
            continue
        content, kind = received["content"], received["header"]["msg_type"]
        if kind == "stream":
            printed += content["text"]
        elif kind == "error":
            raise ImagesError(f"the kernel raised {content['ename']}: {content['evalue']}")
        elif kind == "status" and content["execution_state"] == "idle":
            return printed


def _timeouts() -> tuple[type[BaseException], ...]:
    import websocket

    return (websocket.WebSocketTimeoutException, websocket.WebSocketConnectionClosedException)
