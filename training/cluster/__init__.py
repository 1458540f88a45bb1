"""Ray: learner ranks, engines and rollout workers as actors, on one machine or many; nothing outside knows of it.

`driver.py` has `RayCluster`, which offers what `training/local.py` offers in one process; `actors.py` has what runs
elsewhere and imports no more than it needs.
"""
