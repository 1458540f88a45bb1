"""Adapters: the tasks as environments of other trainers. Each file needs the library that it is named after."""
