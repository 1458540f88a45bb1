"""Server for tasks by OpenEnv's protocol: `python -m envs.serve env=sokoban port=8000`."""
