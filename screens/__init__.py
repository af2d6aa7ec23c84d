"""The dashboard in a real browser: which screens there are, and their pictures for the documents."""
