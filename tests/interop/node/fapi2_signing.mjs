// Profile fapi2-signing (FAPI 2.0 Message Signing): what is asked, what is answered and what a token is are signed
// statements that either side can keep as evidence. JAR at PAR, JARM in the query, introspection as RFC 9701 says.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { logsIn } from './login.mjs'
import { client, done, issuer, privateKey } from './setting.mjs'

const key = await privateKey()
const execute = [oidc.useJwtResponseMode, oidc.enableNonRepudiationChecks] // answers as JWT; all signatures checked
const sen = await oidc.discovery(issuer, client.client_id, client, oidc.PrivateKeyJwt(key), { execute })
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// Every parameter goes into a request object that we sign, and that is pushed.
async function signedAndPushed(config, parameters, options) {
  const signed = await oidc.buildAuthorizationUrlWithJAR(config, parameters, key)
  return oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams, options)
}
// `response_mode` stands in the signed object: what stands beside it is not read.
const asked = { response_mode: 'query.jwt', scope: 'openid service:driving-licence offline_access' }
const { back, tokens } = await logsIn(sen, { asked, send: signedAndPushed, DPoP })
assert.deepEqual([...back.searchParams.keys()], ['response'])
assert.equal(jose.decodeProtectedHeader(back.searchParams.get('response')).alg, 'PS256')

// An unsigned request is refused.
await assert.rejects(logsIn(sen, { asked, send: oidc.buildAuthorizationUrlWithPAR, DPoP }), { error: 'invalid_request' })

// Introspection: openid-client reads the signed answer, and checks whose it is and for whom.
const said = await oidc.tokenIntrospection(sen, tokens.access_token)
assert.equal(said.active, true)
assert.ok(said.cnf.jkt)

// The same once more with oauth4webapi, to have the evidence itself in hand.
const as = sen.serverMetadata()
const authentication = oauth.PrivateKeyJwt(key)
const options = { requestJwtResponse: true }
const answer = await oauth.introspectionRequest(as, client, authentication, tokens.access_token, options)
const evidence = await answer.clone().text()
assert.equal(jose.decodeProtectedHeader(evidence).typ, 'token-introspection+jwt')
assert.equal((await oauth.processIntrospectionResponse(as, client, answer)).active, true)
await oauth.validateApplicationLevelSignature(as, answer)

done('A FAPI 2.0 login of which every message is signed.')
