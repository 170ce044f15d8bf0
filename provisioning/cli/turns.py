"""One target's turn in a run for several."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.model.plan import Plan


@dataclass
class Turn:
    """What a command has to know of the other targets of its run.

    Attributes:
        run: the same for all targets of one run: what a record's lines have in common.
        rehearsing: whether the plan is only shown and asked about, since another target's answer is still missing.
        agreed: the plan that was shown and agreed to; nothing else is done.
        declined: whether somebody who was asked said no.
        stop: set when the user pressed Ctrl-C while several targets were at work.
    """

    run: str
    rehearsing: bool = False
    agreed: Plan | None = None
    declined: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
