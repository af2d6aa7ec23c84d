"""What `manage.py doctor` looks at, and what it says of it."""
