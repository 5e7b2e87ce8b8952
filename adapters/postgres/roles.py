"""The two roles: the owner of every object, who migrates, and the application, who serves.

Production: a superuser runs these statements once (`certferry_owner` owns the database), then `certferry migrate`
works as the owner and the service as the application role.
"""

DATABASE = "certferry"
OWNER = "certferry_owner"
APP = "certferry_app"


def create_roles_sql(owner_password: str, app_password: str) -> tuple[str, ...]:
    """One statement per role. The passwords are ours (URL-safe characters), never a person's."""
    return (
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD '{_plain(owner_password)}'",
        f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD '{_plain(app_password)}'",
    )


def _plain(password: str) -> str:
    if not password.replace("-", "").replace("_", "").isalnum():
        raise ValueError("a generated password has only letters, digits, '-' and '_'")
    return password
