"""Ask the deployed model, as any endpoint is asked; the first answer loads it."""

from pathlib import Path

from chat import ChatDatabricks
from local_workspace import LocalWorkspace

with LocalWorkspace(state=Path(".local_workspace")) as workspace:
    parrot = ChatDatabricks(endpoint="parrot", host=workspace.host, token=workspace.token)
    print(parrot.invoke("How are you?").content)
    print("|".join(chunk.text for chunk in parrot.stream("One word after the other")))
