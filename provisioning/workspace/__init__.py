"""The one door to a Databricks workspace: the only package that imports `databricks.sdk`.

What belongs here: finding out which workspace is meant, the connection to it, one module for each family of API
calls, the reader that makes a `Live` of their answers, and everything that handles a secret's value.

What may never happen here: a call to a workspace that is not the one the target names; a retry on top of the
SDK's own; an SDK exception that leaves the package; a secret's value in a log, an error or a return value;
importing the SDK before a workspace is contacted, or elsewhere than in `sdk` (its `__init__` costs over a second).
"""
