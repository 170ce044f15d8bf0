"""The client for Databricks model serving endpoints."""
