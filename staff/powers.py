"""What one member of staff may do for another: nothing that they may not do themselves."""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Exists, OuterRef, QuerySet

from access.reach import limit, sees_all


def permissions_within(user: Any) -> QuerySet[Permission]:
    """The permissions that this user has, and so may give."""
    everything = Permission.objects.select_related("content_type")
    if user.is_superuser:
        return everything
    return everything.filter(pk__in=_numbers(user))


def groups_within(user: Any) -> QuerySet[Group]:
    """The groups that this user may put somebody into: those that allow nothing that is not allowed to the user."""
    if user.is_superuser:
        return Group.objects.all()
    beyond = Group.permissions.through._base_manager.filter(group=OuterRef("pk")).exclude(permission__in=_numbers(user))
    return Group.objects.filter(~Exists(beyond))


def may_change_user(editor: Any, user: User) -> bool:
    """Whether the user has nothing that the editor lacks. Who may set a password may log in with it."""
    if editor.is_superuser:
        return True
    if user.is_superuser or (sees_all(user) and not sees_all(editor)):
        return False
    within = _numbers(user) <= _numbers(editor)
    return within and limit(User.objects.filter(pk=user.pk), editor).exists()


def may_change_group(editor: Any, group: Group) -> bool:
    """Whether the group is the same for all that the editor sees, and allows nothing that the editor lacks."""
    return sees_all(editor) and groups_within(editor).filter(pk=group.pk).exists()


def _numbers(user: Any) -> set[int]:
    """The permissions of a user, active or not, who is no superuser: own ones, and those of the groups."""
    own = Permission.objects.filter(user=user.pk).values_list("pk", flat=True)
    return set(own) | set(Permission.objects.filter(group__user=user.pk).values_list("pk", flat=True))
