"""Run by Alembic with a connection that `agent.store.engine` has opened; imported in any other way it does nothing."""

from alembic import context


def migrate() -> None:
    """Bring the tables to the version that Alembic was asked for."""
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":
    migrate()
