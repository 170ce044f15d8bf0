"""What the built-in model says: the first rule that understands the words answers them.

The rules cover what examples and tests ask a model to do (say this, count, add, remember a name), so that
they read well; everything else is quoted back with an honest sentence on who is speaking.
"""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.upstreams.builtin.prompt import Prompt

_QUOTES = "\"'`“”\u2018\u2019«»"
_COUNT_LIMIT = 10_000

_SAY = re.compile(
    r"\b(?:say|reply|respond|answer|repeat|echo|print|output|write|return)"
    r"(?:\s+(?:back|after me|with|only|just|exactly|simply|nothing but|the words?|the phrase|the text|the following))*"
    r"\s*[:,]?\s+(?P<what>.+)",
    re.IGNORECASE | re.DOTALL,
)
_SAY_PLAINLY = re.compile(
    r"^\W*(?:please\s+)?(?:just\s+)?(?:(?:say|echo)\b|(?:reply|respond|answer)\s+(?:only\s+|just\s+|exactly\s+)?with\b"
    r"|repeat\s+after\s+me\b)|\b(?:reply|respond|answer)\s+(?:only|just|exactly)?\s*with\b|\bsay\s+(?:exactly|only)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\s+(?P<times>\d+)\s+times\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount(?:\s+up)?\s+(?:from\s+(?P<first>-?\d+)\s+)?to\s+(?P<last>-?\d+)", re.IGNORECASE)
_LIST = re.compile(r"\b(?:list|name|give me)\s+(?P<many>\d{1,3})\s+(?P<things>[\w -]+)", re.IGNORECASE)
_ASKS_NAME = re.compile(r"\bwhat(?:'s| is| was)\s+my\s+name\b|\bdo you (?:know|remember) my name\b", re.IGNORECASE)
_GIVES_NAME = re.compile(r"\b[Mm]y name is\s+(?P<name>\w+)|\b[Ii](?:'m| am)\s+(?P<capital>[A-Z]\w+)")
_GREETING = re.compile(r"^\W*(?:hello|hi|hey|good (?:morning|afternoon|evening))\b[\w\s,]{0,20}\W*$", re.IGNORECASE)
_THANKS = re.compile(r"^\W*(?:thanks|thank you)\b", re.IGNORECASE)
_WORD_OPERATORS = {
    "plus": "+", "added to": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/",
    "to the power of": "**", "\u00d7": "*", "\u00f7": "/", "^": "**", "\u2212": "-",
}  # fmt: skip
_WORD_OPERATOR = re.compile(rf"\s*({'|'.join(map(re.escape, _WORD_OPERATORS))})\s*", re.IGNORECASE)
_EXPRESSION = re.compile(r"[-(\d][\d\s.,()+\-*/%]*(?:[+\-*/%]|\*\*)[\d\s.,()+\-*/%]*[\d)]")
_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_POWER_LIMIT = 64
_QUOTED_LENGTH = 200
_PHRASINGS = (
    'You said: "{quoted}" I am the local workspace\'s built-in model: the same question always gets this answer.',
    'I heard: "{quoted}" As the built-in model of a local workspace I can repeat that, reliably.',
    'Your message was: "{quoted}" The built-in model of a local workspace answers it like this every time.',
)


def reply(prompt: Prompt, *, variant: int = 0) -> str:
    """Answer the conversation's last turn in words.

    Args:
        prompt: The conversation.
        variant: Which of several phrasings to use where there is no one right answer; any integer.
    """
    if results := prompt.tool_results():
        return _report(results)
    question = prompt.question
    for rule in (_say, _count, _calculate, _enumerate, _greet):
        if (answer := rule(question.text)) is not None:
            return _with_attachments(answer, question.attachments)
    if (answer := _remember_name(prompt)) is not None:
        return answer
    if question.attachments:
        return _with_attachments("", question.attachments)
    if (answer := _say(" ".join(prompt.texts("system", "developer")))) is not None:
        return answer
    return _quote(question.text, variant)


