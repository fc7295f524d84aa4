"""The commands of ``mw``, a module a subject. Each imports what it runs only when it is called."""
