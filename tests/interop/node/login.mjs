// A login in one call, for programs that are about what comes before or after it; fapi2.mjs shows it step by step.
import * as oidc from 'openid-client'
import { client, opens } from './setting.mjs'

// `asked` are parameters of the request; `send` makes an address of them: in the query, pushed, or signed.
export async function logsIn(sen, { asked = {}, send = oidc.buildAuthorizationUrl, DPoP } = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const parameters = {
    redirect_uri: client.redirect_uris[0],
    scope: 'openid service:login offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...asked,
  }
  const back = await opens(await send(sen, parameters, { DPoP }))
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return { back, tokens: await oidc.authorizationCodeGrant(sen, back, checks, {}, { DPoP }) }
}
