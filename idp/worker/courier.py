"""Courier: delivers what waits in the outbox, side by side, until it is received; no receiver waits for another.

A delivery is taken for a short time, tried, and marked. Whoever dies between two of these steps leaves it to be taken
again: what is received may be received twice, what was written is received at least once, or seen to have failed.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from secrets import SystemRandom
from typing import TYPE_CHECKING

import structlog

from idp import clock
from idp.errors import SenError
from idp.metrics import DELIVERIES, OUTBOX_WAITING
from idp.outbox import BACKCHANNEL_LOGOUT, CIBA_PING, FORMER_CONTACT_NOTICE, NOTICE
from idp.worker import backchannel_logout, ciba_ping, notice
from idp.worker.answers import Undeliverable, Unready, Unwanted
from keys import KeysError, SealBroken

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from idp.outbox import ClaimedDelivery, OutboxStore, Outcome
    from idp.services import Services

SENDERS: dict[str, Callable[..., None]] = {
    BACKCHANNEL_LOGOUT: backchannel_logout.send,
    CIBA_PING: ciba_ping.send,
    NOTICE: notice.send,
    FORMER_CONTACT_NOTICE: notice.send,
}
"""How each kind is sent."""

HANDS = 32
"""How many deliveries one worker tries at the same time; each is over within the deadline of [outbound]."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40
LONGEST_WAIT = timedelta(hours=24)
LEAST_ATTEMPTS = 8
"""How often even what has waited longer is tried: where no worker was there for a day, nobody has tried it yet."""

log = structlog.get_logger("sen.worker")
_random = SystemRandom()


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts: twice as long each time, up to an hour.

    Up to a half of it is left away by chance, so that those who failed together do not come back together.
    """
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_PAUSE) * _random.uniform(0.5, 1.0)


class Courier:
    """Carries what is due to whom it is for, with a number of hands; what is on its way holds up nothing else."""

    def __init__(self, *, outbox: OutboxStore, services: Services, hands: int = HANDS) -> None:
        """Keep the outbox and what sending needs."""
        self.outbox = outbox
        self._services = services
        self._metrics = services.metrics
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix="courier")
        self._hands = hands
        self._under_way: list[ClaimedDelivery] = []
        self._changed = threading.Condition()
        self._stopping = False

    def send_out(self) -> int:
        """Start whatever is due, as far as there are free hands, and return how many; waits for none of it.

        One after the other: hands that looked at the same moment would all reach for the same delivery.
        """
        with self._changed:
            if self._stopping:
                return 0
            free = self._hands - len(self._under_way)
            hands = Counter(claimed.receiver for claimed in self._under_way)
            taken = self.outbox.claim(most=free, under_way=hands)
            for claimed in taken:
                self._under_way.append(claimed)
                self._pool.submit(self._carry, claimed)
            return len(taken)

    def rest(self) -> None:
        """Wait until nothing is on its way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)

    def measure(self) -> None:
        """Tell the counters how many deliveries wait."""
        self._metrics.set(OUTBOX_WAITING, self.outbox.waiting())

    def close(self) -> None:
        """Finish what is on its way, and take nothing more."""
        self._stopping = True
        self.rest()
        self._pool.shutdown()

    def _carry(self, claimed: ClaimedDelivery) -> None:
        """Deliver it, and then start what its hand is free for."""
        try:
            self._deliver(claimed)
            with self._changed:  # at once: who rests does not see the hand empty
                self._under_way.remove(claimed)
                self.send_out()
        except SenError as error:  # the database is away: whatever was taken is due again when its time is over
            log.warning("delivery_not_marked", detail=str(error))
        except Exception:
            log.exception("delivery_broken")
        finally:
            with self._changed:
                if claimed in self._under_way:
                    self._under_way.remove(claimed)
                self._changed.notify_all()

    def _deliver(self, claimed: ClaimedDelivery) -> None:
        """Try one delivery, and write down how it ended."""
        try:
            SENDERS[claimed.kind](claimed, services=self._services)
        except Unwanted as error:
            self._end(claimed, outcome="refused", error=str(error))
        except Undeliverable as error:
            self._end(claimed, outcome="given_up", error=str(error))
        except (Unready, SealBroken) as error:  # a worker with newer keys may open it
            self._fail(claimed, error=str(error), alone=True)
        except (SenError, KeysError) as error:
            self._fail(claimed, error=str(error), alone=False)
        except Exception:
            log.exception("delivery_broken", kind=claimed.kind)
            self._fail(claimed, error="Something broke here; the log knows what.", alone=True)
        else:
            self._end(claimed, outcome="delivered", error=None)

    def _end(
        self, claimed: ClaimedDelivery, *, outcome: Outcome, error: str | None, with_those_until: datetime | None = None
    ) -> None:
        ended = self.outbox.settle(claimed, outcome=outcome, error=error, with_those_until=with_those_until)
        self._metrics.count(DELIVERIES, claimed.kind, outcome, times=ended)
        if error is not None:
            names = {"kind": claimed.kind, "target": claimed.target, "outcome": outcome, "reason": error}
            log.warning("delivery_ended", **names, deliveries=ended)

    def _fail(self, claimed: ClaimedDelivery, *, error: str, alone: bool) -> None:
        """Try again later, or give up; unless it failed `alone`, so does what waits for the same receiver."""
        now = clock.now()
        least = LEAST_ATTEMPTS if now - claimed.created_at >= LONGEST_WAIT else MOST_ATTEMPTS
        if claimed.attempts >= least:
            until = None if alone else max(claimed.created_at, now - LONGEST_WAIT)
            self._end(claimed, outcome="given_up", error=error, with_those_until=until)
            return
        self.outbox.postpone(claimed, until=now + pause_after(claimed.attempts), error=None if alone else error)
        self._metrics.count(DELIVERIES, claimed.kind, "postponed")
        if alone:
            log.warning("delivery_postponed", kind=claimed.kind, target=claimed.target, reason=error)
