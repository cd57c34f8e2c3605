"""What engines, registries and installers say when something common is wrong, and what it means."""

import re

_FULL = "the disk is full; `docker system prune` gives back what old builds hold"
_UNTRUSTED = "the network's certificates are not trusted; hand in your firm's CA with --ca FILE"
_ALTERED = "a download is not the one in the lock file; make the locks anew with: deepdesign-images lock"

# Looked for in this order and in any case of letters: every program has words of its own.
_OF_A_BUILD = (
    (r"no space left on device", _FULL),
    (r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate", _UNTRUSTED),
    (r"do not match the hashes|hash mismatch", _ALTERED),
    (r"failed to resolve source metadata", "the base image cannot be had"),
)
_OF_A_REGISTRY = (
    (
        r"x509:|certificate signed by unknown authority",
        "its certificate is not trusted; give the engine your firm's CA, as "
        "https://docs.docker.com/engine/security/certificates/ says",
    ),
    (r"no basic auth|unauthorized|authentication required|\b401\b", "log in first, with: docker login"),
    (r"denied|forbidden|\b403\b", "the account that is logged in may not do that there"),
    (
        r"connection refused|no such host|i/o timeout",
        "it does not answer; look at its name and at the network",
    ),
)


def of_a_build(said: str) -> str | None:
    """What an error of a build or of the engine means; None for one that speaks for itself."""
    return _meaning(_OF_A_BUILD, said)


def of_a_registry(said: str) -> str:
    """``said``, a registry's refusal, in one line and with what to do about it."""
    line, meaning = " ".join(said.removeprefix("ERROR: ").split()), _meaning(_OF_A_REGISTRY, said)
    return f"{meaning} ({line})" if meaning else line


def _meaning(table: tuple[tuple[str, str], ...], said: str) -> str | None:
    return next((meaning for mark, meaning in table if re.search(mark, said, re.IGNORECASE)), None)
