"""The rules that the servers enforce, each with the contract that it is taken from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """What a service demands, and where it says so."""

    name: str
    demand: str
    contract: str


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "openverse-burst",
            "20 requests in any 60 s",
            "X-RateLimit-Limit-anon_burst of api.openverse.org, 2026",
        ),
        Rule(
            "openverse-sustained",
            "200 requests in any 24 h",
            "X-RateLimit-Limit-anon_sustained of api.openverse.org, 2026",
        ),
        Rule(
            "openverse-page-size",
            "page_size at most 20 without a token, else 401",
            "Openverse API, images_search: 'Maximum is 20 for unauthenticated requests'",
        ),
        Rule(
            "openverse-token",
            "an access token that it has given, else 401",
            "Openverse API, /v1/auth_tokens/token/: client_credentials",
        ),
        Rule("openverse-depth", "page * page_size at most 240", "Openverse API, MAX_PAGINATION_DEPTH"),
        Rule(
            "openverse-parameters",
            "old names (li, lt, pagesize, provider) and unknown licences: 400",
            "Openverse API, MediaSearchRequestSerializer",
        ),
        Rule(
            "wikimedia-agent",
            "no User-Agent: 403; one without a contact: 10 requests a minute",
            "Wikimedia Foundation User-Agent Policy; rate limits of 2026",
        ),
        Rule(
            "wikimedia-rate",
            "200 requests in any 60 s, at all their sites together",
            "Wikimedia API rate limits, 2026",
        ),
        Rule(
            "wikimedia-bandwidth",
            "25 Mbit/s of files, over any 10 s",
            "Wikimedia robot policy, 2026, upload.wikimedia.org",
        ),
        Rule("wikimedia-concurrency", "at most 3 requests at once", "Wikimedia robot policy, 2026"),
        Rule(
            "wikimedia-files", "at most 2 files at once", "Wikimedia robot policy, 2026, upload.wikimedia.org"
        ),
        Rule(
            "wikimedia-thumbnails", "standard widths only, else 429", "https://w.wiki/GHai (Thumbnail steps)"
        ),
        Rule("wikimedia-scaled", "at most 50 scaled pictures an answer", "API:Imageinfo, iiurlwidth"),
        Rule("flickr-key", "an unknown key: code 100 with status 200", "flickr.photos.search, error codes"),
        Rule("flickr-rate", "3,600 requests an hour, else 429", "Flickr Developer Guide, API"),
        Rule(
            "flickr-license",
            "`license`, not `licence`: another name is ignored",
            "flickr.photos.search, arguments; flickrapi issue 108",
        ),
        Rule("flickr-depth", "4,000 results: later pages repeat", "flickr.photos.search, 'Please note'"),
        Rule(
            "wikimedia-maxlag",
            "an error in a body of status 200, with Retry-After",
            "Manual:Maxlag parameter",
        ),
    )
}
