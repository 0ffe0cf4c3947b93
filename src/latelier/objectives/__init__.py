"""Pure functions: terms of the losses and bounds, one value an image; only the trainer reduces over the batch."""
