"""The parts of a loop's page above its form: each module gathers what one shows, and has a template of its name."""
