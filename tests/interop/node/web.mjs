// Profile web: an ordinary portal with a client secret (basic or post), PKCE, RS256, and answers in the query,
// in a form that the browser posts, and as a signed token in such a form (JARM, form_post.jwt).
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { logsIn } from './login.mjs'
import { client, done, issuer } from './setting.mjs'

const method = { client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost }
const authentication = method[client.token_endpoint_auth_method](client.client_secret)
const execute = [oidc.enableNonRepudiationChecks]
const sen = await oidc.discovery(issuer, client.client_id, client, authentication, { execute })

const { back, tokens } = await logsIn(sen)
assert.equal(back.searchParams.get('iss'), sen.serverMetadata().issuer)
assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, 'RS256')
const { sub } = tokens.claims()
assert.ok((await oidc.fetchUserInfo(sen, tokens.access_token, sub)).name)
assert.equal((await oidc.refreshTokenGrant(sen, tokens.refresh_token)).token_type, 'bearer')

// The answer as a form: no code in an address, in a history, or in a log of the front.
const posted = await logsIn(sen, { asked: { response_mode: 'form_post' } })
assert.equal(posted.back.method, 'POST')
assert.equal(posted.tokens.claims().sub, sub) // the same citizen is the same at this portal, always

// The same, signed. The request says how; openid-client is told that a JWT comes.
const strict = await oidc.discovery(issuer, client.client_id, client, authentication, {
  execute: [...execute, oidc.useJwtResponseMode],
})
const send = (config, parameters) => {
  const url = oidc.buildAuthorizationUrl(config, parameters)
  url.searchParams.set('response_mode', 'form_post.jwt')
  return url
}
if (client.response_modes?.includes('form_post.jwt')) {
  const signed = await logsIn(strict, { send })
  assert.equal(signed.back.method, 'POST')
  assert.equal(signed.tokens.claims().sub, sub)
}

// Give back the refresh token: what came from it ends too.
await oidc.tokenRevocation(sen, tokens.refresh_token)
await assert.rejects(oidc.refreshTokenGrant(sen, tokens.refresh_token), { error: 'invalid_grant' })

done('Logins at an ordinary portal, with three kinds of answers.')
