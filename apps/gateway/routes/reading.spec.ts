import { LIMITS } from '#kernel/limits';
import type { Context } from '../route';
import { readingRoutes } from './reading';

const route = readingRoutes.find(({ path }) => path === '/v1/log/verification');
const caller = { kind: 'key', tenant: 'default', role: 'analyst', actor: { kind: 'service', id: 'key:test' } };
const SOUND = { position: 3, root: '', state: 'same', findings: [] };

describe('verifying a log', () => {
  it('asks its owner once at a time, however many want it; few may wait', async () => {
    let asking = 0;
    let most = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const owners = {
      query: async () => {
        asking += 1;
        most = Math.max(most, asking);
        await held;
        asking -= 1;
        return { position: 3, digest: 'same' };
      },
      ledger: () => Promise.resolve(SOUND),
    };
    const verify = (tenant = 'default'): Promise<unknown> =>
      route!.handle({ caller: { ...caller, tenant }, query: {}, services: { owners } } as unknown as Context<
        never,
        never,
        never
      >);
    const taken = Array.from({ length: 1 + LIMITS.foldsWaiting }, () => verify());
    await expect(verify()).rejects.toMatchObject({ code: 'TOO_MANY', detail: expect.stringContaining('default') });
    const other = verify('acme');
    expect(asking).toBe(2); // one of each tenant
    release();
    expect(await Promise.all([...taken, other])).toEqual(
      [...taken, other].map(() => ({ body: expect.objectContaining({ ok: true, position: 3 }) })),
    );
    expect(most).toBe(2);
    expect(await verify()).toMatchObject({ body: { ok: true } });
  });
});
