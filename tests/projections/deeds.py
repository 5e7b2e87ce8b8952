"""What happens around pushes: certificates, orders, bridges, target systems, people, alerts, webhooks, providers."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from domain import (
    acme_account,
    acme_eab_key,
    acme_order,
    alert,
    bridge,
    bridge_trust,
    certificate,
    certificate_order,
    disabling,
    granting,
    ids,
    notification_channel,
    pfx_export,
    principal,
    provider,
    revocation,
    sign_in,
    target_system,
    webhook,
    work_order,
)
from domain.access import AccessDenied, CertificateViewed, PfxDownloaded
from domain.acme_account import AccountKey, AcmeAccountCreated
from domain.acme_eab_key import AcmeEabKeyCreated
from domain.acme_order import AcmeOrderCreated, AcmeOrderStatus, Answered, ChallengeFlaw, ChallengeType
from domain.alert import AlertKind, AlertRaised
from domain.bridge import BRIDGE, Bridge, BridgeEnrolmentIssued
from domain.bridge_trust import Standing
from domain.ca_notice import NoticeState
from domain.certificate import (
    CertificateDiscovered,
    CertificateIssued,
    CertificateRenewed,
    CertificateRevoked,
    KeyOrigin,
)
from domain.certificate_order import CERTIFICATE_ORDER, OrderParameters, Provider
from domain.claim import Claimed
from domain.entity import Actor, ActorKind, Event, Meta
from domain.errors import Refused
from domain.notification_channel import ChannelKind, ChannelTerms, NotificationChannelCreated
from domain.pfx_export import PfxExportRefused
from domain.principal import PrincipalCreated, PrincipalDisabled, TokenCreated
from domain.provider import ProviderRegistered
from domain.push_states import SupersededReason
from domain.revocation import RevocationReason, RevocationRefused
from domain.role_grant import FOUR_EYES, WITHOUT_SCOPE, GrantStatus, Role
from domain.role_scope import RoleScope
from domain.session import EndReason, Proof, end, open_session
from domain.sign_in import InvitationCreated
from domain.target_system import TargetSettings, TargetSystemRegistered, TargetSystemTested
from domain.violation import UNTOUCHED, Judgement, Severity, Violation
from domain.webhook import DisabledReason, Subscription, WebhookCreated
from tests.projections.world import DAY, ENDPOINTS, PEOPLE, Change, World, der_of


def import_one(world: World) -> tuple[Change, ...]:
    facts = world.facts()
    made = world.new("certificate", ids.certificate_id(facts.fingerprint_sha256))
    with_key = world.one_of(True, True, False)
    events = certificate.import_certificate(
        None, world.by(), facts=facts, der=der_of(facts), chain=(b"ISSUER",), with_key=with_key, tags=("web",)
    )
    claim = Claimed(meta=world.by(), kind="issuer-serial", holder_id=made)
    return (made, events), (ids.serial_claim_id(facts.issuer, facts.serial_number), (claim,))


def discover(world: World) -> tuple[Change, ...]:
    facts = world.facts()
    made = world.new("certificate", ids.certificate_id(facts.fingerprint_sha256))
    return ((made, (CertificateDiscovered(meta=world.by(), facts=facts, der=der_of(facts)),)),)


def adopt(world: World) -> tuple[Change, ...]:
    """A certificate that was only discovered is imported."""
    chosen, state = world.any("certificate")
    return (
        (
            chosen,
            certificate.import_certificate(
                state, world.by(), facts=state.facts, der=der_of(state.facts), chain=(), with_key=True
            ),
        ),
    )


def describe(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("certificate")
    owner, tags = world.one_of(None, "rita", "team"), world.one_of(None, ("web",), ("db", 'quo"te\\'), ())
    return ((chosen, certificate.describe(state, world.by(), owner=owner, tags=tags)),)


def revoke(world: World) -> tuple[Change, ...]:
    """A dialog, and what comes of it: nothing yet, a wrong code, or the end."""
    chosen, state = world.any("certificate")
    asked = world.new("revocation")
    requested = revocation.request(state, world.by(), certificate_id=chosen, request_id=asked)
    step = world.one_of("leave", "refuse", "confirm", "confirm")
    if step == "leave":
        return ((asked, requested),)
    if step == "refuse":
        refused = RevocationRefused(
            meta=world.by(), revocation_request_id=asked, code="wrong", tries_left=2, certificate_id=chosen
        )
        return ((asked, (*requested, refused)),)
    reason = world.one_of(*RevocationReason).value
    revoked = CertificateRevoked(meta=world.by(), revocation_request_id=asked, reason=reason)
    ended = [
        (order_id, work_order.supersede(world.states[order_id], world.by(), SupersededReason.CERTIFICATE_REVOKED))
        for order_id in world.all("work_order")
        if world.states[order_id].certificate_id == chosen
    ]
    return ((asked, requested), (chosen, (revoked,)), *world.one_of((), ended))


def tell_ca(world: World) -> tuple[Change, ...]:
    """A revoked certificate's CA takes it, does not, or cannot be told."""
    chosen, state = world.any("certificate")
    if state.ca_notice is not None and state.ca_notice.state is not NoticeState.INFORMED:
        by_person = revocation.told_ca if state.provider != "local_pki" else revocation.retry_ca
        return ((chosen, by_person(state, world.by(), "by telephone")),)
    step = world.one_of("informed", "failed", "by hand")
    if step == "informed":
        return ((chosen, revocation.ca_informed(state, world.by(), "The CA revoked it.")),)
    if step == "by hand":
        return ((chosen, revocation.ca_by_hand(state, world.by(), "Tell it yourself.")),)
    retrying = world.one_of(True, False)
    return ((chosen, revocation.ca_failed(state, world.by(), "no answer", retrying=retrying)),)


