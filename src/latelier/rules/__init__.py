"""What measured facts say of a trained model, in sentences for a person."""
