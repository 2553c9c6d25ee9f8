"""Another login for one service (RFC 9470): how a resource says that it needs one, and what the portal asks for then.

The demo has both halves in one program. Yours has the first one in the resource server, which reads `acr` and
`auth_time` from the access token or from the answer of /introspect, and the second one in the portal.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR = "insufficient_user_authentication"
PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


def challenge(login: Mapping[str, Any], *, acr_values: str, max_age: int) -> str | None:
    """Return what goes into WWW-Authenticate, beside status 401; None where the login is good enough."""
    if login.get("acr") in acr_values.split() and time.time() - login.get("auth_time", 0) <= max_age:
        return None
    return f'Bearer error="{ERROR}", acr_values="{acr_values}", max_age="{max_age}"'


def asked(www_authenticate: str) -> dict[str, str]:
    """Return the parameters of the authorization request that a challenge asks for; none where it is another one.

    Only these two count: whatever else a resource says is no reason to send a person anywhere.
    """
    said = dict(PARAMETER.findall(www_authenticate))
    if said.get("error") != ERROR:
        return {}
    return {name: said[name] for name in ("acr_values", "max_age") if name in said}
