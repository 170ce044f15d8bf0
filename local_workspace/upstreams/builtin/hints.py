"""Values that a text mentions, for filling a schema's fields: numbers, quotations, names, places, `key=value`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_QUOTATION = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|`([^`]+)`|(?<!\w)'([^']+)'(?!\w)")
# A capital, or a letter of a script that has none: anything but Latin's small letters.
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_PROPER = rf"{_CAPITAL}[\w'-]*(?:\s+(?:{_CAPITAL}[\w'-]*|de|la|of))*(?:,\s*{_CAPITAL}[\w'-]*)?"
_PLACE = re.compile(rf"\b(?:in|for|at|to|from|of|near|around)\s+(?:the\s+)?({_PROPER})")
_NAME = re.compile(rf"\b(?:[Nn]amed|[Cc]alled|[Nn]ame is|[Ii] am|I'm)\s+({_PROPER})")
_CAPITALISED = re.compile(rf"(?<![.!?]\s)(?<!^)\b({_PROPER})")
_TOPIC = re.compile(r"\b(?:about|regarding|concerning|on)\s+(?P<topic>[\w\s'-]+)", re.IGNORECASE)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_URL = re.compile(r"https?://[^\s\"'<>)]+")
_FORMATTED = {"date": _DATE, "email": _EMAIL, "uri": _URL, "url": _URL}

_PLACE_FIELDS = {"location", "city", "place", "country", "town", "region", "address", "destination", "state"}
_NAME_FIELDS = {"name", "person", "user", "username", "first_name", "full_name", "customer", "author"}
_WHOLE_TEXT_FIELDS = {
    "query", "question", "text", "input", "prompt", "message", "request", "content", "search", "q", "sentence",
}  # fmt: skip


class Hints:
    """The values that one text mentions, handed out in the order in which it mentions them.

    Args:
        text: What the user said.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = {word.lower() for word in re.findall(r"\w+", text)}
        self._numbers = [float(found) if "." in found else int(found) for found in _NUMBER.findall(text)]
        self._quotations = ["".join(groups) for groups in _QUOTATION.findall(text)]

    def pair(self, name: str) -> str | None:
        """The value that the text gives a field by name: `name=value`, `name: value`, `name "value"`."""
        spelled = re.escape(name).replace("_", r"[_\s-]")
        found = re.search(
            rf"\b{spelled}\b\s*(?:=|:|\bis\b|\bof\b|\bto\b)?\s*(?:[\"'“`]([^\"'”`]+)[\"'”`]|(?<=[=:])\s*([\w.+-]+))",
            self.text,
            re.IGNORECASE,
        )
        if found is None:
            return None
        value: str = found[1] or found[2]
        return value

    def number(self, name: str) -> float | None:
        """The number given by name, or else the next number of the text that no other field took."""
        named = self.pair(name)
        if named is not None and _NUMBER.fullmatch(named):
            value = float(named) if "." in named else int(named)
            if value in self._numbers:
                self._numbers.remove(value)
            return value
        return self._numbers.pop(0) if self._numbers else None

    def numbers(self) -> list[float]:
        """All numbers that no field took yet; they count as taken then."""
        taken, self._numbers = self._numbers, []
        return taken

    def one_of(self, options: list[object]) -> object | None:
        """The option that the text names."""
        lowered = self.text.lower()
        for option in options:
            if isinstance(option, str) and option and re.search(rf"\b{re.escape(option.lower())}\b", lowered):
                return option
        return None

    def string(self, name: str) -> str | None:
        """What the text says for a field of this name: by name, by kind, or the next quotation."""
        field = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        last_word = field.rsplit("_", 1)[-1]
        if (named := self.pair(name)) is not None:
            return named
        if (by_kind := self._by_kind(field, last_word)) is not None:
            return by_kind
        if (quoted := self._quotation()) is not None:
            return quoted
        return self.text.strip() if field in _WHOLE_TEXT_FIELDS or last_word in _WHOLE_TEXT_FIELDS else None

    def formatted(self, kind: str) -> str | None:
        """The text's first date, e-mail address or URL."""
        pattern = _FORMATTED.get(kind)
        found = pattern.search(self.text) if pattern else None
        return found[0] if found else None

    def says(self, name: str) -> bool:
        """Whether the text uses the words of a field's name."""
        return all(word in self._words for word in name.lower().split("_"))

    def topic(self) -> str | None:
        """What the text says that it is about."""
        found = _TOPIC.search(self.text)
        return " ".join(found["topic"].split()) if found else None

    def _quotation(self) -> str | None:
        return self._quotations.pop(0) if self._quotations else None

    def _by_kind(self, field: str, last_word: str) -> str | None:
        kinds = {field, last_word}
        if kinds & _PLACE_FIELDS:
            return _first(_PLACE, self.text) or _first(_CAPITALISED, self.text)
        if kinds & _NAME_FIELDS:
            # A name in quotation marks is meant to the letter; what follows it in capitals only explains it.
            return _first(_NAME, self.text) or self._quotation() or _first(_CAPITALISED, self.text)
        return self.formatted(last_word)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1].rstrip(",") if found else None
