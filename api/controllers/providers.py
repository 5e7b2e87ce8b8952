"""Providers: CAs outside that orders go through. Local PKI is built in and not among them."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.body import given
from api.controllers.certificate_filter import Text
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, negotiate, page
from api.presenters.known import Known
from api.presenters.providers import body
from api.schemas.providers import ChangeProviderBody, ProviderBody, ProviderPage, RegisterProviderBody
from api.security import any_role, requires
from application.house import load
from application.providing import DescribeProvider, change_provider, register_provider, retire_provider
from domain.certificate_order import Provider
from domain.provider import PROVIDER
from domain.roles import Permission
from projections.providers.view import ProviderFilter, ProviderRow


def provider_filter(
    provider: FromQuery[list[Provider] | None] = None,
    retired: FromQuery[bool | None] = None,
    q: Text = None,
) -> ProviderFilter:
    """What a list of providers is narrowed to."""
    return ProviderFilter(provider=tuple(each.value for each in provider or ()), retired=retired, q=q or None)


@get("/providers", opt=any_role(), dependencies={"narrow": Provide(provider_filter, sync_to_thread=False)})
async def list_providers(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[ProviderFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ProviderPage]:
    """Providers by name."""

    def item(row: ProviderRow) -> ProviderBody:
        return body(Known.of(row))

    providers = reading.views.providers
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, providers.stream(narrow), item, ProviderBody.__struct_fields__)
    found = await providers.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(row) for row in found.items], found.next_cursor)


@post("/providers", opt=requires(Permission.PROVIDERS))
async def register_a_provider(
    data: JSONBody[RegisterProviderBody], command: NamedDependency[Command]
) -> Response[ProviderBody]:
    """A new CA that orders can go through."""
    wish = DescribeProvider(
        provider=Provider(data.provider), name=data.name, settings=data.settings, secrets=data.secrets
    )
    done = await register_provider(command.house, command.context, command.services.provider_kinds, wish)
    found = done.result
    location = location_of("providers", found.id)
    return await command.answer(done, body(Known.of(found)), status=201, version=found.version, location=location)


@get("/providers/{provider_id:uuid}", opt=any_role())
async def get_provider(provider_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[ProviderBody]:
    """One provider. Secrets are never shown, only which are set."""
    found = await reading.views.providers.get(provider_id)
    if found is None:
        raise missing("provider", provider_id)
    return single(body(Known.of(found)), found.version)


@patch("/providers/{provider_id:uuid}", opt=requires(Permission.PROVIDERS))
async def change_a_provider(
    provider_id: FromPath[UUID], data: JSONBody[ChangeProviderBody], command: NamedDependency[Command]
) -> Response[ProviderBody]:
    """Change a provider. Which CA it is cannot be changed: register another one, and retire this one."""
    known = (await load(command.house, PROVIDER, provider_id)).found
    wish = DescribeProvider(provider=known.provider, name=known.name, settings=known.settings)
    sent = given(data)
    wish = msgspec.structs.replace(wish, **sent)
    kinds = command.services.provider_kinds
    done = await change_provider(command.house, command.context, kinds, provider_id, wish)
    return await command.answer(done, body(Known.of(done.result)), version=done.result.version)


@delete("/providers/{provider_id:uuid}", opt=requires(Permission.PROVIDERS))
async def retire_a_provider(provider_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """Takes no new orders any more; those under way come to their end. Its history stays."""
    done = await retire_provider(command.house, command.context, provider_id)
    return await command.answer(done, None, status=204, version=done.result.version)


HANDLERS = [list_providers, register_a_provider, get_provider, change_a_provider, retire_a_provider]
