"""The test bench of a loop: a page on which staff write a test call, send it, and see what comes back."""
