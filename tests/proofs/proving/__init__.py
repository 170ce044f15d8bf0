"""What the proofs share: what is asked for, what is there, how much is tried, and time that does not pass."""
