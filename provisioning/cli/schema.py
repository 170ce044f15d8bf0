"""`schema`: the JSON Schemas of what goes in and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from provisioning.errors import ProvisioningError


@click.command()
@click.argument("subject", type=click.Choice(["configs", "jsonl", "record"]), default="configs")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
def schema(subject: str, *, out: Path | None) -> int:
    """Print the JSON Schema of the configs, or of the lines that `--format jsonl` or `--record` writes.

    VS Code's YAML extension completes and checks a config that begins with
    `# yaml-language-server: $schema=<path of the schema>`.
    """
    text = json.dumps(_schema(subject), indent=2, ensure_ascii=True)
    if out is None:
        click.echo(text)
        return 0
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ProvisioningError(f"{out} cannot be written: {error.strerror}", remedy="choose another --out") from error
    return 0


def _schema(subject: str) -> dict[str, object]:
    if subject == "jsonl":
        from provisioning.reporters.jsonl import json_schema as lines_schema  # noqa: PLC0415 - costs only who asks

        return lines_schema()
    if subject == "record":
        from provisioning.reporters.record import json_schema as record_schema  # noqa: PLC0415 - as above

        return record_schema()
    from provisioning.config.schema import json_schema  # noqa: PLC0415 - as above

    return json_schema()
