"""Register for a CLI key, tell whether sign-up is open, say who calls (rest-account.md 4)."""

from __future__ import annotations

from typing import Final

from relay.accounts import emails, schemas
from relay.accounts.accounts import Accounts
from relay.accounts.attempts import address_key
from relay.accounts.passwords import POLICY_SUMMARY, PasswordsBusy, meets_policy
from relay.accounts.signup import SIGNUP_REFUSALS
from relay.accounts.tokens import well_formed
from relay.accounts.users import EmailTaken, Grant, SignupClosed, TooManyAttempts
from relay.http import body as bodies
from relay.http.errors import ErrorSpec
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import Shape

_LIMIT: Final = 1_048_576

TOO_MANY_REGISTRATIONS: Final = ErrorSpec(429, "Too many registration attempts. Please try again later.")
MISSING_FIELDS: Final = ErrorSpec(400, "Missing required fields: email, password")
INVALID_EMAIL: Final = ErrorSpec(400, "Invalid email format")
WEAK_PASSWORD: Final = ErrorSpec(400, POLICY_SUMMARY)
INVALID_CREDENTIALS: Final = ErrorSpec(401, "Invalid credentials")
NOT_AVAILABLE: Final = ErrorSpec(403, "Registration is not available.")
MISSING_NAME: Final = ErrorSpec(400, "Missing required field: name (required for new accounts)")
BUSY: Final = ErrorSpec(503, "Too many sign-ins at once. Please try again.")


class Register:
    """Answer the public account routes outside of `/api/auth`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def table(self) -> list[Route]:
        """Answer the rows."""
        return [
            Route(
                "POST",
                "/api/register",
                self.register,
                "Make an account or prove one, and get the CLI's key",
                auth=Auth.NONE,
                body=Body.RAW,
                errors=(
                    TOO_MANY_REGISTRATIONS,
                    MISSING_FIELDS,
                    INVALID_EMAIL,
                    WEAK_PASSWORD,
                    INVALID_CREDENTIALS,
                    NOT_AVAILABLE,
                    MISSING_NAME,
                    BUSY,
                    *SIGNUP_REFUSALS,
                ),
                shape=Shape(schemas.Registered, schemas.Registration),
            ),
            Route(
                "GET",
                "/api/signup-status",
                self.signup_status,
                "Tell whether sign-up is open",
                auth=Auth.NONE,
                shape=Shape(schemas.SignupStatus),
            ),
            Route("GET", "/api/me", self.me, "Say who calls", shape=Shape(schemas.Me)),
        ]

    async def register(self, call: Call) -> Json:
        """Answer `POST /api/register`; every attempt counts, and the body is read only after that.

        One scrypt runs whether the account exists or not, and a wrong password to a closed relay looks like no account.
        """
        address = self._accounts.address.ip(call.request)
        seconds = self._accounts.registrations.attempt(address_key(address))
        if seconds:
            raise TOO_MANY_REGISTRATIONS(headers={"Retry-After": str(seconds)})
        self._accounts.signup.check_origin(call.request)
        body = await bodies.read_json(call.request, Body.STRICT, _LIMIT)
        email, password, name = body.get("email"), body.get("password"), body.get("name")
        if not isinstance(email, str) or not isinstance(password, str) or not email or not password:
            raise MISSING_FIELDS()
        if not emails.is_registrable(email):
            raise INVALID_EMAIL()
        try:
            user_id = await self._prove(email, password, address)
            if user_id is None:
                user_id = await self._enroll(call, email, password, name, body.get("setupCode"))
        except TooManyAttempts as error:
            raise TOO_MANY_REGISTRATIONS(headers={"Retry-After": str(error.seconds)}) from error
        except PasswordsBusy as error:
            raise BUSY(headers={"Retry-After": "1"}) from error
        return {"ok": True, "key": await self._accounts.mint_cli_key(user_id)}

    async def _prove(self, email: str, password: str, address: str) -> str | None:
        """Answer the id of the user whose credentials these are, None for an unknown e-mail where sign-up is open.

        Credentials come before the policy: a weak password that was accepted once still proves its owner (4.3).
        """
        users, gate = self._accounts.users, self._accounts.signup
        user = await users.authenticate(email, password, address)
        if user is not None:
            return user.id
        if not meets_policy(password):
            raise WEAK_PASSWORD()
        if not gate.is_open:
            raise NOT_AVAILABLE()
        if await users.by_email(email) is not None:
            raise INVALID_CREDENTIALS()
        return None

    async def _enroll(self, call: Call, email: str, password: str, name: object, attempt: object) -> str:
        """Make a new account; raises ApiError."""
        grant: Grant = await self._accounts.signup.grant(call.request, attempt)
        if not isinstance(name, str) or not name.strip():
            raise MISSING_NAME()
        try:
            user = await self._accounts.users.create(
                email=email, name=well_formed(name), password=password, grant=grant
            )
        except (SignupClosed, EmailTaken) as error:
            # Somebody else was quicker.
            raise NOT_AVAILABLE() from error
        return user.id

    async def signup_status(self, call: Call) -> Json:
        """Answer `GET /api/signup-status`."""
        gate = self._accounts.signup
        return {
            "signupEnabled": gate.is_open,
            "setupCodeRequired": gate.needs_code(call.request),
            "accounts": not gate.is_setup,
        }

    async def me(self, call: Call) -> Json:
        """Answer `GET /api/me`."""
        return {"userId": call.user.user_id, "userName": call.user.user_name}
