"""Decoding pictures of others: checked and counted first, so that each costs a bounded time."""
