// An Express portal with express-openid-connect: login, its own logout, and Sen's word that a session is over
// (back-channel logout). Sessions and what Sen said are kept on this side; use a store that all your servers share.
import { randomBytes } from 'node:crypto'
import express from 'express'
import { auth } from 'express-openid-connect'
import { client, issuer } from './setting.mjs'

process.stdin.destroy() // nobody types here
const url = new URL(client.redirect_uris[0])
const app = express()

// The smallest store: it forgets at a restart.
const kept = new Map()
const store = {
  get: (key, done) => done(null, kept.get(key)),
  set: (key, value, done) => done(null, void kept.set(key, value)),
  destroy: (key, done) => done(null, void kept.delete(key)),
}

app.use(
  auth({
    issuerBaseURL: issuer.origin,
    baseURL: url.origin,
    clientID: client.client_id,
    clientAuthMethod: 'private_key_jwt',
    clientAssertionSigningKey: client.jwks.keys[0],
    clientAssertionSigningAlg: client.jwks.keys[0].alg,
    secret: randomBytes(32).toString('hex'), // of the cookie
    authRequired: false,
    idTokenSigningAlg: 'RS256',
    authorizationParams: { response_type: 'code', response_mode: 'query', scope: 'openid service:login' },
    idpLogout: true,
    backchannelLogout: { store },
    session: { store, name: 'express_portal' },
  }),
)

app.get('/', async (request, answer) => {
  if (!request.oidc.isAuthenticated()) return answer.send('Nobody is logged in.')
  const { name } = await request.oidc.fetchUserInfo()
  answer.type('text').send(`Welcome, ${name}.`)
})

app.listen(url.port, '127.0.0.1')
