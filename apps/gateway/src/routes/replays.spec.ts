import { EventEmitter } from 'node:events';
import type { Context } from '../http/route';
import { replayRoutes } from './replays';

const caller = { kind: 'key', tenant: 'default', role: 'analyst', actor: { kind: 'service', id: 'key:test' } };

describe('a what-if', () => {
  it.each([0, 1, 2])(
    'that is answered after %i looks leaves nothing at the connection, which goes on',
    async (looks) => {
      let looked = 0;
      const owners = {
        ledger: (op: string) => {
          if (op === 'replay-start') return Promise.resolve({ id: 'x' });
          return Promise.resolve(looked++ < looks ? { progress: {} } : { answer: { decided: 3 } });
        },
      };
      const socket = Object.assign(new EventEmitter(), { destroyed: false });
      const context = { caller, body: { change: {} }, services: { owners }, request: { headers: {}, raw: { socket } } };
      const told = await replayRoutes[0]?.handle(context as unknown as Context<never, never, never>);
      expect(told).toEqual({ body: { decided: 3 } });
      expect(socket.listenerCount('close')).toBe(0);
    },
  );
});
