import { MemoryEventLog } from '@bailiwick/event-store/memory';
import { LEASE_MS, Leases } from './leases';
import { settled } from '../testing/world';

type Store = MemoryEventLog;

/** Owners over one store, with a simulated clock. */
class Cluster {
  now = 0;
  /** how long the owners' machine was suspended, which stops their monotonic clock */
  suspended = 0;
  /** how far the owners' wall clock was set ahead */
  ahead = 0;
  readonly store = new MemoryEventLog(() => this.now);
  readonly members: Member[] = [];

  static async of(logs: number): Promise<Cluster> {
    const cluster = new Cluster();
    for (let i = 0; i < logs; i++) await cluster.store.createLog(`t${String(i).padStart(5, '0')}/0`);
    return cluster;
  }

  async join(name: string, store: Store = this.store): Promise<Member> {
    const member = new Member(name, this, store);
    this.members.push(member);
    await member.leases.beat();
    return member;
  }

  /** Lets time pass: each owner that is awake sends a heartbeat twice a second, one after the other. */
  async pass(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end;) {
      this.now += Math.min(500, end - this.now);
      for (const member of this.members) if (member.awake) await member.leases.beat();
      await settled();
    }
  }

  shares(): number[] {
    return this.members.map((member) => member.owned.size);
  }

  started(): number {
    return this.members.reduce((sum, member) => sum + member.started, 0);
  }
}

class Member {
  readonly owned = new Map<string, number>();
  awake = true;
  reachable = true;
  started = 0;
  warnings = 0;
  /** the promise that releasing a log waits for */
  finishing: Promise<void> = Promise.resolve();
  readonly leases: Leases;

  constructor(name: string, cluster: Cluster, store: Store) {
    this.leases = new Leases({
      eventlog: store,
      me: name,
      clock: { now: () => cluster.now - cluster.suspended },
      wall: { now: () => cluster.now + cluster.ahead },
      reachable: () => this.reachable,
      begin: (log, epoch) => {
        this.started += 1;
        this.owned.set(log, epoch);
      },
      end: async (log) => {
        this.owned.delete(log);
        await this.finishing;
      },
      freed: () => {
        for (const other of cluster.members) if (other.awake) void other.leases.beat();
      },
      warn: () => (this.warnings += 1),
    });
  }

  /** Asks about a log that this member believes to own. */
  async isOurs(log: string): Promise<boolean> {
    return this.leases.isOurs(log, this.owned.get(log) as number);
  }
  get first(): string {
    return [...this.owned.keys()][0] as string;
  }
}

describe('Leases', () => {
  it('gives a single owner all logs, including those created later', async () => {
    const cluster = await Cluster.of(5);
    const a = await cluster.join('a');
    expect(a.owned.size).toBe(5);
    await cluster.store.createLog('new/0');
    await cluster.pass(500);
    expect(a.owned.size).toBe(6);
  });

  it('moves each log at most once when other owners have joined and stayed', async () => {
    const cluster = await Cluster.of(10);
    await cluster.join('a');
    await cluster.join('b');
    await cluster.join('c');
    await cluster.pass(1_000);
    expect(cluster.shares()).toEqual([10, 0, 0]);
    await cluster.pass(5_000);
    expect(cluster.shares()).toEqual([4, 3, 3]);
    expect(cluster.started()).toBe(16);
    await cluster.pass(30_000);
    expect(cluster.started()).toBe(16);
  });

  it('hands over no logs to an owner that joins and leaves again', async () => {
    const cluster = await Cluster.of(10);
    await cluster.join('a');
    for (let i = 0; i < 10; i++) {
      const passing = await cluster.join(`b${i}`);
      await cluster.pass(1_000);
      passing.awake = false;
      await cluster.pass(1_000);
    }
    expect(cluster.started()).toBe(10);
  });

  it('distributes the logs of an owner to the others when its heartbeat expires', async () => {
    const cluster = await Cluster.of(12);
    const [a] = [await cluster.join('a'), await cluster.join('b'), await cluster.join('c')];
    await cluster.pass(10_000);
    const counted = (): number[] => cluster.members.slice(1).map(({ leases }) => leases.instances);
    expect(cluster.shares()).toEqual([4, 4, 4]);
    a.awake = false;
    await cluster.pass(LEASE_MS - 500);
    expect(cluster.shares()).toEqual([4, 4, 4]);
    expect(counted()).toEqual([3, 3]);
    await cluster.pass(1_000);
    expect(counted()).toEqual([2, 2]);
    expect(cluster.shares().slice(1)).toEqual([6, 6]);
  });

  it('hands over a log on stop as soon as its accepted requests are answered', async () => {
    const cluster = await Cluster.of(10);
    const [a, b] = [await cluster.join('a'), await cluster.join('b')];
    await cluster.pass(10_000);
    const log = a.first;
    const epoch = a.owned.get(log) as number;
    let finish = (): void => undefined;
    a.finishing = new Promise((resolve) => (finish = resolve));
    const stopped = a.leases.stop();
    await settled();
    expect(b.owned.size).toBe(5);
    expect(await a.leases.isOurs(log, epoch)).toBe(true);
    finish();
    await stopped;
    await settled();
    expect(cluster.shares()).toEqual([0, 10]);
    expect(await a.leases.isOurs(log, epoch)).toBe(false);
  });

  it('renews all leases with one request to the store', async () => {
    const cluster = await Cluster.of(900);
    const a = await cluster.join('a');
    expect(a.owned.size).toBe(900);
    const asked = (['heartbeat', 'acquireLease', 'releaseLease', 'listLogs'] as const).map((name) =>
      jest.spyOn(cluster.store, name),
    );
    await a.leases.beat();
    expect(asked.map((spy) => spy.mock.calls.length)).toEqual([1, 0, 0, 0]);
  });
});

