"""The tests on every Python the project supports; one that is not installed is skipped, and said so."""

import nox

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13"], venv_backend="venv")
def tests(session: nox.Session) -> None:
    """Install the locked development set and run the tests."""
    session.install("--require-hashes", "-r", "requirements/build.txt")
    session.install("--no-build-isolation", "--require-hashes", "-r", "requirements/dev.txt")
    session.install("--no-build-isolation", "--no-deps", "-e", ".")
    session.run("python", "-m", "pytest", "-n", "2", "-q", *session.posargs)
