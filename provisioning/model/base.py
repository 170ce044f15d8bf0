"""What every model of this package has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Model(BaseModel):
    """A frozen value that refuses fields it does not know.

    `hide_input_in_errors` keeps a value that was put in the wrong place (a key pasted where its name belongs)
    out of the error text.

    A field's sentence is the docstring below it. The JSON Schema reads it there when it is asked for
    (`provisioning.config.schema`): pydantic would parse every module's source again at each start, which took as
    long as all the rest of `validate`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=False, defer_build=True)


def fields_as_written(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's fields by the names that they have in a config: `from`, where Python needs `from_`."""
    return {info.alias or name: info for name, info in kind.model_fields.items()}
