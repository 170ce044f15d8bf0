"""The built-in model: deterministic answers that obey the request, from the standard library alone.

What belongs here: reading a request's messages, deciding an answer (`chat_model`), and writing it in
OpenAI's wire shapes (`chat_wire`, `completions`, `embeddings`, `responses`). All of it is computation: no
network, no clock, no randomness. The same input and seed give the same bytes.
"""
