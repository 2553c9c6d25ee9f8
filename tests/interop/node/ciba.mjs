// A counter, or a call centre (CIBA, poll): the citizen names a number, and approves on a device of the own. The
// request is signed, and both screens show the same message, so that nobody approves what somebody else asks.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { approves, client, done, issuer, privateKey } from './setting.mjs'

const key = await privateKey()
const execute = [oidc.enableNonRepudiationChecks]
const sen = await oidc.discovery(issuer, client.client_id, client, oidc.PrivateKeyJwt(key), { execute })
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// A request object of CIBA's own kind (CIBA Core section 7.1.1): openid-client has no function for it, jose has.
async function asksFor(login_hint, binding_message) {
  const request = await new jose.SignJWT({
    scope: 'openid service:login offline_access',
    login_hint,
    binding_message,
  })
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .setIssuer(client.client_id)
    .setAudience(sen.serverMetadata().issuer)
    .setJti(oidc.randomState())
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('1m')
    .sign(key.key)
  return oidc.initiateBackchannelAuthentication(sen, { request })
}

const message = 'Quay 4 - 731'
const waiting = await asksFor(process.env.PERSONAL_NUMBER, message)

const [tokens] = await Promise.all([
  oidc.pollBackchannelAuthenticationGrant(sen, waiting, {}, { DPoP }),
  approves(message),
])
assert.equal(tokens.token_type, 'dpop')
const claims = tokens.claims()
assert.equal(claims['urn:openid:params:jwt:claim:auth_req_id'] ?? waiting.auth_req_id, waiting.auth_req_id)
assert.ok((await oidc.fetchUserInfo(sen, tokens.access_token, claims.sub, { DPoP })).name)

// A number that nobody has is answered in the same way: whoever asks learns nothing about people.
const nobody = await asksFor('001299000001', message)
assert.deepEqual(Object.keys(nobody).sort(), Object.keys(waiting).sort())

done('A login that began at a counter.')