def renew(world: World) -> tuple[Change, ...]:
    (old, _), (new, _) = world.any("certificate"), world.any("certificate")
    if old == new:
        return ()
    to = CertificateRenewed(meta=world.by(), renewed_to=new)
    return (old, (to,)), (new, (CertificateRenewed(meta=world.by(), renewed_from=old),))


def order(world: World) -> tuple[Change, ...]:
    wanted = OrderParameters(
        provider=world.one_of(*Provider),
        common_name=f"new{len(world.commands)}.example.com",
        validity_days=90,
        csr_pem=world.one_of(None, "-----BEGIN"),
    )
    made, judgement = world.new("order"), judged(world)
    try:
        return ((made, certificate_order.submit(None, world.by(), wanted, judgement)),)
    except Refused as refused:
        return ((made, refused.records),)


def judged(world: World) -> Judgement:
    """Mostly no policy says anything; sometimes a rule is broken."""
    severity = world.one_of(None, None, None, *Severity)
    if severity is None:
        return UNTOUCHED
    broken = Violation(
        policy_id=ids.derive("policy", 1),
        policy_version=1,
        policy="Servers",
        rule="short-lived",
        severity=severity,
        restriction="maximum_validity_days",
        pointer="/validity_days",
        detail="90 days are too many.",
    )
    return Judgement(violations=(broken,)) if severity is Severity.HARD else Judgement(warnings=(broken,))


def order_at_endpoint(world: World) -> tuple[Change, ...]:
    """The key is made on a target system; sometimes its request has come already."""
    target_id, _ = world.any("target")
    wanted = OrderParameters(
        provider=Provider.LOCAL_PKI, common_name=f"key{len(world.commands)}.example.com", validity_days=90
    )
    made = world.new("order")
    submitted = certificate_order.submit(None, world.by(), wanted, endpoint_id=target_id)
    state = CERTIFICATE_ORDER.fold(submitted)
    assert state is not None
    taken = certificate_order.process(state, world.by())
    state = CERTIFICATE_ORDER.fold(taken, state)
    assert state is not None
    received = world.one_of((), certificate_order.receive_csr(state, world.by(), 1, "-----BEGIN"))
    return ((made, (*submitted, *taken, *received)),)


