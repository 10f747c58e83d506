"""Networks as pure functions of named tensors."""
