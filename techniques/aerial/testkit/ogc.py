"""A WMTS and a WMS that are as strict as their standards."""

import io
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from techniques.aerial.grid import HALF, Tile, resolution
from techniques.aerial.testkit.paint import Painter, coordinates, encoded
from techniques.datasets.clock import Clock
from techniques.datasets.testkit.server import Asked, Reply, Server

__all__ = ["FakeWMS", "FakeWMTS"]

_TILE = (
    "service",
    "version",
    "request",
    "layer",
    "style",
    "format",
    "tilematrixset",
    "tilematrix",
    "tilerow",
    "tilecol",
)
_NAMESPACES = (
    'xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)


class FakeWMTS(Server):
    """One layer ``ortho`` on the Web Mercator grid, by query or (``rest``) by address.

    ``limits`` are first and last row and column at ``deepest``; ``corner`` is where the sets claim to begin.
    """

    def __init__(
        self,
        paint: Painter = encoded,
        *,
        deepest: int = 19,
        rest: bool = False,
        limits: tuple[int, int, int, int] | None = None,
        corner: str = f"{-HALF!r} {HALF!r}",
        prefix: str = "EPSG:3857:",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self.paint, self.deepest, self.rest, self.limits = paint, deepest, rest, limits
        self.corner, self.prefix = corner, prefix

    @property
    def endpoint(self) -> str:
        """The address for a record."""
        return f"{self.url}/wmts"

    def answer(self, asked: Asked) -> Reply:
        """One request, by OGC 07-057r7."""
        query = {name.lower(): value for name, value in asked.query.items()}
        if asked.path.startswith("/rest/"):
            parts = asked.path.removeprefix("/rest/").rpartition(".")[0].split("/")
            query = dict(
                zip(
                    ("layer", "style", "tilematrixset", "tilematrix", "tilerow", "tilecol"),
                    parts,
                    strict=False,
                )
            )
            query |= {"service": "WMTS", "request": "GetTile", "version": "1.0.0", "format": "image/png"}
        for name in ("service", "request"):
            if name not in query:
                return self._problem("wmts-missing", "MissingParameterValue", name)
        if query["request"] == "GetCapabilities":
            return Reply(200, self.capabilities().encode(), content_type="application/xml")
        if query["request"] != "GetTile":
            return self._problem("wmts-operation", "OperationNotSupported", query["request"], 501)
        for name in _TILE:
            if name not in query:
                return self._problem("wmts-missing", "MissingParameterValue", name)
        return self._tile(query)

    def _tile(self, query: dict[str, str]) -> Reply:
        known = {"layer": "ortho", "style": "normal", "format": "image/png", "tilematrixset": "PM"}
        for name, value in known.items():
            if query[name] != value:
                return self._problem("wmts-invalid", "InvalidParameterValue", name)
        level = query["tilematrix"].removeprefix(self.prefix)
        if (
            not level.isdigit()
            or not query["tilematrix"].startswith(self.prefix)
            or int(level) > self.deepest
        ):
            return self._problem("wmts-invalid", "InvalidParameterValue", "tilematrix")
        tile = Tile(int(level), int(query["tilecol"]), int(query["tilerow"]))
        top, bottom, left, right = self._limits(tile.z)
        if not (top <= tile.y <= bottom and left <= tile.x <= right):
            return self._problem("wmts-range", "TileOutOfRange", "tilerow")
        return Reply(200, self.paint(tile, 256), {"Cache-Control": "max-age=3600"}, "image/png")

    def _limits(self, level: int) -> tuple[int, int, int, int]:
        if self.limits is None:
            return 0, (1 << level) - 1, 0, (1 << level) - 1
        up = self.deepest - level
        top, bottom, left, right = (edge >> up for edge in self.limits)
        return top, bottom, left, right

    def _problem(self, rule: str, code: str, locator: str, status: int = 400) -> Reply:
        text = (
            '<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1">'
            f'<ows:Exception exceptionCode="{code}" locator="{escape(locator)}"/></ows:ExceptionReport>'
        )
        return self.refuse(rule, Reply(status, text.encode(), content_type="application/xml"))

    def capabilities(self) -> str:
        """The document that the service describes itself with."""
        matrices = "".join(
            f"<TileMatrix><ows:Identifier>{self.prefix}{level}</ows:Identifier>"
            f"<ScaleDenominator>{resolution(level) / 0.00028!r}</ScaleDenominator>"
            f"<TopLeftCorner>{self.corner}</TopLeftCorner>"
            "<TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
            f"<MatrixWidth>{1 << level}</MatrixWidth><MatrixHeight>{1 << level}</MatrixHeight></TileMatrix>"
            for level in range(self.deepest + 1)
        )
        limits = ""
        if self.limits is not None:
            limits = "".join(
                "<TileMatrixLimits><TileMatrix>{}{}</TileMatrix>"
                "<MinTileRow>{}</MinTileRow><MaxTileRow>{}</MaxTileRow>"
                "<MinTileCol>{}</MinTileCol><MaxTileCol>{}</MaxTileCol></TileMatrixLimits>".format(
                    self.prefix, level, *self._limits(level)
                )
                for level in range(self.deepest + 1)
            )
            limits = f"<TileMatrixSetLimits>{limits}</TileMatrixSetLimits>"
        resource = ""
        if self.rest:
            # Variables in another case than the standard's, as some servers write them.
            tile = "{tileMatrix}/{tileRow}/{tileCol}"
            address = f"{self.url}/rest/ortho/{{style}}/{{TileMatrixSet}}/{tile}.png"
            resource = f'<ResourceURL format="image/png" resourceType="tile" template="{address}"/>'
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Capabilities {_NAMESPACES} version="1.0.0"><Contents>'
            "<Layer><ows:Title>Orthophoto</ows:Title><ows:Identifier>ortho</ows:Identifier>"
            "<Style><ows:Identifier>grey</ows:Identifier></Style>"
            '<Style isDefault="true"><ows:Identifier>normal</ows:Identifier></Style>'
            "<Format>image/png</Format>"
            "<TileMatrixSetLink><TileMatrixSet>WGS84</TileMatrixSet></TileMatrixSetLink>"
            f"<TileMatrixSetLink><TileMatrixSet>PM</TileMatrixSet>{limits}</TileMatrixSetLink>{resource}</Layer>"
            "<TileMatrixSet><ows:Identifier>WGS84</ows:Identifier>"
            "<ows:SupportedCRS>urn:ogc:def:crs:EPSG::4326</ows:SupportedCRS></TileMatrixSet>"
            "<TileMatrixSet><ows:Identifier>PM</ows:Identifier>"
            f"<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>{matrices}</TileMatrixSet>"
            "</Contents></Capabilities>"
        )


class FakeWMS(Server):
    """One layer ``ortho`` in EPSG:3857, version 1.3.0, coordinate-encoding at the zoom that is asked for."""

    def answer(self, asked: Asked) -> Reply:
        """One GetMap, by OGC 06-042; errors come with status 200, as that standard lets them."""
        query = {name.lower(): value for name, value in asked.query.items()}
        for name in ("version", "request", "layers", "styles", "crs", "bbox", "width", "height", "format"):
            if name not in query:
                return self._problem("MissingParameterValue", name)
        if query["crs"] != "EPSG:3857":
            return self._problem("InvalidCRS", query["crs"])
        if query["layers"] != "ortho":
            return self._problem("LayerNotDefined", query["layers"])
        width, height = int(query["width"]), int(query["height"])
        if max(width, height) > 2048:
            return self._problem("InvalidParameterValue", "width")
        west, _, east, north = (float(edge) for edge in query["bbox"].split(","))
        size = (east - west) / width
        x = np.arange(width)[None, :] + round((west + HALF) / size)
        y = np.arange(height)[:, None] + round((HALF - north) / size)
        written = io.BytesIO()
        Image.fromarray(coordinates(x, y)).save(written, "PNG")
        return Reply(200, written.getvalue(), content_type="image/png")

    def _problem(self, code: str, text: str) -> Reply:
        body = (
            '<?xml version="1.0"?><ServiceExceptionReport version="1.3.0" xmlns="http://www.opengis.net/ogc">'
            f'<ServiceException code="{code}">{escape(text)}</ServiceException></ServiceExceptionReport>'
        )
        return self.refuse("wms-exception", Reply(200, body.encode(), content_type="text/xml"))
