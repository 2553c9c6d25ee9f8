// An app on the citizen's own machine (profile native). It has no secret: whatever an app carries, anybody can read.
// Instead the login happens in the system's browser (RFC 8252), PKCE ties the answer to this run, and a key that never
// leaves the machine binds the tokens (DPoP).
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import * as oidc from 'openid-client'

const ISSUER = new URL(process.env.ISSUER ?? 'https://localhost:8443')
const CLIENT = JSON.parse(readFileSync(process.env.CLIENT_FILE))

const sen = await oidc.discovery(ISSUER, CLIENT.client_id, CLIENT, oidc.None(), {
  execute: [oidc.enableNonRepudiationChecks],
})
// A real app keeps this key in the system's key store (not extractable), beside the refresh token.
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// 1. Listen on any free port of this machine: the registered address names no port, so every port is good. Use the
//    number of the interface and not `localhost`, which may mean something else.
const listener = createServer().listen(0, '127.0.0.1')
await once(listener, 'listening')
const callback = new URL(CLIENT.redirect_uris[0])
callback.port = listener.address().port

// 2. Send the citizen to the system's browser. Here the address is printed; an app opens it.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const nonce = oidc.randomNonce()
const url = oidc.buildAuthorizationUrl(sen, {
  redirect_uri: callback.href,
  scope: 'openid service:login offline_access',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
console.log(`Open ${url.href}`)

// 3. One answer, and the listener is gone. Other programs of this machine may call it, too: only an answer with our
//    state counts, and a code is of no use without the verifier.
let came
while (came?.searchParams.get('state') !== state) {
  const [request, answer] = await once(listener, 'request')
  came = new URL(request.url, callback)
  answer.setHeader('Connection', 'close').end('You can close this page and go back to the app.')
}
listener.close()
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
let tokens = await oidc.authorizationCodeGrant(sen, came, checks, {}, { DPoP })
const { sub } = tokens.claims()

// 4. Refresh tokens of apps are replaced at each use: keep the new one before you forget the old one. If the answer was
//    lost on the way, repeat with the old one at once; much later that counts as theft and ends everything.
const former = tokens.refresh_token
tokens = await oidc.refreshTokenGrant(sen, former, {}, { DPoP })
if (tokens.refresh_token === former) throw new Error('the refresh token was not replaced')

const person = await oidc.fetchUserInfo(sen, tokens.access_token, sub, { DPoP })
console.log(`Welcome, ${person.name}.`)

// 5. Log out of the app: give back what it could still use.
await oidc.tokenRevocation(sen, tokens.refresh_token)
