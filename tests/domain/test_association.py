"""Manual "Managing Installed Certificates": adding and removing a target system association."""

import pytest

from domain import association
from domain.certificate_facts import Usage
from domain.connector import EndpointValidation
from domain.connector_events import (
    DeploymentFailed,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationState,
    VerificationConfigured,
)
from domain.entity import Actor, ActorKind, Event
from domain.errors import Code
from domain.push_states import DeploymentStatus, FailureCause
from domain.target_system import TargetSystem
from domain.verification_plan import VerificationPlan
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import (
    BRIDGE_ACTOR,
    CERTIFICATE_ID,
    FIRST,
    HOUR,
    OPERATOR,
    SETTINGS,
    SYSTEM,
    T0,
    TARGET,
    TARGET_ID,
    a_certificate,
    associated,
    by,
    dispatched,
    reported,
    started,
)

REMOVED = TargetSystemDissociated(meta=by(OPERATOR), certificate_id=CERTIFICATE_ID, target_system_id=TARGET_ID)


def associate(history: Given, **different: object) -> Then:
    usual = {
        "certificate_id": CERTIFICATE_ID,
        "certificate": a_certificate(),
        "target_system_id": TARGET_ID,
        "target": TARGET,
        "profile": None,
        "endpoints": ("10.0.0.7:8443",),
        "server_name": "www.example.com",
    }
    return history.when(association.associate, by(OPERATOR), **usual | different)


def event(**different: object) -> TargetSystemAssociated:
    usual: dict[str, object] = {
        "certificate_id": CERTIFICATE_ID,
        "target_system_id": TARGET_ID,
        "endpoints": ("10.0.0.7:8443",),
        "server_name": "www.example.com",
    }
    return TargetSystemAssociated(meta=by(OPERATOR), **usual | different)  # type: ignore[arg-type]


def test_not_deployed_until_a_deployment_is_triggered() -> None:
    """The certificate will be marked as not_deployed for the newly added target system."""
    then = associate(given()).then(event())
    assert then.state.deployment_status is DeploymentStatus.NOT_DEPLOYED
    assert then.state.validation == (EndpointValidation(endpoint="10.0.0.7:8443", state=ValidationState.UNVALIDATED),)
    assert then.state.associated


def test_the_same_association_twice_is_refused() -> None:
    """One connector per certificate, target system and profile."""
    associate(given(*associated())).refused(Code.CONNECTOR_EXISTS, saying="web-1")
    associate(given(*associated(profile="shop")), profile="shop").refused(Code.CONNECTOR_EXISTS, saying="profile shop")


def test_a_retired_target_system_takes_no_association() -> None:
    """Choose another one."""
    retired = TargetSystem(name="web-1", settings=SETTINGS, retired=True)
    refused = associate(given(), target=retired).refused(
        Code.INVALID_TRANSITION, saying="retired", current_status="retired", allowed=[]
    )
    assert refused.pointer == "/target_system_id"


@pytest.mark.parametrize("usage", [Usage.SERVER, Usage.BOTH])
def test_without_endpoints_the_target_systems_own_are_taken(usage: Usage) -> None:
    """All IP:ports of the target system serve the certificate."""
    associate(given(), endpoints=(), certificate=a_certificate(usage=usage)).then(event(endpoints=("10.0.0.1:443",)))


def test_a_client_certificate_is_served_nowhere() -> None:
    """A client certificate has no endpoints of its own accord; those that are named are kept."""
    client = a_certificate(usage=Usage.CLIENT)
    associate(given(), endpoints=(), certificate=client).then(event(endpoints=()))
    associate(given(), certificate=client).then(event())


def test_an_endpoint_counts_once() -> None:
    """The same endpoint named twice is one endpoint."""
    twice = ("10.0.0.7:8443", "10.0.0.8:8443", "10.0.0.7:8443")
    associate(given(), endpoints=twice).then(event(endpoints=("10.0.0.7:8443", "10.0.0.8:8443")))


# ---------------------------------------------------------------- removing


def test_removing_leaves_a_tombstone() -> None:
    """Removing an association does not uninstall the certificate, it only removes the tracking relationship."""
    meta = by(OPERATOR, T0 + HOUR)
    expected = TargetSystemDissociated(
        meta=meta, certificate_id=CERTIFICATE_ID, target_system_id=TARGET_ID, comment="moved"
    )
    then = given(*reported()[0]).when(association.dissociate, meta, comment="moved").then(expected)
    assert (then.state.associated, then.state.removed_at) == (False, T0 + HOUR)
    assert then.state.deployment_status is DeploymentStatus.DEPLOYED


