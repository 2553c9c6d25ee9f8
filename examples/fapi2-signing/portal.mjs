// A portal of the profile fapi2-signing, for matters of which either side may have to prove later what was asked and
// answered: the request is a statement that we sign (JAR), the answer one that Sen signs (JARM). What differs from
// the profile fapi2 is marked; sessions and logging out are as in ../fapi2/portal.mjs.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import * as jose from 'jose'
import * as oidc from 'openid-client'

const ISSUER = new URL(process.env.ISSUER ?? 'https://localhost:8443')
const CLIENT = JSON.parse(readFileSync(process.env.CLIENT_FILE))
const CALLBACK = new URL(CLIENT.redirect_uris[0])

const [jwk] = CLIENT.jwks.keys
const key = { key: await jose.importJWK(jwk, jwk.alg), kid: jwk.kid }
const sen = await oidc.discovery(ISSUER, CLIENT.client_id, CLIENT, oidc.PrivateKeyJwt(key), {
  execute: [
    oidc.useJwtResponseMode, // (!) the answer is one JWT: its signature, iss, aud and exp are checked
    oidc.enableNonRepudiationChecks,
  ],
})
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// Logins under way, by the cookie of their browser. The evidence of each: what we signed, and what Sen signed.
const begun = new Map()
const evidence = []

async function login(answer) {
  const kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
  const asked = {
    redirect_uri: CALLBACK.href,
    response_mode: 'jwt',
    scope: 'openid service:promotion-notice',
    code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: 'S256',
    state: kept.state,
    nonce: kept.nonce,
  }
  // (!) All parameters go into a request object with our signature, and that is pushed.
  const signed = await oidc.buildAuthorizationUrlWithJAR(sen, asked, key)
  const url = await oidc.buildAuthorizationUrlWithPAR(sen, signed.searchParams, { DPoP })
  begun.set(kept.state, { ...kept, request: signed.searchParams.get('request') })
  const cookie = `example_signing=${kept.state}; HttpOnly; SameSite=Lax; Path=/`
  answer.writeHead(303, { Location: url.href, 'Set-Cookie': cookie }).end()
}

async function callback(request, answer) {
  const state = /(?:^|; )example_signing=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  const kept = begun.get(state)
  begun.delete(state)
  if (!kept) return answer.writeHead(303, { Location: '/' }).end()
  const came = new URL(request.url, CALLBACK)
  const checks = { pkceCodeVerifier: kept.verifier, expectedState: kept.state, expectedNonce: kept.nonce }
  const tokens = await oidc.authorizationCodeGrant(sen, came, { ...checks, idTokenExpected: true }, {}, { DPoP })
  const person = await oidc.fetchUserInfo(sen, tokens.access_token, tokens.claims().sub, { DPoP })
  // (!) Keep what was signed, as it came; with Sen's keys of that day anybody can check it years later.
  evidence.push({ asked: kept.request, answered: came.searchParams.get('response'), who: tokens.id_token })
  answer.end(`Welcome, ${person.name}. ${Object.keys(evidence.at(-1)).length} signed statements are kept.`)
}

createServer(async (request, answer) => {
  const { pathname } = new URL(request.url, CALLBACK)
  try {
    answer.setHeader('Content-Type', 'text/plain; charset=utf-8')
    if (pathname === '/') await login(answer)
    else if (pathname === CALLBACK.pathname) await callback(request, answer)
    else answer.writeHead(404).end()
  } catch (error) {
    console.error(error)
    answer.writeHead(502).end('That did not work. Please begin again: /')
  }
}).listen(CALLBACK.port, '127.0.0.1', () => console.log(`Open ${CALLBACK.origin}`))
