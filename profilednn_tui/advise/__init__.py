"""What holds a training back, what that costs, and what to try: pure functions of a session."""
