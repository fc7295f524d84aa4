"""Option chains that vendors publish with a delay: to look at, never to trade on."""
