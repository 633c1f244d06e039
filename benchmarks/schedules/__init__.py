"""The scheduler's benchmark: how late runs start, what waiting costs, how long a run takes beside jupyter-scheduler."""
