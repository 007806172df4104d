import type { GovernedOptions, Suspended } from '../calls/governed';
import { Seals } from '../calls/seals';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { UpstreamAnswer } from '../upstream/connection';
import { Rounds, type Waiting } from './rounds';
import type { Asker, Session } from './session';

const options = (): GovernedOptions => ({ signal: new AbortController().signal, isReduced: false });

describe('the calls that wait for input', () => {
  const rounds = new Rounds(new Seals('secret'));
  const leases: AbortController[] = [];
  afterAll(() => leases.forEach((lease) => lease.abort()));

  /** Sends a request whose server asks its client, and holds it. @returns the state for a retry */
  const park = async (tenant: string, grantId: string) => {
    const send = (_method: string, _params: object, { signal }: { signal: AbortSignal }, asker: Asker) =>
      asker.ask({ id: 'x', method: 'roots/list', params: {} }, signal) as unknown as Promise<UpstreamAnswer>;
    const session = { tenant, grantId, send } as unknown as Session;
    const binding = [tenant, grantId];
    const answer = await rounds.begin(session, 'tools/call', {}, options(), { binding, given: undefined });
    const lease = new AbortController();
    leases.push(lease);
    const ended: string[] = [];
    const end = async (): Promise<void> => void ended.push('end');
    (answer as Suspended).hold({
      actionId: 'act_1',
      lease: lease.signal,
      replaced: () => void ended.push('replaced'),
      end,
    });
    return {
      state: (JSON.parse((answer as Suspended).suspended) as { requestState: string }).requestState,
      binding,
      ended,
    };
  };

  it('are at most a part of all in one tenant, and others find a place', async () => {
    const parked = [];
    for (let i = 0; i < BOUNDARY_LIMITS.parkedPerTenant; i++)
      parked.push(await park('large', `grt_${Math.floor(i / BOUNDARY_LIMITS.parkedPerLease)}`));
    await expect(park('large', 'grt_new')).rejects.toThrow('too many requests wait for input');
    await park('small', 'grt_0');
    const [first] = parked;
    rounds.take(first?.state, first?.binding ?? [])?.flight.end();
    await park('large', 'grt_new');
    await expect(park('large', 'grt_new')).rejects.toThrow('too many requests wait for input');
  });

  it.each<[string, (resumed: () => void) => Promise<void>, string[]]>([
    ['is permitted again', async (resumed) => resumed(), ['replaced', 'end', 'end']],
    ['is denied', async () => undefined, ['end']],
    ['is not decided', () => Promise.reject(new Error('no owner')), ['end']],
  ])('end a permit as made unless another takes its place, if a request %s', async (_what, decide, done) => {
    const { state, binding, ended } = await park('small', 'grt_1');
    const waiting = rounds.take(state, binding) as Waiting;
    await rounds.again(waiting, decide).catch(() => undefined);
    expect(ended).toEqual(done);
    waiting.flight.end();
  });
});
