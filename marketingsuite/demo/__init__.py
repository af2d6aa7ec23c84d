"""The demo and the sample script: what a customer's developer sees of the house, end to end."""
