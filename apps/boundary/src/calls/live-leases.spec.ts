import { LiveLeases, REVOKED } from './live-leases';

const GRANT = `grt_0_${'0'.repeat(26)}`;

describe('LiveLeases', () => {
  let grant: object;
  let announce: () => void;
  let leases: LiveLeases;
  beforeEach(() => {
    grant = { status: 'active' };
    const bus = { listen: (_subject: string, listener: () => void) => ((announce = listener), () => undefined) };
    leases = new LiveLeases({ query: async () => grant } as never, bus as never);
  });
  afterEach(() => leases.close());

  const watched = (): { call: AbortController; end: () => void } => {
    const call = new AbortController();
    return { call, end: leases.watch('default', GRANT, call) };
  };
  async function revoke(): Promise<void> {
    grant = { status: 'revoked' };
    announce();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  it('aborts a call of a lease that ends, though an earlier call of it ended twice', async () => {
    const earlier = watched();
    earlier.end();
    const later = watched();
    earlier.end();
    await revoke();
    expect(later.call.signal.reason).toBe(REVOKED);
  });

  it('aborts each call of a lease but those that have ended, in any order of ends', async () => {
    const calls = [watched(), watched(), watched()];
    for (const at of [1, 1, 0]) calls[at]?.end();
    calls.push(watched());
    await revoke();
    expect(calls.map(({ call }) => call.signal.aborted)).toEqual([false, false, true, true]);
  });
});
