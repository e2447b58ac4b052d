"""Answer the script that does at run time, in the page, what rewriting cannot do in its text (tunnel.md 3.5)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.kinds import Kind

#: Tests and users look for this name (3.5).
_ATTRIBUTE: Final = "data-pizzapi-tunnel-intercept"


@dataclass(frozen=True, slots=True)
class Injection:
    """Hold what is put into a page, and the source expression that lets it through a policy."""

    markup: bytes
    policy_hash: str


@cache
def _code() -> str:
    """Answer the code, without comments and indentation: it goes into every page."""
    text = resources.files(__package__).joinpath("interceptor.js").read_text("ascii")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def script_source(context: RewriteContext, kind: Kind) -> Injection:
    """Answer the script of a page, as 3.5 wants it; XHTML needs it in a CDATA section (3.6)."""
    siblings = "true" if context.mode == "path" else "false"
    settings = f'var B="{context.prefix}",P={context.port},S={siblings};\n'
    body = f"(function(){{{settings}{_code()}\n}})();"
    xhtml = kind is Kind.XHTML
    text = f"//\n{body}\n//" if xhtml else body
    digest = base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")
    inner = f"//<![CDATA[\n{body}\n//]]>" if xhtml else body
    opening = f'{_ATTRIBUTE}=""' if xhtml else _ATTRIBUTE
    base = ""
    if not context.request_path:
        base = f'<base data-pizzapi-tunnel-base="" href="{context.prefix}/"{" /" if xhtml else ""}>'
    return Injection(f"{base}<script {opening}>{inner}</script>".encode("ascii"), f"'sha256-{digest}'")
