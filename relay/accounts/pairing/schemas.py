"""Describe the bodies of setup claims and mobile links (rest-account.md 5, 6)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class NewClaim(TypedDict):
    """Ask for a claim; of the label only what may be shown is kept."""

    relayUrl: str
    label: NotRequired[str]


class ClaimMade(TypedDict):
    """Answer a claim's token and its end."""

    token: str
    expiresAt: str


ClaimStatus = Literal["pending", "approved", "redeemed", "expired"]


class ClaimPolled(TypedDict):
    """Say how a claim stands; the first poll after the approval has the key."""

    status: ClaimStatus
    relayUrl: str
    label: NotRequired[str]
    apiKey: NotRequired[str]


class ClaimShown(TypedDict):
    """Say how a claim stands, to whoever may approve it."""

    status: ClaimStatus
    label: NotRequired[str]


class NewLink(TypedDict):
    """Ask for a mobile link."""

    relayUrl: str


class LinkEntry(TypedDict):
    """Describe a mobile link; the code and the phone are there once it was scanned."""

    id: str
    status: Literal["pending", "scanned", "approved", "expired"]
    relayUrl: str
    expiresAt: str
    verificationToken: NotRequired[str]
    deviceName: NotRequired[str]
    scannedUrl: NotRequired[str]


class LinkRedeemed(LinkEntry):
    """Describe an approved link with its key, once."""

    apiKey: str


class LinkScan(TypedDict):
    """Tell what a phone scanned; the code has six upper-case letters or digits."""

    verificationToken: str
    deviceName: NotRequired[str]
    scannedUrl: NotRequired[str]


class LinkApproval(TypedDict):
    """Name the code that the phone shows."""

    verificationToken: str
