"""One module for each family of comparisons: what is compared and how stands in its docstring.

Each has `measure(bench) -> list[Row]`, opens what it needs, and closes it again.
"""
