"""What can go wrong with watching itself, when it is asked for."""

from typing import ClassVar

from problem import Problem


class WatchingError(Problem):
    """Base of every error of this package."""

    code: ClassVar[str] = "watching"
    impersonal: ClassVar[bool] = True


class WatchingSetting(WatchingError):
    """A setting of logs or traces has a value that means nothing."""

    code: ClassVar[str] = "watching-setting"


class TracesUnavailable(WatchingError):
    """Traces are asked for, and the libraries that make them are not installed."""

    code: ClassVar[str] = "watching-traces"


class AddressRefused(WatchingError):
    """Nothing can be served at this host and port."""

    code: ClassVar[str] = "watching-address"
