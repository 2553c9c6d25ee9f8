"""The demo portal: a relying party of Sen. Read this file from top to bottom; yours will look much the same.

`sen demo` runs it for you. By hand: `PORTAL_CLIENT_FILE=client-with-key.json python examples/portal/portal.py`.
It needs Flask, Authlib and requests, and nothing of Sen but its address. What it does, in the order of the code:

1. it keeps tokens on this side, and gives the browser a random name only;
2. it proves who it is with a signed statement, never with a shared secret;
3. it asks for one purpose at a time, at the level that the service needs;
4. it checks every answer before it believes it;
5. it logs out here and at Sen;
6. it lets Sen begin a login, and hears from Sen when a session is over (logout_receiver.py);
7. it asks for a fresh login where one service needs it (step_up.py).

What people see (pages.py, templates/, texts.toml) has nothing to do with OpenID Connect and stands elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, abort, g, redirect, render_template, request, session, url_for
from joserfc import jwk, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from logout_receiver import is_over, read_logout_token  # type: ignore[import-not-found]  # same as below
from memory import Memory  # type: ignore[import-not-found]  # a neighbour of this program, not a package
from pages import language, pages  # type: ignore[import-not-found]  # same
from step_up import asked, challenge  # type: ignore[import-not-found]  # same

if TYPE_CHECKING:
    from werkzeug import Response

ISSUER = os.environ.get("PORTAL_ISSUER", "http://localhost:8000")
URL = os.environ.get("PORTAL_URL", "http://localhost:8001")
if "PORTAL_CLIENT_FILE" not in os.environ:
    sys.exit("PORTAL_CLIENT_FILE must name the file with client_id and private_jwk; `sen demo` makes one.")
CLIENT = json.loads(Path(os.environ["PORTAL_CLIENT_FILE"]).read_text(encoding="utf-8"))
PURPOSES = os.environ.get("PORTAL_PURPOSES", Path(__file__).parents[2] / "config" / "purposes.toml")
SERVICES = {row["id"]: row for row in tomllib.loads(Path(PURPOSES).read_text(encoding="utf-8"))["purposes"]}
SESSION_SECONDS = 30 * 60  # how long a login counts here; Sen's own session is another matter

# 1. What we remember ------------------------------------------------------------------------------------------------

logins, begun_logins = Memory(), Memory()
app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)  # signs the cookie; a restart ends every session, which a demo may do
app.config.update(
    SESSION_COOKIE_NAME="portal",  # cookies know no ports: Sen on localhost has its own
    SESSION_COOKIE_SAMESITE="Lax",  # and so no other site can post our log-out form
    SESSION_COOKIE_SECURE=URL.startswith("https:"),
    ISSUER=ISSUER,
    SERVICES=SERVICES,
)
app.register_blueprint(pages)


@app.before_request
def recognise() -> None:
    """Find who is signed in here: `claims` and `id_token` of the login, and what was `shared` for each service."""
    g.person = logins.get(session.get("id", ""))


# 2. Who we are ------------------------------------------------------------------------------------------------------

oauth = OAuth(app, cache=begun_logins)  # state, nonce and PKCE verifier of a login under way stay on this side, too
oauth.register(
    "sen",
    client_id=CLIENT["client_id"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",  # every address below comes from there
    client_kwargs={
        "code_challenge_method": "S256",  # PKCE, always
        "token_endpoint_auth_method": "none",  # Authlib adds no proof: client_assertion() is the proof
        "default_timeout": 10,
    },
)


def client_assertion() -> dict[str, str]:
    """Sign a new statement of who we are (private_key_jwt, RFC 7523): for Sen only, for a minute, usable once."""
    now, key = int(time.time()), CLIENT["private_jwk"]
    claims = {
        "iss": CLIENT["client_id"],
        "sub": CLIENT["client_id"],
        "aud": ISSUER,  # the issuer as one string; the address of an endpoint is refused
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + 60,
    }
    algorithm = key.get("alg", "ES256")
    header = {"alg": algorithm, "kid": key["kid"], "typ": "client-authentication+jwt"}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims, jwk.import_key(key), algorithms=[algorithm]),
    }


# 3. Asking ----------------------------------------------------------------------------------------------------------


@app.get("/start/<service_id>")
def start(service_id: str) -> Response:
    """Send the person to Sen, asking for this service's purpose at the level that it needs."""
    service = SERVICES.get(service_id) or abort(404)
    return ask(service_id, acr_values=f"LoA{service['authentication_level']}")


