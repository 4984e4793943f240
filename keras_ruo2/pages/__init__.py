"""Web pages that are one file and need no network: a template, its style, its scripts."""
