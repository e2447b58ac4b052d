"""Decide who may make an account: the set-up rule before the first, the sign-up setting after (rest-account.md 4.1).

Cross-site forms and DNS rebinding reach loopback too, so being on this machine is not enough.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from relay.accounts.attempts import SignInAttempts
from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditEvent
from relay.accounts.setup_code import SetupCode
from relay.accounts.users import Grant, Users
from relay.http.client_address import ClientAddress
from relay.http.errors import ErrorSpec
from relay.http.origins import OriginPolicy

SIGNUPS_DISABLED: Final = ErrorSpec(403, "Signups are disabled. Contact the administrator.", "SIGNUPS_DISABLED")
SETUP_FOREIGN_ORIGIN: Final = ErrorSpec(
    403, "The first account can only be made from the relay's own page, not from another site.", "SIGNUPS_DISABLED"
)
SETUP_FOREIGN_HOST: Final = ErrorSpec(
    403,
    "The first account can only be made at an IP address, localhost or a host name from the relay's configuration.",
    "SIGNUPS_DISABLED",
)
SETUP_CODE_REQUIRED: Final = ErrorSpec(
    403, "The first account needs the set-up code that the relay printed in its terminal.", "SIGNUPS_DISABLED"
)
SETUP_CODE_WRONG: Final = ErrorSpec(
    403, "This is not the set-up code that the relay printed in its terminal.", "INVALID_SETUP_CODE"
)
TOO_MANY_ATTEMPTS: Final = ErrorSpec(429, "Too many failed attempts. Please try again later.", "TOO_MANY_ATTEMPTS")

#: What keeps a stranger from the first account (4.1).
SIGNUP_REFUSALS: Final = (
    SETUP_FOREIGN_ORIGIN,
    SETUP_FOREIGN_HOST,
    SETUP_CODE_REQUIRED,
    SETUP_CODE_WRONG,
    TOO_MANY_ATTEMPTS,
)

_OWN_SITES: Final = frozenset({"same-origin", "none"})


class SignupGate:
    """Answer whether a request may make an account, and on what ground."""

    def __init__(
        self,
        users: Users,
        code: SetupCode,
        attempts: SignInAttempts,
        address: ClientAddress,
        origins: OriginPolicy,
        *,
        open_signup: bool,
        hostnames: frozenset[str],
        audit: AuditLog,
    ) -> None:
        self._audit = audit
        self._users = users
        self._code = code
        self._attempts = attempts
        self._address = address
        self._origins = origins
        self._open = open_signup
        self._hostnames = hostnames

    @property
    def is_setup(self) -> bool:
        """Tell whether the first account is still to be made."""
        return not self._users.any

    @property
    def is_open(self) -> bool:
        """Tell whether sign-ups are accepted at all."""
        return self._open or self.is_setup

    def needs_code(self, request: web.Request) -> bool:
        """Tell whether this client must send the set-up code."""
        return self.is_setup and not self._address.is_loopback(request)

    def check_origin(self, request: web.Request) -> None:
        """Refuse, while there is no account, what a stranger's page could send; raises ApiError 403."""
        if not self.is_setup:
            return
        origin = request.headers.get("Origin")
        if origin is not None and not self._origins.is_own(request, origin):
            raise SETUP_FOREIGN_ORIGIN()
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None and site not in _OWN_SITES:
            raise SETUP_FOREIGN_ORIGIN()
        if not self._origins.host_is_safe(request, self._hostnames):
            raise SETUP_FOREIGN_HOST()

    def check_closed(self, request: web.Request) -> None:
        """Refuse what no body can mend, before the body is read; raises ApiError 403."""
        if not self.is_open:
            raise SIGNUPS_DISABLED()
        self.check_origin(request)

    async def grant(self, request: web.Request, attempt: object) -> Grant:
        """Answer the ground for a new account; `attempt` is the `setupCode` of the body. Raises ApiError 403 or 429."""
        if not self.is_setup:
            if not self._open:
                raise SIGNUPS_DISABLED()
            return Grant(anybody=True)
        self.check_origin(request)
        if not self.needs_code(request):
            return Grant(anybody=self._open, first=True)
        if not isinstance(attempt, str) or not attempt:
            raise SETUP_CODE_REQUIRED()
        address = self._address.ip(request)
        seconds = self._attempts.blocked(address)
        if seconds:
            raise TOO_MANY_ATTEMPTS(headers={"Retry-After": str(seconds)})
        if not await self._code.matches(attempt):
            self._attempts.failed_at(address)
            self._audit.note(AuditEvent.SETUP_FAILED)
            raise SETUP_CODE_WRONG()
        return Grant(anybody=self._open, first=True)
