"""What a trained model says of many images, and which way attributes lie in its codes."""
