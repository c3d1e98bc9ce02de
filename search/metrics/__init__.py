"""How well answers are: what is measured for each task, one file a family, one line a metric."""
