// Between servers (RFC 8693): the server of the records received a citizen's token, and needs the archive to answer.
// It exchanges the token for one that is for the archive alone, with fewer scopes, and that says who acts for whom.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { logsIn } from './login.mjs'
import { client, done, issuer, otherClient, privateKey } from './setting.mjs'

// The portal: the citizen logs in, and the portal gets a token for the records.
const as = async (metadata) =>
  oidc.discovery(issuer, metadata.client_id, metadata, oidc.PrivateKeyJwt(await privateKey({ of: metadata })))
const portal = await as(client)
const DPoP = oidc.getDPoPHandle(portal, await oidc.randomDPoPKeyPair('ES256'))
const [resource] = client.resources
const asked = { resource, scope: 'openid service:login records.read records.write' }
const { tokens } = await logsIn(portal, { asked, send: oidc.buildAuthorizationUrlWithPAR, DPoP })

// The server of the records.
const records = await as(otherClient('records'))
const exchanged = await oidc.genericGrantRequest(records, 'urn:ietf:params:oauth:grant-type:token-exchange', {
  subject_token: tokens.access_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  resource: 'https://archive.example/',
  scope: 'records.read',
})
assert.equal(exchanged.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
assert.equal(exchanged.scope, 'records.read')
assert.equal(exchanged.refresh_token, undefined)

// The archive sees whose data it is, who asks, and for how much.
const archive = await as(otherClient('archive'))
const said = await oidc.tokenIntrospection(archive, exchanged.access_token)
assert.equal(said.active, true)
assert.equal(said.sub, tokens.claims().sub)
assert.deepEqual(said.act, { sub: 'records' })
assert.equal(said.aud, 'https://archive.example/')

// What was not given to the portal cannot be had in exchange.
await assert.rejects(
  oidc.genericGrantRequest(records, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: exchanged.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: 'https://archive.example/',
    scope: 'records.write',
  }),
)

// When the portal gives its token back, what came of it is dead as well.
await oidc.tokenRevocation(portal, tokens.access_token)
assert.equal((await oidc.tokenIntrospection(archive, exchanged.access_token)).active, false)

done('A token handed on between servers, narrower each time.')
