"""Vision-language models that look, reason in text and name an action."""
