"""A gateway that writes to citizens: takes Sen's security event tokens, checks them, and passes their words on.

    .venv/bin/python examples/gateway/gateway.py http://localhost:8000 8002
    SEN_NOTICES__GATEWAY=http://localhost:8002/notices .venv/bin/sen demo

It needs PyJWT. Where this one prints, a real one hands the text to the SMS contract, the app or the mail server.

1. the token is from Sen, for us, and is of this kind (RFC 8417); 2. one that came before is not sent twice, because Sen
tries again until it hears from us; 3. whoever `sub_id` names is told what `reason_user` says; 4. then, and not before,
we answer 202 (RFC 8935).
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER, PORT = sys.argv[1], int(sys.argv[2])
JWKS = sys.argv[3] if len(sys.argv) > 3 else f"{ISSUER}/jwks"  # noqa: PLR2004  where the keys are, if elsewhere
ADDRESS = f"http://localhost:{PORT}/notices"
LANGUAGE = "vi"
LONGEST, CLOCKS = 16_384, 60  # bytes; seconds that our clock may be behind
keys = jwt.PyJWKClient(JWKS)
sent: set[str] = set()  # a real one keeps them for two days, where they outlive it


class Gateway(BaseHTTPRequestHandler):
    """Answers POST /notices."""

    timeout = 10

    def do_POST(self) -> None:
        """Take one token."""
        length = self.headers.get("Content-Length", "")
        token = self.rfile.read(min(int(length), LONGEST) if length.isdecimal() else 0).decode("ascii", "replace")
        try:
            key = keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, algorithms=["ES256"], audience=ADDRESS, issuer=ISSUER, leeway=CLOCKS)  # 1
            if jwt.get_unverified_header(token)["typ"] != "secevent+jwt":
                raise jwt.InvalidTokenError
        except jwt.PyJWKClientError:
            self.send_error(503)  # perhaps a key that we shall know in a moment: it will come again
            return
        except jwt.PyJWTError:
            self.send_error(400)
            return
        if claims["jti"] not in sent:  # 2
            (event,) = claims["events"].values()
            for address in claims["sub_id"].get("identifiers", [claims["sub_id"]]):  # 3
                told = f"{address[address['format']]}: {event['reason_user'][LANGUAGE]}\n"
                print(told, end="", flush=True)  # noqa: T201  it has nobody to write to; in one piece, as others print too
            sent.add(claims["jti"])
        self.send_response(202)  # 4
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", PORT), Gateway) as server:
        server.serve_forever()
