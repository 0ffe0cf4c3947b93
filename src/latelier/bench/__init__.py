"""What recipes stand on: trainings and scores that make a published table."""

from latelier.bench.jobs import Bench, Job, Result, beside, find_recipe, spread

__all__ = ["Bench", "Job", "Result", "beside", "find_recipe", "spread"]
