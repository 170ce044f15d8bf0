"""Personal data in a text, found by its form: what Databricks' guardrail names, by the same names."""

from __future__ import annotations

import ipaddress
import re

_CARD = re.compile(r"(?<![\d-])(?:\d[ -]?){12,18}\d(?![\d-])")
_NUMBERED = re.compile(r"(?i)\b(?:bank|account|acct|iban)\b[^\d\n]{0,20}(?P<number>\d{8,17})\b")
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_FORMS = {
    "EMAIL_ADDRESS": re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    "US_SSN": re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
    "PHONE_NUMBER": re.compile(
        r"(?<![\w-])(?<!\d[ .])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{2,4}[ .-])"
        r"\d{3,4}[ .-]\d{3,4}(?![\w-]|[ .]\d)"
    ),
}


def masked(text: str) -> tuple[str, frozenset[str]]:
    """Replace personal data by the names of what it is, `<EMAIL_ADDRESS>`.

    Returns:
        The text, and the names of what was found.
    """
    found: set[str] = set()

    def replace(name: str, written: str) -> str:
        found.add(name)
        return written.replace(written, f"<{name}>")

    text = _CARD.sub(lambda hit: replace("CREDIT_CARD", hit[0]) if _is_card(hit[0]) else hit[0], text)
    text = _NUMBERED.sub(
        lambda hit: hit[0][: hit.start("number") - hit.start()] + replace("US_BANK_NUMBER", hit["number"]), text
    )
    text = _ADDRESS.sub(lambda hit: replace("IP_ADDRESS", hit[0]) if _is_address(hit[0]) else hit[0], text)
    for name, form in _FORMS.items():
        text = form.sub(lambda hit, name=name: replace(name, hit[0]), text)  # type: ignore[misc]  # the default binds the loop's name
    return text, frozenset(found)


def _is_card(written: str) -> bool:
    digits = [int(each) for each in written if each.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _is_address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True
