"""Client for environments on servers that speak OpenEnv's protocol: `kickoff/OpenEnv-v0`."""
