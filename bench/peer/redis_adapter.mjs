// Keeps what oidc-provider must remember in Redis: one class, one command pipeline per call, as few keys as will do.
//
// What is used up once (codes, refresh tokens, pushed requests) is a hash, so that "consumed" can be set without
// reading the rest; everything else is one JSON string. Whatever belongs to a grant is listed under it, so that a
// revoked grant takes it along.

import { Redis } from 'ioredis';

const USED_ONCE = new Set(['AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest', 'DeviceCode']);
const OF_A_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

export const redis = new Redis({ path: process.env.PEER_REDIS_SOCKET });

export class RedisAdapter {
  constructor(name) {
    this.name = name;
  }

  key(id) {
    return `${this.name}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    const wave = redis.multi();
    if (USED_ONCE.has(this.name)) {
      wave.hset(key, 'payload', JSON.stringify(payload));
      if (expiresIn) wave.expire(key, expiresIn);
    } else if (expiresIn) {
      wave.set(key, JSON.stringify(payload), 'EX', expiresIn);
    } else {
      wave.set(key, JSON.stringify(payload));
    }
    if (payload.grantId && OF_A_GRANT.has(this.name)) {
      wave.rpush(`grant:${payload.grantId}`, key);
      if (expiresIn) wave.expire(`grant:${payload.grantId}`, expiresIn, 'GT');
    }
    if (payload.uid) wave.set(`uid:${payload.uid}`, id, 'EX', expiresIn);
    await wave.exec();
  }

  async find(id) {
    if (!USED_ONCE.has(this.name)) {
      const found = await redis.get(this.key(id));
      return found ? JSON.parse(found) : undefined;
    }
    const { payload, consumed } = await redis.hgetall(this.key(id));
    if (!payload) return undefined;
    return consumed ? { ...JSON.parse(payload), consumed: Number(consumed) } : JSON.parse(payload);
  }

  async findByUid(uid) {
    const id = await redis.get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async consume(id) {
    await redis.hset(this.key(id), 'consumed', Math.floor(Date.now() / 1000));
  }

  async destroy(id) {
    await redis.del(this.key(id));
  }

  async revokeByGrantId(grantId) {
    const keys = await redis.lrange(`grant:${grantId}`, 0, -1);
    await redis.del(`grant:${grantId}`, ...keys);
  }
}
