"""An external model from nothing: its provider's key in a secret scope, an endpoint, and the first question to it."""

import tempfile
from pathlib import Path

from chat import ChatDatabricks
from provisioning import apply, load

CONFIG = """
bundle: {name: external-model-example}
resources:
  secret_scopes:
    keys:
      name: external-model-example
      secrets:
        openai-api-key: {env: OPENAI_API_KEY}
  model_serving_endpoints:
    chat:
      name: my-external-chat
      config:
        served_entities:
          - name: gpt-4o-mini
            external_model:
              name: gpt-4o-mini
              provider: openai
              task: llm/v1/chat
              openai_config:
                openai_api_key: "{{secrets/external-model-example/openai-api-key}}"
"""

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "databricks.yml").write_text(CONFIG, encoding="utf-8")
    apply(load([Path(folder)]))  # a second apply of the same would write nothing

chat_model_external = ChatDatabricks(endpoint="my-external-chat", temperature=0.1, max_tokens=256)
print(chat_model_external.invoke("How to use Databricks?").content)
