// What every program here is told by `make interop`, and its way to the citizen. Yours reads its own configuration.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as jose from 'jose'

export const issuer = new URL(process.env.ISSUER)

// The metadata as registered (RFC 7591), with the private keys that only this side has.
export const client = readClient(process.env.CLIENT_FILE)
export function readClient(file) {
  return JSON.parse(readFileSync(file))
}
export function otherClient(name) {
  return readClient(`${process.env.CLIENTS}/${name}.json`)
}

// The private key for signing, or for decrypting (`use: enc`), with its kid: Sen finds the public one by it.
export async function privateKey({ of = client, use = 'sig' } = {}) {
  const jwk = of.jwks.keys.find((key) => key.use === use)
  return { key: await jose.importJWK(jwk, jwk.alg), kid: jwk.kid, alg: jwk.alg }
}

// The citizen sits at a browser, not in this program. By hand: open what is printed, and paste what comes of it.
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function asks(wish) {
  console.log(`citizen> ${JSON.stringify(wish)}`)
  return JSON.parse((await lines.next()).value)
}

// Sends the citizen to an address; returns the request with which the browser came back.
export async function opens(url) {
  const came = await asks({ do: 'open', url: url.href })
  if (came.method === 'GET') return new URL(came.url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(came.url, { method: 'POST', body: came.body, headers })
}
export const entersCode = (url, code) => asks({ do: 'enter', url, code })
export const approves = (message) => asks({ do: 'approve', message })
export const leaves = async (url) => new URL((await asks({ do: 'leave', url: url.href })).url)

// Ends the program: standard input would keep it waiting.
export function done(what) {
  console.log(what)
  process.stdin.destroy()
}
