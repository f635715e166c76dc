"""Scripts that the host runs in the target's interpreter, by their path. They are not part of the agent."""
