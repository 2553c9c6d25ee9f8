// Profile fapi2 with oauth4webapi: every request and every check of an answer is a line of this program.
// It asks for a token for another server (resource), and handles DPoP's nonces itself.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { client, done, issuer, opens, privateKey } from './setting.mjs'

const sen = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer))
const authentication = oauth.PrivateKeyJwt(await privateKey())
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

// Sen answers `use_dpop_nonce` once; the handle has kept the nonce by then, and the same request goes through.
async function withNonce(request, process) {
  try {
    return await process(await request())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return process(await request())
  }
}

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const [redirect_uri] = client.redirect_uris
const [resource] = client.resources
const asked = {
  redirect_uri,
  response_type: 'code',
  scope: 'openid service:login records.read',
  resource,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}
const pushed = await withNonce(
  () => oauth.pushedAuthorizationRequest(sen, client, authentication, asked, { DPoP }),
  (answer) => oauth.processPushedAuthorizationResponse(sen, client, answer),
)
assert.ok(pushed.expires_in < 600)

const url = new URL(sen.authorization_endpoint)
url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
const callback = oauth.validateAuthResponse(sen, client, await opens(url), state) // state, iss, and no error

const redeem = () =>
  oauth.authorizationCodeGrantRequest(sen, client, authentication, callback, redirect_uri, verifier, { DPoP })
let received
const tokens = await withNonce(redeem, (answer) => {
  received = answer
  const expected = { expectedNonce: nonce, requireIdToken: true }
  return oauth.processAuthorizationCodeResponse(sen, client, answer, expected)
})
await oauth.validateApplicationLevelSignature(sen, received) // the ID token's signature, by Sen's published keys

// The access token is for the other server, and that server checks it so (RFC 9068, with the proof of RFC 9449).
// Without a nonce of its own: each server makes its own nonces or does without.
const proof = { called: null }
const capture = async (target, request) => {
  proof.called = new Request(target, { method: request.method, headers: request.headers })
  return new Response('')
}
const options = { DPoP, [oauth.customFetch]: capture }
await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(`${resource}mine`), undefined, null, options)
const said = await oauth.validateJwtAccessToken(sen, proof.called, resource)
assert.equal(said.client_id, client.client_id)
assert.equal(said.sub, oauth.getValidatedIdTokenClaims(tokens).sub)
assert.ok(said.scope.split(' ').includes('records.read'))
assert.ok(said.cnf.jkt)

// The same code a second time is refused, and ends what it gave.
await assert.rejects(
  withNonce(redeem, (answer) => oauth.processAuthorizationCodeResponse(sen, client, answer)),
  { error: 'invalid_grant' },
)

done('A FAPI 2.0 login, every message by hand.')
