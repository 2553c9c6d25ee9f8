// The strict default, profile fapi2: pushed request (PAR), PKCE, private_key_jwt, and tokens bound to a key (DPoP).
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { client, done, issuer, leaves, opens, privateKey } from './setting.mjs'

// A statement that we sign is our password (private_key_jwt): for Sen alone, for a minute, good once.
const authentication = oidc.PrivateKeyJwt(await privateKey())
const options = { execute: [oidc.enableNonRepudiationChecks] } // check each ID token's signature, not its TLS alone
const sen = await oidc.discovery(issuer, client.client_id, client, authentication, options)

// Each token is good only together with this key. Sen hands out nonces for the proofs; openid-client sends them back.
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// 1. Ask, from server to server: the browser carries nothing but a short name of the request.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const nonce = oidc.randomNonce()
const asked = {
  redirect_uri: client.redirect_uris[0],
  scope: 'openid service:login offline_access',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  acr_values: 'LoA2',
  state,
  nonce,
}
const url = await oidc.buildAuthorizationUrlWithPAR(sen, asked, { DPoP })
assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])

// 2. The citizen comes back with a code; openid-client checks state, iss, nonce, signature and at_hash.
const back = await opens(url)
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const tokens = await oidc.authorizationCodeGrant(sen, back, checks, {}, { DPoP })
assert.equal(tokens.token_type, 'dpop')
assert.equal(tokens.claims().acr, 'LoA2')

// 3. What the citizen agreed to share.
const { sub } = tokens.claims()
const person = await oidc.fetchUserInfo(sen, tokens.access_token, sub, { DPoP })
assert.ok(person.name)

// 4. Later, without the citizen. FAPI 2.0 does not rotate: the refresh token stays the same one.
const later = await oidc.refreshTokenGrant(sen, tokens.refresh_token, {}, { DPoP })
assert.ok([undefined, tokens.refresh_token].includes(later.refresh_token))
assert.equal((await oidc.tokenIntrospection(sen, later.access_token)).sub, sub)

// 5. A thief who has the access token, and not the key, has nothing; nor has one without a proof.
const thief = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))
await assert.rejects(oidc.fetchUserInfo(sen, later.access_token, sub, { DPoP: thief }))
await assert.rejects(oidc.fetchUserInfo(sen, later.access_token, sub))
await assert.rejects(oidc.refreshTokenGrant(sen, tokens.refresh_token), { error: 'invalid_request' })

// 6. Give back what is no longer needed.
await oidc.tokenRevocation(sen, tokens.refresh_token)
await assert.rejects(oidc.refreshTokenGrant(sen, tokens.refresh_token, {}, { DPoP }), { error: 'invalid_grant' })
assert.equal((await oidc.tokenIntrospection(sen, later.access_token)).active, false)

// 7. Log out here and at Sen; the citizen comes back with our state.
const leave = { post_logout_redirect_uri: client.post_logout_redirect_uris[0], id_token_hint: tokens.id_token, state }
assert.equal((await leaves(oidc.buildEndSessionUrl(sen, leave))).searchParams.get('state'), state)

done('A FAPI 2.0 login from the pushed request to the logout.')
