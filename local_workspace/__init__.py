"""A Databricks workspace on localhost that real clients cannot tell from the real API."""
