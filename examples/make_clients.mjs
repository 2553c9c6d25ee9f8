// Makes a key pair for each example and writes, into the folder that is named, NAME.json (what the example reads; it
// holds the private key) and clients.json (all of them, for `sen demo --clients`, which keeps the public part alone).
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import * as jose from 'jose'

const folder = process.argv[2] ?? 'var'
await mkdir(folder, { recursive: true })
const all = []
for (const name of ['fapi2', 'fapi2-signing', 'native', 'machine']) {
  const client = JSON.parse(await readFile(new URL(`${name}/client.json`, import.meta.url)))
  if (client.token_endpoint_auth_method === 'private_key_jwt') {
    const { privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
    const jwk = await jose.exportJWK(privateKey)
    client.jwks = { keys: [{ ...jwk, kid: await jose.calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' }] }
  }
  await writeFile(`${folder}/${name}.json`, JSON.stringify(client, null, 2), { mode: 0o600 })
  all.push(client)
}
await writeFile(`${folder}/clients.json`, JSON.stringify(all, null, 2), { mode: 0o600 })
console.log(`Written: ${folder}/clients.json and a file for each example.`)
