"""Keep what looks like a credential out of diagnostics: they quote the source, and sources hold accidents."""

from __future__ import annotations

import re

MASK = "********"

_NAMED = re.compile(
    r"""(?ix)
    ( (?: _plaintext | api[_-]?key | api[_-]?token | secret_access_key | access_key_id | client_secret
        | private_key | password | passwd | bearer | token_value )
      [^\s:=`]{0,64} \s* (?: : \s+ | = \s* ) )
    (?! ["']? (?: \{\{secrets/ | \$\{ ) | \{ | \[ | \.\.\. | ["']?\s*$ | null\b | ~ | [|>][+-]?\d?\s*$ )
    (\S.*)
    """
)
"""A key whose name says credential, with a value that is neither a reference nor a source."""

_SHAPED = re.compile(
    r"""(?x)
      \b sk-[A-Za-z0-9_-]{6,} | \b dapi[0-9a-f]{8,}[0-9a-f-]* | \b A[KS]IA[A-Z0-9]{12,} | \b gh[oprsu]_[A-Za-z0-9]{16,}
    | \b github_pat_\w{16,} | \b xox[a-z]-[\w-]{8,} | \b AIza[\w-]{20,} | \b eyJ[\w-]{8,}\.[\w.-]+
    | \b hf_[A-Za-z0-9]{16,}
    | -----BEGIN .*
    | (?<![\w/+.-]) (?=[\w/+-]*[0-9]) (?=[\w/+-]*[a-z]) (?=[\w/+-]*[A-Z]) [\w+][\w/+-]{23,}={0,2}
    | (?<!\w) (?=[A-Za-z]*[0-9]) (?=[0-9]*[A-Za-z]) [A-Za-z0-9]{32,} (?!\w)
    | (?<=://) [^/\s@]*:[^/\s@]+ (?=@)
    """
)
"""What is shaped like a well-known credential, like a long random text, or like a password in an address."""


def masked(text: str) -> str:
    """Return one line with everything hidden that looks like a credential."""
    return _SHAPED.sub(MASK, _NAMED.sub(rf"\1{MASK}", text))
