// The peer of the benchmark: oidc-provider with a Redis adapter, set up to do the same work as Sen.
//
// PEER_PORT, PEER_REDIS_SOCKET, PEER_CLIENTS (JSON: client metadata), PEER_RESOURCE and its scope, and PEER_SIGNING_KEY
// (a private JWK) come from bench/peer.py. Its interaction page logs anybody in and agrees to everything: the load uses the session.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider, errors } from 'oidc-provider';

import { RedisAdapter } from './redis_adapter.mjs';

const port = Number(process.env.PEER_PORT);
const issuer = `http://localhost:${port}`;
const secret = process.env.PEER_COOKIE_SECRET;
const resourceScope = process.env.PEER_RESOURCE_SCOPE;

const person = {
  name: 'Nguyễn Thị Hoa', birthdate: '1941-05-02', gender: 'female', email: 'hoa@example.vn', phone_number: '+84912345678',
};

const provider = new Provider(issuer, {
  adapter: RedisAdapter,
  clients: JSON.parse(process.env.PEER_CLIENTS),
  jwks: { keys: [JSON.parse(process.env.PEER_SIGNING_KEY)] },
  cookies: { keys: [secret] },
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'gender'], email: ['email'], phone: ['phone_number'] },
  clientAuthMethods: ['private_key_jwt', 'client_secret_basic'],
  enabledJWA: {
    idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256'],
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => {
        if (resource !== process.env.PEER_RESOURCE) throw new errors.InvalidTarget();
        return {
          scope: resourceScope, audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...person }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  pairwiseIdentifier: (_, accountId, client) =>
    createHash('sha256').update(client.sectorIdentifier).update(accountId).update(secret).digest('hex'),
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'email', 'phone', resourceScope],
  subjectTypes: ['pairwise'],
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 86400, IdToken: 300, Interaction: 3600, RefreshToken: 30 * 86400,
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
