import { Shutdown } from './shutdown';

describe('Shutdown', () => {
  it.each([false, true])(
    'reports that it stops when nothing is open, also if a server does not close: %s',
    async (fails) => {
      const order: string[] = [];
      const part = (name: string, method: string) => ({ [method]: () => void order.push(name) });
      const servers = {
        close: async () => {
          await new Promise(setImmediate);
          order.push('servers');
          if (fails) throw new Error('still open');
        },
      };
      const shutdown = new Shutdown(
        part('leases', 'close') as never,
        { settled: async () => void order.push('outcomes') } as never,
        part('sessions', 'close') as never,
        servers as never,
        part('stopping', 'stop') as never,
      );
      await shutdown.beforeApplicationShutdown().catch(() => undefined);
      expect(order).toEqual(['leases', 'outcomes', 'sessions', 'servers', 'stopping']);
    },
  );
});
