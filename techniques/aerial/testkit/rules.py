"""The rules that these servers enforce, each with the contract that it is taken from."""

from techniques.datasets.testkit.rules import Rule

__all__ = ["RULES"]

RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "tiles-agent",
            "a User-Agent that says who asks; a library's or a browser's gets a picture that says 'blocked'",
            "OSM Foundation, Tile Usage Policy: 'Valid User-Agent identifying application'",
        ),
        Rule("tiles-rate", "so many requests in any stretch, else 429 with Retry-After", "RFC 6585, 4"),
        Rule(
            "tiles-depth",
            "no level beyond the deepest: 404",
            "the record's own zoom, as in TileJSON 3.0.0, maxzoom",
        ),
        Rule(
            "tiles-coverage",
            "nothing outside the area: 404, 204, or a clear picture",
            "TileJSON 3.0.0, bounds",
        ),
        Rule("tiles-key", "a wrong or missing key: 401", "Mapbox API, 'Not Authorized - Invalid Token'"),
        Rule(
            "tiles-at-once", "at most so many requests at once, else 429", "OSM Foundation, Tile Usage Policy"
        ),
        Rule("wmts-missing", "MissingParameterValue, 400", "OGC 07-057r7, table 23"),
        Rule("wmts-invalid", "InvalidParameterValue, 400", "OGC 07-057r7, table 23"),
        Rule("wmts-range", "TileOutOfRange, 400", "OGC 07-057r7, table 23"),
        Rule("wmts-operation", "OperationNotSupported, 501", "OGC 07-057r7, table 23"),
        Rule("wms-exception", "a ServiceExceptionReport instead of a picture", "OGC 06-042, 6.11"),
    )
}
