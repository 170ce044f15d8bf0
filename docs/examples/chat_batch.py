"""`chat.batch`: a file of prompts, answered into another; stopped at any time, it goes on where it was."""

import json
import tempfile
from pathlib import Path

import chat

with tempfile.TemporaryDirectory() as folder:
    prompts, answers = Path(folder, "prompts.jsonl"), Path(folder, "answers.jsonl")
    prompts.write_text('What is MLflow?\n{"custom_id": "b", "prompt": "What is a scope?", "max_tokens": 20}\n')

    summary = chat.batch("my-chat", prompts, answers, concurrency=8, temperature=0)
    print(f"{summary.answered} of {summary.rows} answered, {summary.usage.total_tokens} tokens")

    again = chat.batch("my-chat", prompts, answers, resume=True)
    print(f"{again.kept} were there already, {again.answered} asked")

    for line in answers.read_text().splitlines():
        row = json.loads(line)
        print(row["custom_id"], row["response"]["body"]["choices"][0]["message"]["content"])
