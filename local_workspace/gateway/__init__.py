"""The AI gateway between a caller and a served model: what it keeps out, what it hides, what it writes down.

What belongs here: guardrails on what is asked and answered (`guardrails`, `pii`, `safety`), where texts stand (`texts`,
`streams`), the measure of a call (`measure`), its rows in the tables (`rows`), and the answer that passes through
all of it (`watched`). Rate limits and the tables' rows are kept by `resources`.

What may never happen here: a model is asked; a text that a guardrail hides reaches a log or a message; a rule that
needs judgement pretends to have any.
"""
