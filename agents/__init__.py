"""Who plays: chat templates, models, engines, episodes and policies."""
