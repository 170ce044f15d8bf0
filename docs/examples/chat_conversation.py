"""`ChatClient`: a conversation whose answers stream, with the tokens it used."""

from chat import ChatClient, Usage

with ChatClient("my-chat", wait=60) as client:
    history: list[object] = [("system", "Answer in one sentence.")]
    used = Usage()
    for question in ("What is a secret scope?", "Who may read it?"):
        history.append(("user", question))
        with client.stream(history, temperature=0) as stream:
            for chunk in stream:
                print(chunk, end="", flush=True)
        print()
        if stream.answer is not None:
            history.append(stream.answer)
            used += stream.answer.usage or Usage()
    print(used)
