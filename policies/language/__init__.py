"""Language models that act: tokenizers, a small GPT, value heads, and how they speak."""
