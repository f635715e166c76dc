"""The actions behind the app's keys, one controller per concern: dialogs, decisions and messages."""
