import { EventEmitter } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { LiveLeases } from '../calls/live-leases';
import { Seals } from '../calls/seals';
import type { Sessions } from '../sessions/sessions';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Agents } from './agents';
import { sealedClient } from './clients';
import { McpController } from './mcp.controller';
import type { Methods } from './methods';

const CLAIMS = { tenant: 'default', grantId: 'grt_1' };

/** The raw response of a stream. */
class Raw extends EventEmitter {
  destroyed = false;
  readonly heads: number[] = [];
  writeHead(status: number): void {
    this.heads.push(status);
  }
  flushHeaders(): void {
    // nothing is held back
  }
  write(): void {
    // no client reads it
  }
  end(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

describe('the stream of messages that belong to no request', () => {
  const watched = new Set<AbortController>();
  /** what happens while the lease is read for the session */
  let holding: () => void;
  let hasSession: boolean;
  let released: number;
  const opened = async () => {
    const raw = new Raw();
    const ends = new AbortController();
    const session = { closed: ends, close: () => ends.abort(), attach: () => () => undefined };
    const hold = async () => {
      await Promise.resolve();
      holding();
      return { session: hasSession ? session : undefined, release: () => void (released += 1) };
    };
    const watch = (_tenant: string, _grantId: string, call: AbortController) => {
      watched.add(call);
      return { end: () => watched.delete(call) };
    };
    const controller = new McpController(
      {
        asking: () => ({ claims: CLAIMS, upstream: { name: 's' } }),
        endpoint: () => new URL('http://b/mcp/s'),
      } as unknown as Agents,
      {} as Methods,
      { hold, hasEnded: () => false } as unknown as Sessions,
      seals,
      { watch } as unknown as LiveLeases,
    );
    const codes: number[] = [];
    const reply = {
      raw,
      hijack: () => undefined,
      code: (code: number) => (codes.push(code), reply),
      header: () => reply,
      send: async () => undefined,
    };
    const headers = { 'mcp-session-id': SESSION, accept: 'text/event-stream' };
    const request = { method: 'GET', params: { server: 's' }, headers } as unknown as FastifyRequest;
    await controller.handle(request, reply as unknown as FastifyReply);
    return { raw, codes };
  };
  const seals = new Seals('secret');
  const of = { claims: CLAIMS as TokenClaims, upstream: { name: 's' } };
  const SESSION = sealedClient(seals, of, { of: { roots: {} }, server: {} });

  beforeEach(() => {
    watched.clear();
    [holding, hasSession, released] = [() => undefined, true, 0];
  });

  it('ends after the time that a call may take, so that its client opens another', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { raw } = await opened();
      jest.advanceTimersByTime(BOUNDARY_LIMITS.callMs - 1);
      expect(raw.destroyed).toBe(false);
      jest.advanceTimersByTime(1);
      expect([raw.destroyed, watched.size, released]).toEqual([true, 0, 1]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('ends with its lease', async () => {
    const { raw } = await opened();
    expect([raw.heads, raw.destroyed, watched.size]).toEqual([[200], false, 1]);
    watched.forEach((call) => call.abort('revoked'));
    expect([raw.destroyed, watched.size, released]).toEqual([true, 0, 1]);
  });

  it('ends if its lease ends while it is read for the session', async () => {
    holding = () => watched.forEach((call) => call.abort('revoked'));
    const { raw } = await opened();
    expect([raw.destroyed, watched.size, released]).toEqual([true, 0, 1]);
  });

  it('is watched no longer if it is not opened', async () => {
    hasSession = false;
    expect((await opened()).codes).toEqual([405]);
    holding = () => {
      throw new TypeError('broken');
    };
    await expect(opened()).rejects.toThrow('broken');
    expect(watched.size).toBe(0);
  });
});
