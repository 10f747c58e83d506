"""TRUST: a mixture of arms that is certainly better than what is known best."""
