"""The loop and all it carries: players, state, checkpoints, the plan, validation."""