def ask(service_id: str, *, then: str = "pages.me", **needed: str) -> Response:
    """Send the person to Sen with what is `needed` (acr_values, max_age), and go on at `then` afterwards."""
    session["asked"] = service_id  # so that an error page can offer to try again
    callback_url = URL + "/callback"  # exactly as registered, and never built from the Host header
    begun = oauth.sen.create_authorization_url(  # adds state, nonce and the PKCE challenge
        callback_url,
        scope=f"openid service:{service_id}",
        ui_locales=language(),
        **needed,
    )
    oauth.sen.save_authorize_data(redirect_uri=callback_url, service=service_id, then=then, needed=needed, **begun)
    return redirect(pushed(begun["url"]), 303)


def pushed(url: str) -> str:
    """Hand the request to Sen directly and return a short address for the browser (PAR, RFC 9126).

    What is asked then travels neither through the browser nor into its history, and nobody can change it on the way.
    """
    sen = oauth.sen.load_server_metadata()
    if "pushed_authorization_request_endpoint" not in sen:
        return url
    asked = dict(parse_qsl(urlsplit(url).query)) | client_assertion()
    answer = requests.post(sen["pushed_authorization_request_endpoint"], data=asked, timeout=10)
    body = answer.json()
    if answer.status_code != requests.codes.created:
        raise OAuthError(body.get("error"), body.get("error_description"))
    short = {"client_id": CLIENT["client_id"], "request_uri": body["request_uri"]}
    return f"{sen['authorization_endpoint']}?{urlencode(short)}"


# 4. The answer ------------------------------------------------------------------------------------------------------


@app.get("/callback")
def callback() -> Response:
    """Take the answer, check it, and only then believe it. What does not hold is raised, and shown by `refused`."""
    # Was it Sen that answered (RFC 9207), and to a login that this very browser began (state)?
    if request.args.get("iss") != ISSUER:
        raise OAuthError("wrong_issuer")
    begun = oauth.sen.framework.get_state_data(session, request.args.get("state"))
    if begun is None:
        raise OAuthError("lost")
    session["asked"] = begun["service"]
    if "error" in request.args:  # the person said no, or it could not be done
        oauth.sen.framework.clear_state_data(session, request.args["state"])
        raise OAuthError(request.args["error"])

    # The code for tokens, with the PKCE verifier. Authlib checks the ID token: signature by a key of Sen's JWKS, exp,
    # our nonce, and the two that we name here.
    only = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": CLIENT["client_id"]}}
    token = oauth.sen.authorize_access_token(claims_options=only, leeway=10, **client_assertion())
    claims = token.get("userinfo") or {}  # Authlib's word for the checked claims of the ID token
    if not claims:
        raise OAuthError("invalid_token")
    # Are level and age what we asked for? Asking is not enough: the token has to say so.
    if claims.get("acr") != begun["needed"]["acr_values"]:
        raise OAuthError("level_too_low")
    if "max_age" in begun["needed"] and time.time() - claims["auth_time"] > int(begun["needed"]["max_age"]) + 10:
        raise OAuthError("login_too_old")
    # What the person shares; is it about the same person (OpenID Connect Core section 5.3.2)?
    shared = oauth.sen.userinfo(token=token)
    if shared.get("sub") != claims["sub"]:
        raise OAuthError("invalid_token")
    sign_in(dict(claims), id_token=token["id_token"], service_id=begun["service"], shared=dict(shared))
    return redirect(url_for(begun["then"]), 303)


def sign_in(claims: dict[str, object], *, id_token: str, service_id: str, shared: dict[str, object]) -> None:
    """Begin our own session. The access token has done its work; the ID token is kept for the log-out.

    `sub` is who it is: stable, and known to us alone. A number or an e-mail address may change and is no key.
    """
    same_person = g.person and g.person["claims"]["sub"] == claims["sub"]
    earlier = {k: v for k, v in g.person["shared"].items() if k != service_id} if same_person else {}
    logins.delete(session.get("id", ""))
    session["id"] = secrets.token_urlsafe(32)  # a new name at every login, so that an old one is worth nothing
    kept = {"claims": claims, "id_token": id_token, "shared": earlier | {service_id: shared}}
    logins.set(session["id"], kept, SESSION_SECONDS)


