// A portal of the profile fapi2, the default for a state's portals: it asks by PAR, proves who it is with a key, and
// its tokens are good with a key of its own only (DPoP). Read it from top to bottom; README.md tells how to start it.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import * as jose from 'jose'
import * as oidc from 'openid-client'

const ISSUER = new URL(process.env.ISSUER ?? 'https://localhost:8443')
const CLIENT = JSON.parse(readFileSync(process.env.CLIENT_FILE))
const CALLBACK = new URL(CLIENT.redirect_uris[0])

// 1. Who we are. Everything that Sen offers comes from its metadata; nothing of it stands in this program.
const [jwk] = CLIENT.jwks.keys
const key = { key: await jose.importJWK(jwk, jwk.alg), kid: jwk.kid }
const sen = await oidc.discovery(ISSUER, CLIENT.client_id, CLIENT, oidc.PrivateKeyJwt(key), {
  execute: [oidc.enableNonRepudiationChecks], // check signatures of ID tokens, whatever TLS says
})
const DPoP = oidc.getDPoPHandle(sen, await oidc.randomDPoPKeyPair('ES256'))

// 2. What we remember of a browser: a random name in its cookie, everything else on this side.
const browsers = new Map()
function browserOf(request) {
  const name = /(?:^|; )example_fapi2=([0-9a-f-]+)/.exec(request.headers.cookie ?? '')?.[1]
  return browsers.has(name) ? name : undefined
}
function remember(answer, kept) {
  const name = randomUUID()
  browsers.set(name, kept)
  // `; Secure` belongs here, too, where the portal has https.
  answer.setHeader('Set-Cookie', `example_fapi2=${name}; HttpOnly; SameSite=Lax; Path=/`)
}

const pages = {
  '/': (request, answer) => {
    const person = browsers.get(browserOf(request))?.person
    answer.end(person ? `Welcome, ${person.name}. To log out, open /logout` : 'Nobody is logged in. Open /login')
  },

  // 3. Ask: from server to server, so that the browser carries a short name and nothing else.
  '/login': async (_request, answer) => {
    const begun = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
    const asked = {
      redirect_uri: CALLBACK.href,
      scope: 'openid service:driving-licence',
      acr_values: 'LoA2',
      code_challenge: await oidc.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
    }
    remember(answer, { begun })
    go(answer, (await oidc.buildAuthorizationUrlWithPAR(sen, asked, { DPoP })).href)
  },

  // 4. Check the answer before anything of it is believed, then begin a session under a new name.
  [CALLBACK.pathname]: async (request, answer) => {
    const name = browserOf(request)
    const begun = browsers.get(name)?.begun
    browsers.delete(name)
    if (!begun) return go(answer, '/') // another browser, or a second time
    const checks = { pkceCodeVerifier: begun.verifier, expectedState: begun.state, expectedNonce: begun.nonce }
    const came = new URL(request.url, CALLBACK)
    const tokens = await oidc.authorizationCodeGrant(sen, came, { ...checks, idTokenExpected: true }, {}, { DPoP })
    const { sub } = tokens.claims() // keep this to know the citizen again: never a name, never a number
    const person = await oidc.fetchUserInfo(sen, tokens.access_token, sub, { DPoP })
    remember(answer, { person, idToken: tokens.id_token })
    go(answer, '/')
  },

  // 5. Log out here and at Sen.
  '/logout': (request, answer) => {
    const name = browserOf(request)
    const hint = browsers.get(name)?.idToken
    browsers.delete(name)
    const back = { post_logout_redirect_uri: CLIENT.post_logout_redirect_uris[0] }
    go(answer, oidc.buildEndSessionUrl(sen, hint ? { ...back, id_token_hint: hint } : back).href)
  },
}

function go(answer, to) {
  answer.writeHead(303, { Location: to }).end()
}

createServer(async (request, answer) => {
  const page = pages[new URL(request.url, CALLBACK).pathname]
  try {
    answer.setHeader('Content-Type', 'text/plain; charset=utf-8')
    if (page) await page(request, answer)
    else answer.writeHead(404).end()
  } catch (error) {
    console.error(error) // for us; people get a sentence and a way on
    answer.writeHead(502).end('That did not work. Please log in again: /login')
  }
}).listen(CALLBACK.port, '127.0.0.1', () => console.log(`Open ${CALLBACK.origin}`))
