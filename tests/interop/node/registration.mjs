// Dynamic registration (RFC 7591 and 7592, OpenID Connect Registration): a relying party registers itself, logs a
// citizen in, changes its registration and ends it. In service an officer's initial access token comes along; a Sen
// in development may be open.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { client as suite, done, issuer, opens } from './setting.mjs'

const keys = await jose.generateKeyPair('ES256', { extractable: true })
const publicKey = { ...(await jose.exportJWK(keys.publicKey)), kid: 'first', alg: 'ES256', use: 'sig' }
const wanted = {
  client_name: 'Cổng tự đăng ký',
  'client_name#en': 'A portal that registers itself',
  redirect_uris: suite.redirect_uris,
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [publicKey] },
  id_token_signed_response_alg: 'ES256',
}
const authentication = oidc.PrivateKeyJwt({ key: keys.privateKey, kid: 'first' })
const sen = await oidc.dynamicClientRegistration(issuer, wanted, authentication)
const registered = sen.clientMetadata()
assert.ok(registered.registration_access_token)
assert.equal(registered.id_token_signed_response_alg, 'ES256')

// It logs a citizen in.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const back = await opens(
  oidc.buildAuthorizationUrl(sen, {
    redirect_uri: wanted.redirect_uris[0],
    scope: 'openid',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  }),
)
const tokens = await oidc.authorizationCodeGrant(sen, back, { pkceCodeVerifier: verifier, expectedState: state })
assert.equal(tokens.claims().aud, registered.client_id)

// It reads what it registered, and changes it. Each change brings a new token; the former one is dead.
const manages = (method, token, body) =>
  fetch(registered.registration_client_uri, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })
const former = registered.registration_access_token
assert.equal((await (await manages('GET', former)).json()).client_id, registered.client_id)
const renamed = { ...wanted, client_id: registered.client_id, 'client_name#en': 'A portal with a new name' }
const changed = await (await manages('PUT', former, renamed)).json()
assert.equal(changed['client_name#en'], 'A portal with a new name')
assert.equal((await manages('GET', former)).status, 401)

// It ends itself, and is nobody from then on.
assert.equal((await manages('DELETE', changed.registration_access_token)).status, 204)
await assert.rejects(oidc.tokenIntrospection(sen, tokens.access_token), { status: 401 })

done('A relying party that came and went by itself.')
