"""What is measured: each module's `measure(site, scale)` returns its figures by key, without the row's name."""
