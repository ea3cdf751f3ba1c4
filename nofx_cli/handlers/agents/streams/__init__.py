"""What agents print: made into lines for people, and listened to for what it cost and how it went."""
