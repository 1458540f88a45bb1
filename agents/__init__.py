"""Who plays: chat, engines, policies, scripted players and the embedded tiny model."""
