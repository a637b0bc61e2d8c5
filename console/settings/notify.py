"""The settings of notifications, and the plan of the watcher that follows from them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, field_validator

from console.errors import SettingsError
from console.extras import require_libraries
from console.settings.values import Duration, Section
from policy.event_kind import EventKind

if TYPE_CHECKING:
    from console.settings.model import Settings
    from jobs.notify.watcher import NotifyPlan


class NotifySettings(Section):
    """Who is told what: addresses of apprise, which may hold secrets; the kinds; and the hours of quiet in UTC."""

    urls: list[SecretStr] = Field(default_factory=list)
    """Addresses of apprise; `ROUTER_POLICY_NOTIFY__URLS` as JSON keeps them out of the file."""
    on: list[EventKind] = Field(default_factory=lambda: list(EventKind))
    """The kinds that are told; [operations.md](operations.md#notifications) explains them."""
    quiet: str | None = None
    """Hours in UTC without messages, as `"22:00-07:00"`."""
    deadline: Duration = timedelta(seconds=30)
    """How long a message may take."""

    @field_validator("quiet")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        from jobs.notify.quiet import parse_quiet_hours

        if text is not None:
            parse_quiet_hours(text)
        return text


def require_apprise(settings: "Settings") -> Sequence[str]:
    """Return the addresses. Raises SettingsError if there are none, or if the extra `notify` is missing."""
    if not settings.notify.urls:
        raise SettingsError('[notify] urls is empty; write addresses of apprise, as in ["slack://..."]')
    require_libraries("[notify]", ["apprise"], "notify")
    return [url.get_secret_value() for url in settings.notify.urls]


def notify_plan_of(settings: "Settings") -> "NotifyPlan":
    """Return what the watcher does; without addresses it only logs. Raises SettingsError as `require_apprise`."""
    from jobs.notify.quiet import parse_quiet_hours
    from jobs.notify.watcher import NotifyPlan

    notify = settings.notify
    return NotifyPlan(
        scope=settings.scope,
        slots=settings.schedule.slots,
        urls=require_apprise(settings) if notify.urls else (),
        kinds=frozenset(notify.on),
        quiet=parse_quiet_hours(notify.quiet) if notify.quiet is not None else None,
        deadline=notify.deadline,
    )
