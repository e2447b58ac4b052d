"""Let the interceptor through the service's own Content-Security-Policy, and nothing else (tunnel.md 3.6)."""

from __future__ import annotations

import re
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.urls import rewrite_location

#: The service names itself by an origin that the browser does not see it under.
_LOCAL_SOURCE: Final = re.compile(
    r"(?:(?:https?|wss?)://)?(?:127\.0\.0\.1|localhost|\[::1\])(?::(?:\d+|\*))?(?:/.*)?", re.IGNORECASE
)
_HASH_OR_NONCE: Final = re.compile(r"'(?:nonce-|sha(?:256|384|512)-)", re.IGNORECASE)
#: What governs inline scripts, first match first (CSP 3, 6.8.1).
_SCRIPT_DIRECTIVES: Final = ("script-src-elem", "script-src", "default-src")


def adapt_policy(value: str, context: RewriteContext, script_hash: str | None, *, base: bool) -> str:
    """Answer one Content-Security-Policy header value, which may hold several policies separated by commas.

    `script_hash` is the source expression of the injected script (`'sha256-…'`), None where none is injected; `base`
    says whether a `<base>` is injected too.
    """
    return ", ".join(_adapt_one(policy, context, script_hash, base=base) for policy in value.split(","))


def _adapt_one(policy: str, context: RewriteContext, script_hash: str | None, *, base: bool) -> str:
    """Answer one policy; a directive that is named twice counts the first time (CSP 3, 2.2.1)."""
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.split()
        if words and words[0].lower() not in directives:
            directives[words[0].lower()] = words[1:]
    for name, sources in directives.items():
        directives[name] = _own_sources(name, sources, context)
    if script_hash is not None:
        _allow_script(directives, script_hash)
    if base and "base-uri" in directives and "'self'" not in directives["base-uri"]:
        directives["base-uri"] = [*_without_none(directives["base-uri"]), "'self'"]
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())


def _own_sources(name: str, sources: list[str], context: RewriteContext) -> list[str]:
    """Answer the sources with the service's own origin as `'self'`, and report addresses with the prefix."""
    if name == "report-uri":
        return [rewrite_location(source, context) for source in sources]
    if name.endswith(("-src", "-src-elem", "-src-attr")) or name in ("form-action", "base-uri"):
        mapped = ["'self'" if _LOCAL_SOURCE.fullmatch(source) else source for source in sources]
        return list(dict.fromkeys(mapped)) if mapped != sources else sources
    return sources


def _allow_script(directives: dict[str, list[str]], script_hash: str) -> None:
    """Add the hash to what governs inline scripts, unless they are all allowed: a hash would end that."""
    governing = next((name for name in _SCRIPT_DIRECTIVES if name in directives), None)
    if governing is None:
        return
    sources = directives[governing]
    strict = any(_HASH_OR_NONCE.match(source) or source.lower() == "'strict-dynamic'" for source in sources)
    if not strict and any(source.lower() == "'unsafe-inline'" for source in sources):
        return
    target = "script-src" if governing == "default-src" else governing
    directives[target] = [*_without_none(sources), script_hash]


def _without_none(sources: list[str]) -> list[str]:
    """Answer the sources without `'none'`, which counts only where it is alone."""
    return [source for source in sources if source.lower() != "'none'"]
