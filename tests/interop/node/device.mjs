// A device without a keyboard (RFC 8628): it shows a code, the citizen types it on a phone, the device asks until it
// is done. A public client: no secret in it that somebody could take out; its tokens are bound to a key (DPoP).
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { client, done, entersCode, issuer } from './setting.mjs'

const execute = [oidc.enableNonRepudiationChecks]
const sen = await oidc.discovery(issuer, client.client_id, client, oidc.None(), { execute })
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

const waiting = await oidc.initiateDeviceAuthorization(sen, { scope: 'openid service:login offline_access' })
console.log(`Open ${waiting.verification_uri} and type ${waiting.user_code}`) // or show verification_uri_complete as QR
assert.ok(waiting.verification_uri_complete.includes(waiting.user_code))

// Ask while the citizen is at it: openid-client waits `interval` between two questions, and longer on slow_down.
const [tokens] = await Promise.all([
  oidc.pollDeviceAuthorizationGrant(sen, waiting, {}, { DPoP }),
  entersCode(waiting.verification_uri, waiting.user_code),
])
assert.equal(tokens.token_type, 'dpop')
const { sub } = tokens.claims()
assert.ok((await oidc.fetchUserInfo(sen, tokens.access_token, sub, { DPoP })).name)

// A code is good once.
await assert.rejects(oidc.pollDeviceAuthorizationGrant(sen, { ...waiting, interval: 0 }, {}, { DPoP }), {
  error: 'invalid_grant',
})

done('A login on a device, approved on another one.')