def test_removing_twice_changes_nothing() -> None:
    """The second removal makes no event."""
    given(*associated(), REMOVED).when(association.dissociate, by(OPERATOR)).then_nothing()


def test_a_queued_deployment_is_withdrawn() -> None:
    """What no bridge has picked up yet will not be installed any more."""
    withdrawn = DeploymentFailed(
        meta=by(OPERATOR),
        deployment_id=FIRST,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        cause=FailureCause.UNKNOWN,
        message="The association was removed before the bridge picked the deployment up.",
        written=False,
    )
    given(*dispatched()[0]).when(association.dissociate, by(OPERATOR)).then(REMOVED, withdrawn)


def test_a_running_deployment_goes_on() -> None:
    """A removed connector's running attempt still finishes."""
    then = given(*started()[0]).when(association.dissociate, by(OPERATOR)).then(REMOVED)
    assert then.state.deployment_status is DeploymentStatus.DEPLOYING


@pytest.mark.parametrize(
    "actor",
    [
        SYSTEM,
        BRIDGE_ACTOR,
        Actor(ActorKind.AUTOMATION, "discovery"),
        Actor(ActorKind.AUTOMATION, "discovery", on_behalf_of="olga"),
    ],
)
def test_only_people_remove_associations(actor: Actor) -> None:
    """No discovery and no timer removes an association, whoever started it."""
    given(*associated()).when(association.dissociate, by(actor)).refused(Code.FORBIDDEN, saying="people")


def test_a_persons_token_removes_associations() -> None:
    """A person who comes with an API token is a person."""
    machine = by(Actor(ActorKind.USER, "token-7", on_behalf_of="olga"))
    then = given(*associated()).when(association.dissociate, machine)
    assert not then.state.associated


@pytest.mark.parametrize("before", [reported()[0], started()[0], dispatched()[0]])
def test_adding_again_is_a_new_association(before: tuple[Event, ...]) -> None:
    """Removed and added again: not_deployed, and never deployed before."""
    then = associate(given(*before, REMOVED)).then(event())
    found = then.state
    assert found.associated
    assert (found.deployment_status, found.last_deployed_at) == (DeploymentStatus.NOT_DEPLOYED, None)
    assert (found.deployed_digest, found.deployment_id, found.work_order_id) == (None, None, None)
    assert (found.sync_pending, found.error) == (False, None)


def test_the_profile_is_part_of_the_association() -> None:
    """A profile names one virtual host, listener or Secret; no profile is the target's own default place."""
    assert associate(given(), profile="shop").state.profile == "shop"
    assert state_of(*associated()).profile is None


def test_how_a_connector_is_verified_is_configured() -> None:
    """The whole plan is in the event; the same again makes none; a new association begins as all others do."""
    plan = VerificationPlan(grace_seconds=600, every_seconds=3_600)
    configured = VerificationConfigured(meta=by(OPERATOR), verification=plan)
    configure = association.configure_verification
    assert given(*associated()).when(configure, by(OPERATOR), plan).then(configured).state.verification == plan
    given(*associated(), configured).when(configure, by(OPERATOR), plan).then_nothing()
    assert associate(given(*associated(), configured, REMOVED)).state.verification == VerificationPlan()
    assert associate(given(), verification=plan).then(event(), configured).state.verification == plan


@pytest.mark.parametrize(
    ("field", "plan"),
    [
        ("grace_seconds", VerificationPlan(grace_seconds=-1)),
        ("grace_seconds", VerificationPlan(grace_seconds=604_801)),
        ("every_seconds", VerificationPlan(every_seconds=0)),
        ("every_seconds", VerificationPlan(every_seconds=90)),
        ("every_seconds", VerificationPlan(every_seconds=604_860)),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(field: str, plan: VerificationPlan) -> None:
    """With the field to blame, also when the connector is added; once it is removed, any is."""
    pointer = f"/verification/{field}"
    refused = given(*associated()).when(association.configure_verification, by(OPERATOR), plan)
    assert refused.refused(Code.VALIDATION_FAILED).pointer == pointer
    assert associate(given(), verification=plan).refused(Code.VALIDATION_FAILED).pointer == pointer
    removed = given(*associated(), REMOVED).when(association.configure_verification, by(OPERATOR), VerificationPlan())
    removed.refused(Code.INVALID_TRANSITION)
