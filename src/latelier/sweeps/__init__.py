"""A search over settings: many trainings of one method, each a run, by Optuna."""