def _report(results: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{name} answered: {result.strip() or 'nothing'}" for name, result in results)


def _say(text: str) -> str | None:
    if _SAY_PLAINLY.search(text) is None or (said := _SAY.search(text)) is None:
        return None
    what = said["what"].strip()
    times = 1
    if repeated := _TIMES.search(what):
        times = min(int(repeated["times"]), _COUNT_LIMIT)
        what = what[: repeated.start()]
    if what[:1] in _QUOTES and (end := _closing_quote(what)) is not None:
        what = what[1:end]
    else:
        what = re.split(r"(?<=[.!?])\s+|\s+(?:and nothing else|only)\b", what)[0].rstrip(".").strip()
    return " ".join([what] * times) or None


def _closing_quote(text: str) -> int | None:
    """Find where the quotation that a text opens with ends."""
    ends = [index for index, letter in enumerate(text) if index and letter in _QUOTES]
    plain_ends = [index for index in ends if not text[index + 1 : index + 2].isalpha()]  # not the one in "don't"
    return plain_ends[0] if plain_ends else None


def _count(text: str) -> str | None:
    asked = _COUNT.search(text)
    if asked is None:
        return None
    first, last = int(asked["first"] or 1), int(asked["last"])
    step = 1 if last >= first else -1
    return ", ".join(str(number) for number in range(first, last + step, step)[:_COUNT_LIMIT])


def _calculate(text: str) -> str | None:
    spelled = _WORD_OPERATOR.sub(lambda found: f" {_WORD_OPERATORS[found[1].lower()]} ", text)
    spelled = re.sub(r"(?<=\d)\s*x\s*(?=\d)", " * ", spelled)
    asked = _EXPRESSION.search(spelled)
    if asked is None or re.fullmatch(r"\d{1,4}(?:[-/]\d{1,2}){1,2}", asked[0].strip()):  # a date is not a subtraction
        return None
    written = asked[0].strip().replace(",", "")
    try:
        value = _evaluate(ast.parse(written, mode="eval").body)
        whole = int(value)
    except (ArithmeticError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return f"{written} = {whole}" if whole == value else f"{written} = {value:.10g}"


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            a, b = _evaluate(left), _evaluate(right)
            if isinstance(op, ast.Pow) and max(abs(a), abs(b)) > _POWER_LIMIT:
                raise ValueError("a power too large to write out")
            return _OPERATIONS[type(op)](a, b)
        case _:
            raise ValueError("not plain arithmetic")


def _enumerate(text: str) -> str | None:
    asked = _LIST.search(text)
    if asked is None:
        return None
    singular = asked["things"].strip().removesuffix("s")
    return "\n".join(f"{number}. {singular} {number}" for number in range(1, int(asked["many"]) + 1))


def _greet(text: str) -> str | None:
    if _GREETING.match(text):
        return "Hello! How can I help you today?"
    if _THANKS.match(text):
        return "You're welcome!"
    return None


def _remember_name(prompt: Prompt) -> str | None:
    if not _ASKS_NAME.search(prompt.question.text):
        return None
    for text in reversed(prompt.texts("user", "system")):
        if told := _GIVES_NAME.search(text):
            return f"Your name is {told['name'] or told['capital']}."
    return "You haven't told me your name."


def _with_attachments(answer: str, attached: tuple[str, ...]) -> str:
    if not attached:
        return answer
    seen = f"I received {' and '.join(attached)}."
    return f"{answer} {seen}" if answer else seen


def _quote(text: str, variant: int) -> str:
    quoted = " ".join(text.split())
    if len(quoted) > _QUOTED_LENGTH:
        quoted = quoted[:_QUOTED_LENGTH].rstrip() + "…"
    phrasing = _PHRASINGS[variant % len(_PHRASINGS)]
    return phrasing.format(quoted=quoted) if quoted else "I received an empty message."
