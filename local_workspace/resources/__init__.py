"""What a workspace holds, and the rules about it: scopes, secrets, endpoints, permissions, identities.

Each module owns one kind: its tables, its limits, its rights, its error texts. No HTTP here: `handlers` translates
requests into these calls. Every method that acts for a client takes the client's `Identity` and checks its rights
first, so that there is no way around them.
"""
