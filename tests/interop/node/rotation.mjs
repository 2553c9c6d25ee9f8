// An app whose answer got lost (profile native: a public client, tokens bound by DPoP). Its refresh tokens are replaced at
// each use. The one before may be repeated for a moment; one that is older was stolen, by whomever, and ends everything.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { logsIn } from './login.mjs'
import { client, done, issuer } from './setting.mjs'

const execute = [oidc.enableNonRepudiationChecks]
const sen = await oidc.discovery(issuer, client.client_id, client, oidc.None(), { execute })
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))
const refresh = (token) => oidc.refreshTokenGrant(sen, token, {}, { DPoP })

const { tokens: first } = await logsIn(sen, { DPoP })
const { sub } = first.claims()
const second = await refresh(first.refresh_token)
assert.notEqual(second.refresh_token, first.refresh_token)

// The answer is lost on its way: asking again gives the same new token, and nothing is over.
const repeated = await refresh(first.refresh_token)
assert.equal(repeated.refresh_token, second.refresh_token)
const third = await refresh(repeated.refresh_token)
assert.ok((await oidc.fetchUserInfo(sen, third.access_token, sub, { DPoP })).name)

// Somebody comes with the first one again: neither that one nor the newest is of use from now on.
const over = { error: 'invalid_grant' }
await assert.rejects(refresh(first.refresh_token), over)
await assert.rejects(refresh(third.refresh_token), over)
await assert.rejects(oidc.fetchUserInfo(sen, third.access_token, sub, { DPoP }), { status: 401 })

done('An answer that got lost, and a token that was stolen.')
