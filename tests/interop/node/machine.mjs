// Profile machine: systems without people (client_credentials), with each way to say who they are. The resource that
// the token is for is always named (RFC 8707), and the server of that resource checks it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as oidc from 'openid-client'
import * as undici from 'undici'
import { client, done, issuer, otherClient, privateKey } from './setting.mjs'

const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS)
const pem = (kind) => readFileSync(`${process.env.CLIENTS}/${client.client_id}.${kind}`)
const withCertificate = () => {
  const dispatcher = new undici.Agent({ connect: { ca, cert: pem('pem'), key: pem('key') } })
  return { [oidc.customFetch]: (url, options) => undici.fetch(url, { ...options, dispatcher }) }
}
const METHODS = {
  client_secret_basic: async () => [oidc.ClientSecretBasic(client.client_secret)],
  client_secret_post: async () => [oidc.ClientSecretPost(client.client_secret)],
  private_key_jwt: async () => [oidc.PrivateKeyJwt(await privateKey())],
  tls_client_auth: async () => [oidc.TlsClientAuth(), withCertificate()],
  self_signed_tls_client_auth: async () => [oidc.TlsClientAuth(), withCertificate()],
}
const method = client.token_endpoint_auth_method
const [authentication, options] = await METHODS[method]()
const metadata = { ...client, use_mtls_endpoint_aliases: method.includes('tls') }
const sen = await oidc.discovery(issuer, client.client_id, metadata, authentication, options)

const [resource] = client.resources
const tokens = await oidc.clientCredentialsGrant(sen, { resource, scope: 'records.read' })
assert.equal(tokens.scope, 'records.read')
assert.equal(tokens.refresh_token, undefined)
assert.equal(tokens.id_token, undefined)

// With DPoP the token is bound to a key as well.
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))
const bound = await oidc.clientCredentialsGrant(sen, { resource, scope: 'records.read' }, { DPoP })

// What the server of the resource does with what it is sent (RFC 7662).
const server = otherClient('records')
const itsKey = oidc.PrivateKeyJwt(await privateKey({ of: server }))
const asServer = await oidc.discovery(issuer, server.client_id, server, itsKey)
const said = await oidc.tokenIntrospection(asServer, tokens.access_token)
assert.equal(said.active, true)
assert.equal(said.client_id, client.client_id)
assert.equal(said.aud, resource)
assert.equal(Boolean(said.cnf), method.includes('tls')) // a certificate that authenticates binds as well
if (!method.includes('tls')) {
  assert.equal(bound.token_type, 'dpop')
  assert.ok((await oidc.tokenIntrospection(asServer, bound.access_token)).cnf.jkt)
}

// Without a resource, or for another one, there is nothing.
await assert.rejects(oidc.clientCredentialsGrant(sen), { error: 'invalid_target' })
await assert.rejects(oidc.clientCredentialsGrant(sen, { resource: 'https://elsewhere.example/' }), {
  error: 'invalid_target',
})

// Given back, it is dead everywhere at once.
await oidc.tokenRevocation(sen, tokens.access_token)
assert.equal((await oidc.tokenIntrospection(asServer, tokens.access_token)).active, false)

done(`A system with ${method}.`)
