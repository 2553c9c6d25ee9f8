// Rich authorization requests (RFC 9396): not "may read documents", but these documents, to this body, for this case.
// The citizen reads it in words on the consent page. The request goes as JSON in a form, pushed.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { logsIn } from './login.mjs'
import { client, done, issuer, privateKey } from './setting.mjs'

const sen = await oidc.discovery(issuer, client.client_id, client, oidc.PrivateKeyJwt(await privateKey()))
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))
assert.ok(sen.serverMetadata().authorization_details_types_supported.includes('vn_document_share'))

const wanted = {
  type: 'vn_document_share',
  documents: ['birth_certificate', 'residence_confirmation'],
  recipient: 'court',
  case_number: '12/2026/TLST-DS',
}
const asked = { authorization_details: JSON.stringify([wanted]), scope: 'openid service:login' }
const { tokens } = await logsIn(sen, { asked, send: oidc.buildAuthorizationUrlWithPAR, DPoP })
assert.equal(tokens.authorization_details.length, 1)
assert.equal(tokens.authorization_details[0].case_number, wanted.case_number)
assert.deepEqual(tokens.authorization_details[0].documents, wanted.documents)

// The server of the documents sees the same.
const said = await oidc.tokenIntrospection(sen, tokens.access_token)
assert.deepEqual(said.authorization_details, tokens.authorization_details)

// A member that the registry does not know is refused at once, before anybody is asked anything.
const foreign = { ...wanted, everything: true }
const refused = { authorization_details: JSON.stringify([foreign]), scope: 'openid service:login' }
await assert.rejects(logsIn(sen, { asked: refused, send: oidc.buildAuthorizationUrlWithPAR, DPoP }), {
  error: 'invalid_authorization_details',
})

done('A citizen agreed to one thing, and to nothing beside it.')
