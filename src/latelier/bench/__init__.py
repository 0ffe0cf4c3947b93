"""What recipes stand on: trainings and scores that make a published table."""

from latelier.bench.jobs import Bench, Job, Result, beside, spread
from latelier.config.recipes import find_recipe

__all__ = ["Bench", "Job", "Result", "beside", "find_recipe", "spread"]
