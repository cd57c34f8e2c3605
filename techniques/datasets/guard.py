"""Addresses that a stranger's link may not lead us to."""

import ipaddress
import socket
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from techniques.datasets.errors import ForbiddenAddressError


def check_url(url: str) -> None:
    """Raises `ForbiddenAddressError` unless ``url`` is http(s) with a host and carries no password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise ForbiddenAddressError("the address cannot be read") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ForbiddenAddressError(
            f"the address begins with {parts.scheme or 'nothing'}:, not http: or https:"
        )
    if parts.username or parts.password:
        raise ForbiddenAddressError("the address carries a user name")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet: not this machine, its network, or a cloud's own."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


def _checked(sock: socket.socket) -> socket.socket:
    # The peer, not the name: a name can have one address when it is looked at and another when it is used.
    if not is_public(sock.getpeername()[0]):
        sock.close()
        raise ForbiddenAddressError(
            "it leads into a private network (--allow-private lifts this for your own server)"
        )
    return sock


class _PublicHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _PublicHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _PublicHTTPPool(HTTPConnectionPool):
    ConnectionCls = _PublicHTTP


class _PublicHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPS


PUBLIC_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PublicHTTPPool, "https": _PublicHTTPSPool}
