"""Simulators of model providers on loopback: their wire format, their strictness, their check of the credential.

What belongs here: one module a provider, each giving a Starlette app that the built-in model answers, and the
server that puts an app on an ephemeral port of the running event loop.

What may never happen here: a credential is stored, logged or echoed, not even in part.
"""
