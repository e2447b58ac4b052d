"""Password hashes and the pool that computes them: rest-account.md 3.2, 4.4."""

from __future__ import annotations

import asyncio
import threading

import pytest

from relay.accounts.passwords import Passwords, PasswordsBusy, hash_password, meets_policy, verify_password

VECTOR = (
    "1c9f03e61c2448032ec629179056fdb3:"
    "e2d588c526c9755614017e55559c65260e933399e4e8ba2d817ea106a78b3b435aab6a402fbacfb8df6ac78fc7ef4"
    "82a890773fc169ff894783df81b216e3a46"
)


@pytest.mark.parametrize(
    ("password", "right"),
    [("\uff30assw\u00f6rd1", True), ("Passw\u00f6rd1", True), ("passw\u00f6rd1", False), ("", False)],
)
def test_account_03_the_password_vector_verifies(password: str, right: bool) -> None:
    assert verify_password(password, VECTOR) is right


def test_a_new_hash_has_upstreams_form_and_a_salt_of_its_own() -> None:
    one, two = hash_password("Secret-1"), hash_password("Secret-1")
    salt, key = one.split(":")
    assert (len(salt), len(key)) == (32, 128)
    assert one == one.lower()
    assert one != two
    assert verify_password("Secret-1", one)


@pytest.mark.parametrize("stored", [None, "", "plain", VECTOR.upper(), VECTOR + "00", VECTOR.replace(":", "")])
def test_an_unreadable_hash_is_never_right(stored: str | None) -> None:
    assert not verify_password("Passw\u00f6rd1", stored)


def test_the_hash_of_nobody_is_no_password() -> None:
    # The key that unknown users are compared with is all zeros; None must lose even if a password derived to it.
    assert not verify_password("x", "0" * 32 + ":" + "0" * 128)
    assert not verify_password("x", None)


def test_texts_that_no_column_could_hold_are_hashed_as_a_browser_sends_them() -> None:
    stored = hash_password("Secret-1\ud800")
    assert verify_password("Secret-1\ufffd", stored)
    assert not verify_password("S" * 2000, stored)


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("Abcdefg1", True),
        ("A" + "b" * 126 + "1", True),
        ("Ab1" + "\U0001f600" * 126, False),
        ("Ab1" + "\U0001f600" * 125, True),
        ("Abcdef1", False),
        ("A" + "b" * 127 + "1", False),
        ("abcdefg1", False),
        ("ABCDEFG1", False),
        ("Abcdefgh", False),
        ("\u00c4bcdefg1", False),
        (None, False),
        (12345678, False),
    ],
)
def test_the_policy_counts_code_points_and_asks_for_three_kinds(password: object, good: bool) -> None:
    assert meets_policy(password) is good


async def test_hashing_never_blocks_the_loop() -> None:
    passwords = Passwords(threads=2)
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def heartbeat() -> None:
        nonlocal longest
        last = loop.time()
        while True:
            await asyncio.sleep(0.002)
            longest = max(longest, loop.time() - last)
            last = loop.time()

    beating = loop.create_task(heartbeat())
    started = loop.time()
    results = await asyncio.gather(*(passwords.verify("x" * 1000, VECTOR) for _ in range(8)))
    took = loop.time() - started
    beating.cancel()
    await asyncio.wait({beating})
    await passwords.close()
    assert results == [False] * 8
    assert longest < took / 4, f"the loop stood still for {longest:.3f} s of {took:.3f} s"


async def test_hashing_runs_in_its_own_few_threads() -> None:
    passwords = Passwords(threads=2, waiting=64)
    before = {thread.name for thread in threading.enumerate()}
    await asyncio.gather(*(passwords.verify("x", None) for _ in range(6)))
    new = {thread.name for thread in threading.enumerate()} - before
    assert len(new) == 2
    assert all(name.startswith("scrypt") for name in new)
    await passwords.close()


async def test_the_queue_is_bounded_and_counts_checks_whose_caller_left() -> None:
    passwords = Passwords(threads=1, waiting=2)
    checks = [asyncio.create_task(passwords.verify("x", VECTOR)) for _ in range(3)]
    await asyncio.sleep(0)
    for check in checks:
        check.cancel()
    await asyncio.wait(checks)
    with pytest.raises(PasswordsBusy):
        await passwords.verify("x", VECTOR)
    async with asyncio.timeout(10):
        while True:
            try:
                assert await passwords.verify("Passw\u00f6rd1", VECTOR)
                break
            except PasswordsBusy:
                await asyncio.sleep(0.01)
    await passwords.close()
