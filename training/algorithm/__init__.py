"""Rewards, advantages and losses as pure functions."""
