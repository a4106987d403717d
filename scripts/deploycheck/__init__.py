"""What no linter of manifests checks, for ours: see scripts/deploy-check."""
