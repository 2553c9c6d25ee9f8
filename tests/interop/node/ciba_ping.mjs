// A counter that does not keep asking (CIBA, ping): Sen calls it once the citizen has answered, and only then it fetches
// the tokens. The call carries a token of the counter's own, so that nobody else can make it believe anything.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import * as oidc from 'openid-client'
import { approves, client, done, issuer, privateKey } from './setting.mjs'

const execute = [oidc.enableNonRepudiationChecks]
const sen = await oidc.discovery(issuer, client.client_id, client, oidc.PrivateKeyJwt(await privateKey()), { execute })

const endpoint = new URL(client.backchannel_client_notification_endpoint)
const listener = createServer().listen(endpoint.port, endpoint.hostname)
await once(listener, 'listening')

const message = 'Quay 5 - 208'
const client_notification_token = oidc.randomState()
const waiting = await oidc.initiateBackchannelAuthentication(sen, {
  scope: 'openid service:login',
  login_hint: process.env.PERSONAL_NUMBER,
  binding_message: message,
  client_notification_token,
})

const [[ping, answer]] = await Promise.all([once(listener, 'request'), approves(message)])
const told = await json(ping)
answer.writeHead(204, { connection: 'close' }).end()
listener.close()
assert.equal(`${ping.method} ${ping.url}`, `POST ${endpoint.pathname}`)
assert.equal(ping.headers.authorization, `Bearer ${client_notification_token}`)
assert.deepEqual(told, { auth_req_id: waiting.auth_req_id })

// Nothing to wait for: the first question gets the tokens.
const tokens = await oidc.pollBackchannelAuthenticationGrant(sen, { ...waiting, interval: 0 })
assert.ok((await oidc.fetchUserInfo(sen, tokens.access_token, tokens.claims().sub)).name)

done('A login that began at a counter, which was told when it was over.')
