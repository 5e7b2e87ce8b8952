"""The stores that their contract is tried with: one of every kind."""

from tests.support.stores.aws import Aws
from tests.support.stores.base import StoreServer
from tests.support.stores.kubernetes import Kubernetes
from tests.support.stores.openstack import OpenStack

STORES: tuple[type[StoreServer], ...] = (Aws, Kubernetes, OpenStack)
