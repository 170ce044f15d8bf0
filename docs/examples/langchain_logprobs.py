"""How sure the model was of each token, and what it would have said instead."""

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat", logprobs=True, top_logprobs=2, max_tokens=4)

answer = chat_model.invoke("How are you?")
for token in answer.response_metadata["logprobs"]["content"]:
    print(repr(token["token"]), token["logprob"], [other["token"] for other in token["top_logprobs"]])

*pieces, _ = chat_model.stream("How are you?")
print(sum(len(piece.response_metadata.get("logprobs", {}).get("content", ())) for piece in pieces), "tokens streamed")
