"""What the keys of the app do, one controller for each concern: it asks, decides and tells the user."""
