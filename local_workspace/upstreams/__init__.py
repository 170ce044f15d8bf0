"""What stands behind a serving endpoint: the way out to model providers, and the built-in ones.

What belongs here: choosing the served entity that answers a call, translating an external model into an
upstream request, dialling it safely, passing its bytes back (`routing`, `proxy`, `dial`, `relay`); the
built-in chat model (`builtin`); and simulators that speak a provider's wire format on loopback and check
the credential as the provider does (`simulators`).

What may never happen here:

- a secret is kept: it is resolved for one call, stands in one header of one request, and is gone;
- a request follows a redirect, uses a proxy of the environment, or dials an address that was not checked;
- the built-in model sleeps, reads a clock, or draws a number that its input does not determine;
- anything here reads the workspace's store: callers hand in plain values and callables.
"""
