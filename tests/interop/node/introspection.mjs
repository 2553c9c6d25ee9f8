// A server of a resource asks what the tokens are that it is sent: in plain JSON (RFC 7662), or as a signed statement
// that it can keep (RFC 9701). Which one is registered metadata: this program runs as both.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { client as server, done, issuer, otherClient, privateKey } from './setting.mjs'

const as = async (metadata) =>
  oidc.discovery(issuer, metadata.client_id, metadata, oidc.PrivateKeyJwt(await privateKey({ of: metadata })))
const machine = await as(otherClient('machine-key'))
const sen = await as(server)
const [resource] = server.resources_served
const { access_token } = await oidc.clientCredentialsGrant(machine, { resource, scope: 'records.read' })

const said = await oidc.tokenIntrospection(sen, access_token)
assert.equal(said.active, true)
assert.equal(said.scope, 'records.read')

// The archive is not the server that this token is for: to it, the token is nothing. Nor is what is no token.
assert.deepEqual(await oidc.tokenIntrospection(await as(otherClient('archive')), access_token), { active: false })
assert.equal((await oidc.tokenIntrospection(sen, 'no token at all')).active, false)

// Often a server reads the token itself (RFC 9068). It then learns of a revocation only by asking, as above.
const { issuer: expected, jwks_uri } = sen.serverMetadata()
const published = jose.createRemoteJWKSet(new URL(jwks_uri))
const options = { issuer: expected, audience: resource, typ: 'at+jwt' }
const { payload } = await jose.jwtVerify(access_token, published, options)
assert.equal(payload.client_id, 'machine-key')

await oidc.tokenRevocation(machine, access_token)
assert.equal((await oidc.tokenIntrospection(sen, access_token)).active, false)

done(`A server asked what its tokens are: ${server.introspection_signed_response_alg ?? 'plain'}.`)
