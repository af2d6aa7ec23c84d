"""Accounts, their databases and profiles; collections of databases, and the subprofiles of profiles in them."""

from profiles.models.people import (
    Account,
    Consent,
    Database,
    IPAddresses,
    OnUnsubscribe,
    Profile,
    ProfileQuerySet,
    validate_fields,
    validate_interests,
    validate_origin,
)
from profiles.models.subprofiles import Collection, Subprofile

__all__ = [
    "Account",
    "Collection",
    "Consent",
    "Database",
    "IPAddresses",
    "OnUnsubscribe",
    "Profile",
    "ProfileQuerySet",
    "Subprofile",
    "validate_fields",
    "validate_interests",
    "validate_origin",
]
