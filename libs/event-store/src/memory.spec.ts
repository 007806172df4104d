import { eventLogContract } from './eventlog.contract';
import { MemoryEventLog } from './memory';

eventLogContract('in memory', () => Promise.resolve([new MemoryEventLog()]));

describe('the event log in memory', () => {
  it('ends a lease by the clock that it is given', async () => {
    let now = 0;
    const eventlog = new MemoryEventLog(() => now);
    await eventlog.createLog('default/0');
    await eventlog.heartbeat('a', 100);
    await eventlog.heartbeat('b', 1_000);
    await eventlog.acquireLease('default/0', 'a');
    now = 99;
    expect(await eventlog.acquireLease('default/0', 'b')).toBeUndefined();
    now = 100;
    expect(await eventlog.acquireLease('default/0', 'b')).toEqual({ epoch: 2 });
  });
});