describe('Leases of a suspended owner', () => {
  const two = async () => {
    const cluster = await Cluster.of(2);
    const [a, b] = [await cluster.join('a'), await cluster.join('b')];
    await cluster.pass(10_000);
    return { cluster, a, b, log: a.first, epoch: a.owned.get(a.first) as number };
  };

  it('reports logs taken by another owner as lost, even before its own timers fire', async () => {
    const { cluster, a, b, log, epoch } = await two();
    a.awake = false;
    await cluster.pass(10_000);
    expect(b.owned.size).toBe(2);
    expect(await a.leases.isOurs(log, epoch)).toBe(false);
    expect(a.owned.size).toBe(0);
  });

  it('keeps logs that no other owner has taken, under the same lease', async () => {
    const cluster = await Cluster.of(2);
    const a = await cluster.join('a');
    a.awake = false;
    await cluster.pass(10_000);
    expect(await a.isOurs(a.first)).toBe(true);
    expect([a.owned.size, a.started]).toEqual([2, 2]);
  });

  it('does not own a log under an old lease after it has acquired a new one', async () => {
    const { cluster, a, b, log, epoch } = await two();
    a.awake = false;
    await cluster.pass(10_000);
    b.awake = false;
    a.awake = true;
    await cluster.pass(10_000);
    expect(await a.isOurs(log)).toBe(true);
    expect(await a.leases.isOurs(log, epoch)).toBe(false);
  });
});

describe('Leases of a disconnected owner', () => {
  it('expire without the store, without a store request per question, and continue when the store is back', async () => {
    const cluster = await Cluster.of(2);
    const a = await cluster.join('a');
    const away = jest.spyOn(cluster.store, 'heartbeat').mockRejectedValue(new Error('the database is away'));
    await cluster.pass(LEASE_MS - 500);
    expect(await a.isOurs(a.first)).toBe(true);
    await cluster.pass(1_000);
    const asked = away.mock.calls.length;
    for (let i = 0; i < 100; i++) expect(await a.isOurs(a.first)).toBe(false);
    expect(away.mock.calls.length - asked).toBeLessThanOrEqual(1);
    away.mockRestore();
    await cluster.pass(500);
    expect(await a.isOurs(a.first)).toBe(true);
    expect(a.started).toBe(2);
  });

  it('go to other owners if clients cannot reach it', async () => {
    const cluster = await Cluster.of(4);
    const [a, b] = [await cluster.join('a'), await cluster.join('b')];
    await cluster.pass(10_000);
    a.reachable = false;
    await cluster.pass(LEASE_MS + 500);
    expect(b.owned.size).toBe(4);
    a.reachable = true;
    await cluster.pass(500);
    expect(cluster.shares()).toEqual([0, 4]);
    await cluster.pass(10_000);
    expect(cluster.shares()).toEqual([2, 2]);
  });

  it('include a log whose acquisition was acknowledged in a lost response', async () => {
    const cluster = await Cluster.of(3);
    const real = cluster.store.acquireLease.bind(cluster.store);
    jest.spyOn(cluster.store, 'acquireLease').mockImplementationOnce(async (log, owner) => {
      await real(log, owner);
      throw new Error('the connection broke');
    });
    const a = await cluster.join('a');
    expect([a.owned.size, a.warnings]).toEqual([0, 1]);
    await cluster.pass(500);
    expect(a.owned.size).toBe(3);
  });

  it('resume a log whose release failed, and hand it over later', async () => {
    const cluster = await Cluster.of(2);
    const [, b] = [await cluster.join('a'), await cluster.join('b')];
    jest.spyOn(cluster.store, 'releaseLease').mockRejectedValueOnce(new Error('the database is away'));
    await cluster.pass(10_000);
    expect(cluster.shares()).toEqual([1, 1]);
    expect(await b.isOurs(b.first)).toBe(true);
  });
});

describe('Leases and clocks', () => {
  it('asks the store after the machine was suspended for longer than a lease (issue 13.19)', async () => {
    const cluster = await Cluster.of(1);
    const a = await cluster.join('a');
    expect(await a.isOurs(a.first)).toBe(true);
    const log = a.first;
    cluster.now += LEASE_MS * 2;
    cluster.suspended += LEASE_MS * 2; // the monotonic clock shows no elapsed time
    await cluster.join('b');
    expect(cluster.members[1]?.owned.has(log)).toBe(true);
    expect(await a.isOurs(log)).toBe(false);
  });

  it.each([3_600_000, -3_600_000, 2_000, -1])(
    'asks the store and keeps the log after the wall clock steps by %d ms',
    async (step) => {
      const cluster = await Cluster.of(1);
      const a = await cluster.join('a');
      const asked = jest.spyOn(cluster.store, 'heartbeat');
      cluster.ahead += step;
      expect(await a.isOurs(a.first)).toBe(true);
      expect(asked).toHaveBeenCalledTimes(1);
      expect(await a.isOurs(a.first)).toBe(true);
      expect(asked).toHaveBeenCalledTimes(1);
    },
  );

  it('never reports a time before the store’s clock', async () => {
    const cluster = await Cluster.of(1);
    const a = await cluster.join('a');
    expect(a.leases.storeNow()).toBe(cluster.now);
    cluster.now += 300;
    expect(a.leases.storeNow()).toBe(cluster.now);
    cluster.suspended += 5_000;
    cluster.now += 5_000;
    expect(a.leases.storeNow()).toBe(cluster.now);
    expect(new Member('stranger', cluster, cluster.store).leases.storeNow()).toBe(Infinity);
  });
});
