import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { Agents } from './agents';

const of = (session?: string, grantId = 'grt_1', server = 's') => ({
  claims: { tenant: 'default', grantId } as TokenClaims,
  server,
  session,
});
const cancel = (requestId: unknown) => ({ id: undefined, method: 'notifications/cancelled', params: { requestId } });

describe('Agents', () => {
  it('let a client cancel its own request, and none of the same id of another client, lease or server', () => {
    const agents = new Agents({} as never, {} as never, {} as never);
    const clients = [of('one'), of('two'), of(), of('one', 'grt_2'), of('one', 'grt_1', 't')];
    const calls = clients.map((client) => agents.begin(client, 1));
    const canceled = (): number[] => calls.flatMap(({ call }, i) => (call.signal.aborted ? [i] : []));
    for (const requestId of [2, '1', null, { id: 1 }]) agents.notified(of('one'), cancel(requestId));
    expect(canceled()).toEqual([]);
    agents.notified(of('two'), cancel(1));
    expect(canceled()).toEqual([1]);
    calls[0]?.end();
    agents.notified(of('one'), cancel(1));
    expect(canceled()).toEqual([1]);
    agents.notified(of(), cancel(1));
    expect(canceled()).toEqual([1, 2]);
  });
});
