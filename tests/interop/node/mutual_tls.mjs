// Mutual TLS (RFC 8705): the certificate says who we are, and tokens are good with it alone. The same program serves
// tls_client_auth (an authority vouches for the name) and self_signed_tls_client_auth (the certificate is registered).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as oidc from 'openid-client'
import * as undici from 'undici'
import { logsIn } from './login.mjs'
import { client, done, issuer } from './setting.mjs'

const folder = process.env.CLIENTS
const connect = {
  cert: readFileSync(`${folder}/${client.client_id}.pem`),
  key: readFileSync(`${folder}/${client.client_id}.key`),
  ca: readFileSync(process.env.NODE_EXTRA_CA_CERTS),
}
// Node's own fetch knows no client certificates; undici's does.
const showing = (dispatcher) => (url, options) => undici.fetch(url, { ...options, dispatcher })
const withCertificate = showing(new undici.Agent({ connect }))
const withoutCertificate = showing(new undici.Agent({ connect: { ca: connect.ca } }))

// The addresses under mtls_endpoint_aliases are those that ask for a certificate.
const metadata = { ...client, use_mtls_endpoint_aliases: true }
const sen = await oidc.discovery(issuer, client.client_id, metadata, oidc.TlsClientAuth(), {
  [oidc.customFetch]: withCertificate,
  execute: [oidc.enableNonRepudiationChecks],
})
assert.equal(sen.serverMetadata().tls_client_certificate_bound_access_tokens, true)

const { tokens } = await logsIn(sen, { send: oidc.buildAuthorizationUrlWithPAR })
assert.equal(tokens.token_type, 'bearer') // bound, although it is sent as any other (RFC 8705 section 3)
const { sub } = tokens.claims()
assert.equal((await oidc.fetchUserInfo(sen, tokens.access_token, sub)).sub, sub)
assert.ok((await oidc.tokenIntrospection(sen, tokens.access_token)).cnf['x5t#S256'])
assert.ok((await oidc.refreshTokenGrant(sen, tokens.refresh_token)).access_token)

// Whoever has the token without the certificate's key has nothing.
sen[oidc.customFetch] = withoutCertificate
await assert.rejects(oidc.fetchUserInfo(sen, tokens.access_token, sub))
await assert.rejects(oidc.refreshTokenGrant(sen, tokens.refresh_token), { status: 401 })

done('A FAPI 2.0 login with a certificate.')
