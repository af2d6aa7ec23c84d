"""Signs of life: what each process writes of itself into the data folder, and how others read it."""
