"""The part of freqtrade's documented interface that the mixin uses, so that its types are checked without freqtrade."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

Book = Mapping[str, list[list[float]]]


class BotOrder(Protocol):
    """An order of a trade."""

    order_id: str
    order_type: str
    status: str

    @property
    def ft_order_side(self) -> str: ...
    @property
    def safe_price(self) -> float: ...
    @property
    def safe_filled(self) -> float: ...
    @property
    def ft_order_tag(self) -> str | None: ...
    @property
    def order_date_utc(self) -> datetime: ...


class Trade(Protocol):
    """A position, with its orders."""

    @property
    def entry_side(self) -> str: ...
    @property
    def exit_side(self) -> str: ...
    def set_custom_data(self, key: str, value: object) -> None: ...
    def calc_profit_ratio(self, rate: float) -> float: ...


class RunMode(Protocol):
    """What the bot runs as."""

    value: str


class DataProvider(Protocol):
    """The strategy's view of the exchange."""

    @property
    def runmode(self) -> RunMode: ...
    def orderbook(self, pair: str, maximum: int) -> Book: ...


if TYPE_CHECKING:

    class Strategy:
        """IStrategy; at run time the strategy that follows the mixin takes this place."""

        config: dict[str, object]
        dp: DataProvider
        order_types: dict[str, str]
        order_time_in_force: dict[str, str]

        def bot_start(self, **kwargs: Any) -> None: ...
        def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None: ...
        def confirm_trade_entry(
            self,
            pair: str,
            order_type: str,
            amount: float,
            rate: float,
            time_in_force: str,
            current_time: datetime,
            entry_tag: str | None,
            side: str,
            **kwargs: Any,
        ) -> bool: ...
        def custom_entry_price(
            self,
            pair: str,
            trade: Trade | None,
            current_time: datetime,
            proposed_rate: float,
            entry_tag: str | None,
            side: str,
            **kwargs: Any,
        ) -> float: ...
        def custom_exit_price(
            self,
            pair: str,
            trade: Trade,
            current_time: datetime,
            proposed_rate: float,
            current_profit: float,
            exit_tag: str | None,
            **kwargs: Any,
        ) -> float: ...
        def adjust_order_price(
            self,
            trade: Trade,
            order: BotOrder,
            pair: str,
            current_time: datetime,
            proposed_rate: float,
            current_order_rate: float,
            entry_tag: str | None,
            side: str,
            is_entry: bool,
            **kwargs: Any,
        ) -> float | None: ...
        def check_entry_timeout(
            self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any
        ) -> bool: ...
        def check_exit_timeout(
            self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any
        ) -> bool: ...
        def order_filled(
            self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any
        ) -> None: ...

else:
    Strategy = object
