import { EventEmitter } from 'node:events';
import type { RequestContext } from '../http/request-context';
import type { LogClient } from '../log-client/log-client';
import { ReplaysController } from './replays.controller';

const caller = { kind: 'key', tenant: 'default', role: 'analyst', actor: { kind: 'service', id: 'key:test' } };

describe('ReplaysController', () => {
  it.each([0, 1, 2])('leaves no listener on the connection after %i polls', async (polls) => {
    let polled = 0;
    const logClient = {
      ledger: (op: string) => {
        if (op === 'replay-start') return Promise.resolve({ id: 'x' });
        return Promise.resolve(polled++ < polls ? { progress: {} } : { answer: { decided: 3 } });
      },
    };
    const socket = Object.assign(new EventEmitter(), { destroyed: false });
    const context = { caller, request: { headers: {}, raw: { socket } } } as unknown as RequestContext;
    const controller = new ReplaysController(logClient as unknown as LogClient, undefined as never, undefined as never);
    expect(await controller.replay(context, { change: {} })).toEqual({ decided: 3 });
    expect(socket.listenerCount('close')).toBe(0);
  });
});
