"""What a person sees while it works: lines, progress, tables."""
