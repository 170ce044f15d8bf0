"""Guardrails: what may be asked and answered, and what is hidden of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from local_workspace.errors import bad_request
from local_workspace.gateway import pii, safety

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.errors import ApiError

Side = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guardrail found in a call's or an answer's texts.

    Attributes:
        blocks: Whether the text may not pass.
        has_pii: Whether it holds personal data.
        categories: Of each safety category, whether the text belongs to it; None where safety is not asked for.
        keywords: Those of the invalid keywords that it holds.
    """

    blocks: bool = False
    has_pii: bool = False
    categories: Mapping[str, bool] | None = None
    keywords: tuple[str, ...] = ()

    def report(self, texts: list[dict[str, str]], *, side: Side) -> dict[str, Any]:
        """Return the entry of an `input_guardrail` or `output_guardrail` list.

        Args:
            texts: The texts with personal data hidden, as messages.
            side: Which of the two.
        """
        flagged = bool(self.keywords) or any((self.categories or {}).values())
        return {
            "flagged": flagged,
            "categories": None if self.categories is None else dict(self.categories),
            "category_scores": None,
            "pii_detection": self.has_pii,
            f"anonymized_{side}": texts if self.has_pii else None,
            **({"invalid_keywords": list(self.keywords)} if self.keywords else {}),
        }


class Guardrail:
    """One side's rules, and what they found so far.

    `valid_topics` takes a model to judge, and is not: see docs/local_workspace.md.

    Args:
        rules: The endpoint's `guardrails.input` or `guardrails.output`.
        side: Which of the two.
    """

    def __init__(self, rules: Mapping[str, Any], *, side: Side) -> None:
        self._side = side
        self._pii = str((rules.get("pii") or {}).get("behavior", "NONE"))
        self._is_safe_mode = bool(rules.get("safety"))
        words = [str(each) for each in rules.get("invalid_keywords") or () if str(each).strip()]
        self._keywords = {word: re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in words}
        self._hidden: list[dict[str, str]] = []
        self._all: list[str] = []
        self._has_pii = False

    @property
    def acts(self) -> bool:
        """Whether there is any rule."""
        return self._pii != "NONE" or self._is_safe_mode or bool(self._keywords)

    def read(self, text: str) -> str:
        """Judge one more text, and return it with personal data hidden, if that is asked for."""
        hidden, found = pii.masked(text) if self._pii != "NONE" else (text, frozenset())
        self._has_pii = self._has_pii or bool(found)
        self._all.append(text)
        self._hidden.append({"role": "user" if self._side == "input" else "assistant", "content": hidden})
        return hidden if self._pii == "MASK" else text

    def verdict(self) -> Verdict:
        """Say what was found in all the texts that were read."""
        whole = "\n".join(self._all)
        categories = safety.categories(whole) if self._is_safe_mode else None
        keywords = tuple(word for word, form in self._keywords.items() if form.search(whole))
        return Verdict(
            blocks=bool(keywords) or any((categories or {}).values()) or (self._pii == "BLOCK" and self._has_pii),
            has_pii=self._has_pii,
            categories=categories,
            keywords=keywords,
        )

    def report(self) -> list[dict[str, Any]]:
        """Return what an answer shows of it, as Databricks writes it."""
        return [self.verdict().report(self._hidden, side=self._side)]

    def refusal(self, *, usage: Mapping[str, int] | None = None) -> ApiError:
        """Return the 400 for a text that may not pass: its message is JSON, as the real one's is."""
        said = {
            "usage": dict(usage or {"prompt_tokens": 0, "total_tokens": 0}),
            f"{self._side}_guardrail": self.report(),
            "finishReason": f"{self._side}_guardrail_triggered",
        }
        return bad_request(json.dumps(said, ensure_ascii=False, separators=(",", ":")))
