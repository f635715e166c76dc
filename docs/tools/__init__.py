"""What generates and checks the documentation."""