def work_on_order(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("order")
    step = world.one_of("process", "fail", "resubmit", "complete")
    if step == "process":
        return ((chosen, certificate_order.process(state, world.by())),)
    if step == "fail":
        return ((chosen, certificate_order.fail(state, world.by(), "the provider said no")),)
    if step == "resubmit":
        return ((chosen, certificate_order.resubmit(state, world.by())),)
    facts = world.facts()
    made = ids.certificate_id(facts.fingerprint_sha256)
    completed = certificate_order.complete(state, world.by(), made)
    if not completed:
        return ()
    world.new("certificate", made)
    provider = state.parameters.provider
    issued = CertificateIssued(
        meta=world.by(),
        facts=facts,
        der=der_of(facts),
        provider=provider,
        order_id=chosen,
        key_origin=KeyOrigin.GENERATED if state.endpoint_id is None else KeyOrigin.ENDPOINT,
        key_target_system_id=state.endpoint_id,
    )
    return (chosen, completed), (made, (issued,))


def new_bridge(world: World) -> tuple[Change, ...]:
    made, expires_at = world.new("bridge"), world.now + DAY
    name = f"Bridge {len(world.all('bridge'))}"
    issued = BridgeEnrolmentIssued(meta=world.by(), name=name, token_sha256=made.hex * 2, expires_at=expires_at)
    return ((made, (issued,)),)


def bridge_lives(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("bridge")
    meta = world.by(Actor(ActorKind.BRIDGE, str(chosen)))
    if state.token_sha256 and world.one_of(True, False):
        enrolled = bridge.enrol(
            state,
            meta,
            token_sha256=state.token_sha256,
            certificate_fingerprint_sha256=hashlib.sha256(chosen.bytes).hexdigest(),
            certificate_not_after=world.now + DAY,
            hpke_public_key=b"KEY",
            version="1.0",
            kinds=("nginx",),
        )
        return ((chosen, (*enrolled, *_let_in(state, enrolled, meta))),)
    if world.one_of(True, True, False):
        return ((chosen, bridge.seen(state, meta, version=world.one_of("1.0", "1.1"))),)
    return ((chosen, bridge.silent(state, meta, last_seen_at=world.now)),)


def _let_in(state: Bridge, enrolled: tuple[Event, ...], meta: Meta) -> tuple[Event, ...]:
    """Approved by somebody else than who issued the token; some renew their certificate at once."""
    of_it = BRIDGE.fold(enrolled, state)
    assert of_it is not None
    approver = next(person for person in PEOPLE if person.id != of_it.issued_by)
    approved = bridge_trust.approve(of_it, msgspec.structs.replace(meta, actor=approver))
    if int(of_it.name.rpartition(" ")[2]) % 2:
        return approved
    renewed = bridge_trust.renew(
        of_it,
        meta,
        Standing.CURRENT,
        certificate_fingerprint_sha256=hashlib.sha256(of_it.name.encode()).hexdigest(),
        certificate_not_after=meta.at + DAY,
        public_key_sha256="22" * 32,
    )
    after = BRIDGE.fold((*approved, *renewed), of_it)
    assert after is not None
    return (*approved, *renewed, *bridge_trust.take_up(after, meta, Standing.CURRENT))


def new_target(world: World) -> tuple[Change, ...]:
    bridge_id, _ = world.any("bridge")
    made = world.new("target")
    settings = TargetSettings(
        version=1,
        kind=world.one_of("nginx", "haproxy"),
        bridge_id=bridge_id,
        settings={"root": "/etc/tls"},
        endpoints=world.one_of(ENDPOINTS[:1], ENDPOINTS[:2]),
    )
    name = f"web-{len(world.all('target'))}"
    event = TargetSystemRegistered(
        meta=world.by(), name=name, bridge_id=bridge_id, settings=settings, secrets_set=("key",), tags=("prod",)
    )
    return ((made, (event,)),)


def change_target(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("target")
    if world.one_of(True, False, False):
        return ((chosen, (TargetSystemTested(meta=world.by(), healthy=world.one_of(True, False), message="tried"),)),)
    wanted = TargetSettings(
        version=0,
        kind=state.settings.kind,
        bridge_id=state.settings.bridge_id,
        settings=world.one_of({"root": "/etc/tls"}, {"root": "/srv"}),
        endpoints=state.settings.endpoints,
    )
    return (
        (
            chosen,
            target_system.change(
                state, world.by(), name=state.name, tags=("prod",), wanted=wanted, secrets_set=state.secrets_set
            ),
        ),
    )


def decide_grant(world: World, chosen: UUID, state: Any, step: str) -> tuple[Change, ...]:
    """Somebody says yes or no to a role that waits."""
    meta = world.by()
    found = [each for each in state.grants if each.status(meta.at) is GrantStatus.PROPOSED]
    if not found or state.disabled:
        return ()
    if step == "reject":
        return ((chosen, granting.reject(state, meta, found[0].id)),)
    try:
        return ((chosen, granting.approve(state, meta, found[0].id, principal_id=chosen)),)
    except Refused:
        return ()


def people(world: World) -> tuple[Change, ...]:
    if not world.all("principal") or world.one_of(True, False, False):
        made = world.new("principal")
        name = f"Person {len(world.all('principal'))}"
        return ((made, (PrincipalCreated(meta=world.by(), name=name, kind="user"),)),)
    chosen, state = world.any("principal")
    step = world.one_of("grant", "grant", "approve", "reject", "revoke", "token", "token", "disable", "end")
    role = world.one_of(*Role, *sorted(FOUR_EYES))
    if step == "grant":
        grant_id = ids.derive("role-grant", chosen, role, world.now)
        # Every other one for what bears a tag, where the role takes a scope.
        scope = RoleScope(certificate_tags=("prod",)) if len(state.grants) % 2 and role not in WITHOUT_SCOPE else None
        return ((chosen, granting.grant(state, world.by(), role, grant_id=grant_id, scope=scope)),)
    if step in ("approve", "reject"):
        return decide_grant(world, chosen, state, step)
    if step == "revoke":
        return ((chosen, granting.revoke_all(state, world.by(), role)),)
    if step == "disable":
        return () if state.disabled else ((chosen, (PrincipalDisabled(meta=world.by()),)),)
    if step == "token":
        created = TokenCreated(
            meta=world.by(), principal_id=chosen, name="cli", secret_sha256="0" * 64, expires_at=world.now + DAY
        )
        return ((world.new("token"), (created,)),)
    token, held = world.any("token")
    return ((token, principal.revoke_token(held, world.by())),)


def leaving(world: World) -> tuple[Change, ...]:
    """Somebody is disabled or comes back, their invitation is revoked, a token goes with a reason."""
    chosen, state = world.any("principal")
    step = world.one_of("disable", "enable", "invitation", "token")
    if step == "disable":
        gone = disabling.disable(state, world.by(), principal_id=chosen, other_admins=True, reason="Left.")
        return ((chosen, gone),)
    if step == "enable":
        return ((chosen, disabling.enable(state, world.by(), reason="Is back.")),)
    if step == "token":
        token, held = world.any("token")
        return ((token, principal.revoke_token(held, world.by(), "Lost.")),)
    sign_ins = sign_in.stream_of(chosen)
    return ((sign_ins, sign_in.revoke_invitation(world.states.get(sign_ins), world.by(), chosen)),)


def signing_in(world: World) -> tuple[Change, ...]:
    """Somebody sets a password by an invitation, opens a session, or ends one."""
    person, owner = world.any("principal")
    step = world.one_of("invite", "accept", "open", "open", "end")
    sign_ins = sign_in.stream_of(person)
    if step == "invite":
        until = world.now + DAY
        invited = InvitationCreated(meta=world.by(), principal_id=person, secret_sha256="0" * 64, expires_at=until)
        return ((sign_ins, (invited,)),)
    if step == "accept":
        known, secret = world.states.get(sign_ins), "0" * 64
        accepted = sign_in.accept(known, world.by(), principal_id=person, secret_sha256=secret, password_id=person)
        return ((sign_ins, accepted),)
    if step == "open":
        made, until = world.new("session"), world.now + DAY
        opened = open_session(
            None, owner, world.by(), principal_id=person, proof=world.one_of(*Proof), expires_at=until
        )
        return ((made, opened),)
    chosen, state = world.any("session")
    return ((chosen, end(state, world.by(), EndReason.SIGNED_OUT)),)


def alerts(world: World) -> tuple[Change, ...]:
    if not world.all("alert") or world.one_of(True, False, False):
        cause = f"push_failed:{world.one_of(1, 2)}"
        before = [a for a in world.all("alert") if world.states[a].cause == cause]
        if before and world.states[before[-1]].open:
            return ()
        ordinal = len(before) + 1
        raised = AlertRaised(
            meta=world.by(), kind=AlertKind.PUSH_FAILED, cause=cause, ordinal=ordinal, message="a push failed"
        )
        return ((world.new("alert", ids.alert_id(cause, ordinal)), (raised,)),)
    chosen, state = world.any("alert")
    return ((chosen, world.one_of(alert.acknowledge, alert.resolve)(state, world.by())),)


def webhooks(world: World) -> tuple[Change, ...]:
    if not world.all("webhook") or world.one_of(True, False, False):
        wanted = Subscription(url="https://siem.example.com/hook", types=("certificate.*",))
        return ((world.new("webhook"), (WebhookCreated(meta=world.by(), subscription=wanted, secret_version=1),)),)
    chosen, state = world.any("webhook")
    step = world.one_of("change", "change", "rotate", "disable", "redeliver", "remove")
    if step == "change":
        wanted = Subscription(url=state.subscription.url, description=world.one_of("SIEM", "ticketing"))
        return ((chosen, webhook.change(state, world.by(), wanted, enabled=world.one_of(None, True, False))),)
    if step == "rotate":
        version = state.secret_version + 1
        return ((chosen, webhook.rotate(state, world.by(), version=version, former_until=world.now + DAY)),)
    if step == "disable":
        return ((chosen, webhook.disable(state, world.by(), DisabledReason.FAILING, position=1)),)
    if step == "redeliver":
        return ((chosen, webhook.request_redelivery(state, world.by(), from_position=1)),)
    return ((chosen, webhook.remove(state, world.by())),)


def channels(world: World) -> tuple[Change, ...]:
    if not world.all("channel") or world.one_of(True, False):
        made = world.new("channel")
        terms = ChannelTerms(name=f"Channel {len(world.all('channel'))}", settings={"host": "mail.example.com"})
        return ((made, (NotificationChannelCreated(meta=world.by(), kind=ChannelKind.MAIL, terms=terms),)),)
    chosen, state = world.any("channel")
    step = world.one_of("change", "change", "test", "retire")
    if step == "change":
        terms = msgspec.structs.replace(state.terms, enabled=not state.terms.enabled, secrets_set=("password",))
        return ((chosen, notification_channel.change(state, world.by(), terms)),)
    if step == "test":
        return ((chosen, notification_channel.request_test(state, world.by(), chosen)),)
    return ((chosen, notification_channel.retire(state, world.by())),)


def providers(world: World) -> tuple[Change, ...]:
    if not world.all("provider") or world.one_of(True, False):
        made = world.new("provider")
        settings = {"directory_url": "https://ca.example.com/directory"}
        registered = ProviderRegistered(
            meta=world.by(), provider=Provider.ACME, name=f"CA {len(world.all('provider'))}", settings=settings
        )
        return ((made, (registered,)),)
    chosen, state = world.any("provider")
    if world.one_of(True, False, False):
        return ((chosen, provider.retire(state, world.by())),)
    version = state.secrets_version + 1
    changed = provider.change(
        state, world.by(), name=state.name, settings={}, secrets_version=version, secrets_set=("account_key",)
    )
    return ((chosen, changed),)


def export_pfx(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("certificate")
    if state.key_origin is not KeyOrigin.GENERATED or state.provider != "local_pki":
        return ()
    made, until = world.new("export"), world.now + DAY
    wrong = PfxExportRefused(meta=world.by(), certificate_id=chosen, tries_left=2)
    taken = Claimed(meta=world.by(), kind="pfx-export", holder_id=made)
    downloaded = PfxDownloaded(meta=world.by(), certificate_id=chosen, export_id=made)
    created = pfx_export.create(state, world.by(), certificate_id=chosen, expires_at=until)
    prepared = (made, (*created, *world.one_of((), (wrong,))))
    left = ((ids.pfx_claim_id(made), (taken,)), (ids.access_log_id(chosen), (downloaded,)))
    return (prepared, *world.one_of((), left))


def acme_clients(world: World) -> tuple[Change, ...]:
    if not world.all("acme_eab_key") or world.one_of(True, False, False):
        made = world.new("acme_eab_key")
        created = AcmeEabKeyCreated(
            meta=world.by(), principal_id=world.new("acme_owner"), name="certbot", expires_at=world.now + DAY
        )
        return ((made, (created,)),)
    key_id, key = world.any("acme_eab_key")
    if not world.all("acme_account") or world.one_of(True, False, False):
        account_key = AccountKey({"kty": "OKP"}, f"thumbprint {len(world.all('acme_account'))}")
        opened = AcmeAccountCreated(meta=world.by(), principal_id=key.principal_id, eab_key_id=key_id, key=account_key)
        return ((world.new("acme_account"), (opened,)),)
    account_id, account = world.any("acme_account")
    step = world.one_of("key", "account", "order", "order", "order")
    if step == "key":
        return ((key_id, acme_eab_key.revoke(key, world.by())),)
    if step == "account":
        return ((account_id, acme_account.revoke(account, world.by())),)
    return acme_orders(world, account_id)


def acme_orders(world: World, account_id: UUID) -> tuple[Change, ...]:
    if not world.all("acme_order") or world.one_of(True, False, False):
        made = world.new("acme_order")
        names = (f"acme{len(world.all('acme_order'))}.example.com",)
        created = AcmeOrderCreated(
            meta=world.by(), account_id=account_id, names=names, tokens=("token",), expires_at=world.now + 7 * DAY
        )
        return ((made, (created,)),)
    chosen, state = world.any("acme_order")
    answered = Answered(ChallengeType.DNS_01, "token.thumbprint")
    flaw = world.one_of(None, None, ChallengeFlaw("dns", "no such name"))
    events = acme_order.answer(state, world.by(), 0, answered) or acme_order.judge(state, world.by(), 0, flaw)
    if not events and acme_order.status(state, world.now) is AcmeOrderStatus.READY:
        events = acme_order.finalize(state, world.by(), world.new("acme_certificate_order"), "0" * 64)
    return ((chosen, events),)


def access(world: World) -> tuple[Change, ...]:
    chosen, _ = world.any("certificate")
    viewed = CertificateViewed(meta=world.by(), certificate_id=chosen)
    denied = AccessDenied(meta=world.by(), subject_id=chosen, method="GET", route="/", code="forbidden", detail="no")
    return ((ids.access_log_id(chosen), (world.one_of(viewed, denied),)),)
