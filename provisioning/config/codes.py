"""The diagnostics' codes. A code keeps its meaning for good: it may be retired, never reused."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """What a code stands for.

    Attributes:
        title: its name in kebab-case.
        meaning: one sentence for the table in the documentation.
        severity: `error` stops; `warning` stops under `--strict`; `note` never does.
    """

    title: str
    meaning: str
    severity: Literal["error", "warning", "note"] = "error"


CODES: dict[str, Code] = {
    # Files and YAML are P1xx.
    "P101": Code("yaml-syntax", "The file is not YAML."),
    "P102": Code("duplicate-key", "A mapping has the same key twice."),
    "P103": Code("not-text", "The file is not UTF-8 text, or holds control characters."),
    "P104": Code("too-large", "A file, its nesting, or what its aliases and references expand to is too large."),
    "P105": Code("unsupported-tag", "A YAML tag asks for a type that configs don't have."),
    "P106": Code("bad-key", "A mapping's key is not plain text."),
    "P107": Code("unreadable", "A file or folder does not exist, cannot be read, or is no config by its name."),
    "P108": Code("outside-folder", "A file lies outside of the configs' folder, by its path or by a link."),
    "P109": Code("no-configs", "A folder holds no config file."),
    "P110": Code("include-matches-nothing", "A pattern in `include` matches no file.", "warning"),
    # Fields and values are P2xx.
    "P201": Code("unknown-field", "A field is not known here."),
    "P202": Code("missing-field", "A field that is needed is missing."),
    "P203": Code("wrong-type", "A value has the wrong type."),
    "P204": Code("wrong-value", "A value is not one of those allowed."),
    "P205": Code("conflict", "Two fields or values exclude each other."),
    "P206": Code("one-of", "Exactly one of several fields is needed."),
    "P207": Code("bad-name", "A name breaks the workspace's rule for names."),
    "P208": Code("given-twice", "Something that must be unique is there twice."),
    "P209": Code("over-limit", "There is more of something than the workspace takes."),
    "P210": Code("bad-traffic", "Traffic does not add up, or leads to no entity."),
    "P211": Code("provider-block", "The provider's settings are missing, or another provider's are given."),
    "P212": Code("not-a-secret-reference", "A credential is not given as `{{secrets/scope/key}}`."),
    "P213": Code("bad-secret-source", "A secret does not say where its value comes from."),
    "P214": Code("bad-address", "An address is not http(s), or holds a credential."),
    "P215": Code("plaintext-credential", "A credential stands in the configs in the clear.", "warning"),
    "P216": Code("number-as-text", "A number or boolean stands where text is wanted; it is taken as written.", "note"),
    # Variables and references are P3xx.
    "P301": Code("unknown-reference", "A `${...}` reference leads nowhere."),
    "P302": Code("malformed-reference", "A `${...}` reference is not written as one."),
    "P303": Code("reference-cycle", "References lead in a circle, or too deep."),
    "P304": Code("variable-without-value", "A variable is used and has no value."),
    "P305": Code("unknown-variable", "A variable is given a value but is not declared."),
    "P306": Code("unsupported-lookup", "A variable is looked up in the workspace, which we can't do."),
    "P307": Code("not-text-in-text", "A list or mapping is put into the middle of a text."),
    "P308": Code("known-after-create", "A reference asks for what exists only after something is created."),
    # The bundle is P4xx.
    "P401": Code("unknown-target", "The target is not declared."),
    "P402": Code("no-default-target", "Several targets are declared, none is the default, and none was chosen."),
    "P403": Code("unsupported-construct", "A construct changes what the configs mean and cannot be honoured."),
    "P404": Code("skipped", "Resource types that are not managed here are skipped.", "note"),
    "P405": Code("reserved", "A resource type is reserved: it is not managed yet.", "note"),
    "P406": Code("declared-twice", "The same resource or setting is declared in two places."),
    "P407": Code("setting-not-used", "A setting has no effect here.", "warning"),
    # How resources fit together is P5xx.
    "P501": Code("undeclared-scope", "A secret's scope is not in the configs; plan checks it live.", "note"),
    "P502": Code("missing-secret", "A reference names a key that its scope, declared here, doesn't have."),
    "P503": Code("wrong-case", "A reference differs from the declared scope or key only in case."),
    "P504": Code("same-name", "Two resources have the same live name."),
    "P505": Code("consumers-can-read", "Who may call the endpoint may also read its provider's key.", "warning"),
    "P506": Code("principal-twice", "A principal is listed twice; the higher level counts.", "note"),
}
