// The peer of the benchmark: oidc-provider with a Redis adapter, set up to do the same work as Sen.
//
// PEER_PORT, PEER_REDIS_SOCKET, PEER_CLIENT (JSON: client metadata) and PEER_SIGNING_KEY (a private JWK) come from
// bench/peer_arm.py. Its interaction page logs anybody in and agrees to everything: the load uses the session.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

import { RedisAdapter } from './redis_adapter.mjs';

const port = Number(process.env.PEER_PORT);
const issuer = `http://localhost:${port}`;
const secret = process.env.PEER_COOKIE_SECRET;

const person = {
  name: 'Nguyễn Thị Hoa', birthdate: '1941-05-02', gender: 'female', email: 'hoa@example.vn', phone_number: '+84912345678',
};

const provider = new Provider(issuer, {
  adapter: RedisAdapter,
  clients: [JSON.parse(process.env.PEER_CLIENT)],
  jwks: { keys: [JSON.parse(process.env.PEER_SIGNING_KEY)] },
  cookies: { keys: [secret] },
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'gender'], email: ['email'], phone: ['phone_number'] },
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
  features: { devInteractions: { enabled: false }, pushedAuthorizationRequests: { enabled: true } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...person }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  pairwiseIdentifier: (_, accountId, client) =>
    createHash('sha256').update(client.sectorIdentifier).update(accountId).update(secret).digest('hex'),
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'email', 'phone'],
  subjectTypes: ['pairwise'],
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, Grant: 86400, IdToken: 300, Interaction: 3600, RefreshToken: 30 * 86400,
    Session: 43200,
  },
});

let people = 0;

async function agree(request, response) {
  const details = await provider.interactionDetails(request, response);
  const accountId = details.session?.accountId ?? `person-${(people += 1)}`;
  const grant = new provider.Grant({ accountId, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId }, consent });
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  agree(request, response).catch((broken) => {
    response.writeHead(500).end(String(broken));
  });
}).listen(port, '127.0.0.1');
