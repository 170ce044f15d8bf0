"""`DatabricksEmbeddings`: a query, documents, and many of them at once."""

import asyncio

from chat import DatabricksEmbeddings

embeddings = DatabricksEmbeddings(endpoint="databricks-gte-large-en", chunk_size=2)

query = embeddings.embed_query("What is MLflow?")
documents = embeddings.embed_documents(["MLflow tracks experiments.", "Cats purr.", "A run has metrics."])
print(len(query), "numbers each,", len(documents), "documents")

vectors = asyncio.run(embeddings.aembed_documents(["MLflow tracks experiments.", "Cats purr.", "A run has metrics."]))
print("the same, several requests at a time:", vectors == documents)
