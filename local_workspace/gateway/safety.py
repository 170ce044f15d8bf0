"""What a rule can say of a text's safety: it knows phrases that leave no doubt. The real guardrail asks a model."""

from __future__ import annotations

import re

_PHRASES = {
    "violent-crimes": (
        r"(?:build|make|assemble|detonate) (?:a |an )?(?:pipe )?(?:bomb|explosive)"
        r"|(?:kill|murder|stab|shoot) (?:someone|somebody|my |him|her|them)"
    ),
    "non-violent-crimes": r"(?:launder money|hotwire a car|pick(?:ing)? a lock to steal|shoplift)",
    "indiscriminate-weapons": r"(?:nerve agent|sarin|dirty bomb|weaponi[sz]e (?:anthrax|a virus))",
    "suicide-and-self-harm": r"(?:kill myself|end my life|hurt myself|commit suicide)",
    "hate": r"(?:ethnic cleansing is (?:good|right)|subhuman race)",
}
_FORMS = {name: re.compile(rf"\b(?:{phrases})", re.IGNORECASE) for name, phrases in _PHRASES.items()}


def categories(text: str) -> dict[str, bool]:
    """Say of each category whether a text belongs to it."""
    return {name: form.search(text) is not None for name, form in _FORMS.items()}
