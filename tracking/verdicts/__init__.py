"""Who made a hit: a person, a person's proxy, or a machine. Pure: rules in, a verdict out."""
