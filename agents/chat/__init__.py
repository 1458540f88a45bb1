"""Conversations as tokens: chat templates, images and messages."""