@app.errorhandler(OAuthError)
@app.errorhandler(JoseError)
@app.errorhandler(requests.RequestException)
def refused(error: Exception) -> Response:
    """Show what happened on a page of its own, so that neither code nor state stays in the address.

    Sen said no, an answer did not hold, or Sen could not be reached. The log gets the reason, never a token.
    """
    if isinstance(error, OAuthError):
        app.logger.warning("login refused: %r (%r)", error.error, error.description)
        code = error.error or "server_error"
    else:
        app.logger.warning("login failed: %s", type(error).__name__)
        code = "invalid_token" if isinstance(error, JoseError) else "unreachable"
    return redirect(url_for("pages.problem", code=code, service_id=session.get("asked", "login")), 303)


# 5. Logging out -----------------------------------------------------------------------------------------------------


@app.post("/logout")
def logout() -> Response:
    """End the session here first, then ask Sen to end its own (OpenID Connect RP-Initiated Logout)."""
    logins.delete(session.pop("id", ""))
    if g.person is None:
        return redirect(url_for("pages.home"), 303)
    answer: Response = oauth.sen.logout_redirect(
        post_logout_redirect_uri=URL + "/logged-out",  # as registered; Authlib adds a state
        id_token_hint=g.person["id_token"],  # says which session to end; nobody can log in with it
        client_id=CLIENT["client_id"],
        ui_locales=language(),
    )
    return answer


@app.get("/logged-out")
def logged_out() -> Response:
    """Say that it is done, if it was we who asked for it (state)."""
    with contextlib.suppress(OAuthError):
        oauth.sen.validate_logout_response()
        session["notice"] = "logged_out"
    return redirect(url_for("pages.home"), 303)


# 6. When Sen speaks first --------------------------------------------------------------------------------------------


@app.route("/login/initiate", methods=["GET", "POST"])
def initiate() -> Response:
    """Begin a login for a person whom Sen sends (OpenID Connect Core section 4): by Sen, and at no other provider.

    An address to go to afterwards (`target_link_uri`) would have to be one of ours; we need none.
    """
    if request.values.get("iss") != ISSUER:
        raise OAuthError("wrong_issuer")
    return start("login")


@app.post("/backchannel-logout")
def backchannel_logout() -> tuple[str, int]:
    """End the sessions that Sen says are over; a token that does not hold ends nothing."""
    token, ours = request.form.get("logout_token", ""), {"issuer": ISSUER, "client_id": CLIENT["client_id"]}
    try:
        try:
            told = read_logout_token(token, keys=sens_keys(anew=False), **ours)
        except InvalidKeyIdError:  # Sen has changed its keys since we last looked
            told = read_logout_token(token, keys=sens_keys(anew=True), **ours)
    except (JoseError, ValueError) as error:
        app.logger.warning("logout token refused: %s", error)
        return "", 400
    logins.delete_where(lambda login: is_over(login, told=told))
    return "", 200


def sens_keys(*, anew: bool) -> jwk.KeySet:
    """Return the public keys that Sen signs with."""
    return jwk.KeySet.import_key_set(oauth.sen.fetch_jwk_set(force=anew))


# 7. A fresh login for one service ------------------------------------------------------------------------------------


@app.get("/files")
def files() -> Response | str:
    """Open what takes a login of the last five minutes: if the archive says that this one is older, ask for another."""
    if g.person is None:
        return ask("login", then="files", acr_values="LoA2")
    refused_with = challenge(g.person["claims"], acr_values="LoA2", max_age=300)  # your archive is another server
    if refused_with is not None:
        return ask("login", then="files", **asked(refused_with))
    return render_template("me.html", files_are_open=True)


if __name__ == "__main__":
    from server import serve  # type: ignore[import-not-found]  # same as above

    serve(app, default_port=urlsplit(URL).port or 8001)
