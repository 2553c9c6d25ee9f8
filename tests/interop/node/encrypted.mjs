// Encrypted ID tokens and userinfo: signed by Sen, then encrypted to the key of our `jwks` that says `use: enc`.
// The same program serves RSA-OAEP-256 and ECDH-ES; which one is registered metadata.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { logsIn } from './login.mjs'
import { client, done, issuer, privateKey } from './setting.mjs'

const encoding = client.id_token_encrypted_response_enc ?? 'A128CBC-HS256' // the default of OpenID Connect Registration
const decryption = await privateKey({ use: 'enc' })
const decrypting = (config) => oidc.enableDecryptingResponses(config, [encoding], decryption)
const execute = [decrypting, oidc.enableNonRepudiationChecks]
const authentication = oidc.PrivateKeyJwt(await privateKey())
const sen = await oidc.discovery(issuer, client.client_id, client, authentication, { execute })

const { tokens } = await logsIn(sen)
const header = jose.decodeProtectedHeader(tokens.id_token)
assert.equal(header.alg, client.id_token_encrypted_response_alg)
assert.equal(header.enc, encoding)
assert.equal(header.kid, decryption.kid)
assert.equal(header.cty, 'JWT')

// openid-client has decrypted it and checked what was inside: signature, nonce, audience.
const { sub } = tokens.claims()
const person = await oidc.fetchUserInfo(sen, tokens.access_token, sub)
assert.equal(person.sub, sub)
assert.ok(person.name)

// Where userinfo is registered as encrypted, it is nothing that a front could read.
if (client.userinfo_encrypted_response_alg) {
  const address = new URL(sen.serverMetadata().userinfo_endpoint)
  const answer = await oidc.fetchProtectedResource(sen, tokens.access_token, address, 'GET')
  assert.match(answer.headers.get('content-type'), /^application\/jwt/)
  assert.equal((await answer.text()).split('.').length, 5) // five parts: encrypted
}

done('A login whose messages only we can read.')
