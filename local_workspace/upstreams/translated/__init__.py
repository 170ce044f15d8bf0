"""Providers that speak a wire format of their own: Anthropic, Amazon Bedrock, Cohere, Google's Vertex AI.

What belongs here: where such a provider is (`origins`), the vendors' own clients behind any-llm-sdk, which write and
read the wire format (`translator`, `bedrock`), and the answer in OpenAI's shape (`answers`). The clients come with the
extra `providers`; nothing here but `origins` and `answers` is imported before a call needs them.

What may never happen here:

- a vendor's client holds a key, or opens a connection: it gets a placeholder, and every request that it writes leaves
  by the workspace's own way out (`exchange`), which adds the credential and checks the address;
- a client retries: the caller is told what the provider said, and decides.
"""
