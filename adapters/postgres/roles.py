"""The three roles: the owner of every object, who migrates; the application, who serves; the sealer, who signs.

Production: a superuser runs these statements once (`certferry_owner` owns the database), then `certferry migrate`
works as the owner, the service as the application role, and `certferry seal` as the sealer.
"""

DATABASE = "certferry"
OWNER = "certferry_owner"
APP = "certferry_app"
SEALER = "certferry_sealer"
ROLES = (OWNER, APP, SEALER)


def create_roles_sql(owner_password: str, app_password: str, sealer_password: str) -> tuple[str, ...]:
    """One statement per role of ROLES. The passwords are ours (URL-safe characters), never a person's."""
    passwords = (owner_password, app_password, sealer_password)
    return tuple(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD '{_plain(password)}'"
        for role, password in zip(ROLES, passwords, strict=True)
    )


def _plain(password: str) -> str:
    if not password.replace("-", "").replace("_", "").isalnum():
        raise ValueError("a generated password has only letters, digits, '-' and '_'")
    return password
