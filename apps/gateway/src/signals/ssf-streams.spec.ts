import * as fc from 'fast-check';
import { decodeJwt } from 'jose';
import { CAEP_SESSION_REVOKED, type SsfStream } from '@bailiwick/contracts/signals/ssf-stream';
import type { Caller } from '../auth/caller';
import { NOW, tokensAt } from '../testing/tokens';
import { SsfStreams, type PollAnswer } from './ssf-streams';
import { SsfTokens } from './ssf-tokens';
import { StreamItems } from './stream-items';

const LOG = 'default/0';
const ID = 'a'.repeat(32);
const caller = {
  kind: 'key',
  tenant: 'default',
  roles: ['analyst'],
  actor: { kind: 'service', id: 'key:analyst' },
} as Caller;

type Kind = 'revoked' | 'rule' | 'suspension' | 'tool' | 'other';
interface Stored {
  readonly type: string;
  readonly data: object;
  /** the leases of its record */
  readonly rows: readonly string[];
  /** those that it ends */
  readonly ends: readonly string[];
}

/** A log with its ledger and the store of one stream: they answer as the services do, with small pages. */
class World {
  readonly events: Stored[] = [];
  stream: SsfStream = {
    ...{ tenant: 'default', id: ID, receiver: 'key:analyst', status: 'enabled', cursors: {}, version: 0 },
    settings: { requested: [CAEP_SESSION_REVOKED] },
  };
  /** the process dies before it saves: its receiver gets no response */
  dies = false;

  add(kind: Kind, leases: number): void {
    const position = this.events.length;
    const reason = { code: 'REVOKED', says: 'revoked' };
    const id = { revocationId: `rev_${position}`, reason };
    const shapes: Record<Kind, [string, object]> = {
      revoked: ['GrantRevoked', id],
      rule: ['RevocationRuleAdded', id],
      suspension: ['RevocationRuleAdded', { ...id, mode: 'suspend' }],
      tool: ['RevocationRuleAdded', { ...id, target: 'tool' }],
      other: ['RunOpened', {}],
    };
    const [type, data] = shapes[kind];
    const ids = Array.from({ length: leases }, (_, i) => `grt_0_${String(position * 100 + i).padStart(26, '0')}`);
    const isEnd = kind === 'revoked' || kind === 'rule';
    this.events.push({ type, data, rows: ids, ends: isEnd ? ids : [] });
  }

  get expected(): string[] {
    return this.events.flatMap(({ ends }) => ends);
  }

  readonly client = {
    ledger: (op: string, query: Record<string, unknown>) =>
      Promise.resolve(op === 'events' ? this.page(query) : this.record(query)),
    admin: (op: string, body: { stream?: SsfStream }) => {
      if (op === 'ssf-streams') return Promise.resolve({ items: [{ ...this.stream, logs: [LOG] }] });
      if (this.dies) return Promise.reject(new Error('it died'));
      const saved = body.stream?.version === this.stream.version;
      if (body.stream && saved) this.stream = { ...body.stream, version: this.stream.version + 1 };
      return Promise.resolve({ saved });
    },
  };

  private page({ after, type, limit = 100 }: Record<string, unknown>): object {
    const found = this.events
      .map((event, position) => ({
        ...event,
        position,
        log: LOG,
        time: new Date(NOW).toISOString(),
        actor: { kind: 'person', id: 'x' },
      }))
      .filter((event) => event.position > (after as number) && (type === undefined || event.type === type));
    const most = Math.min(limit as number, 3);
    const items = found.slice(0, most);
    const next = found.length > items.length ? items.at(-1)!.position : null;
    return { items, next, asOf: { [LOG]: this.events.length - 1 } };
  }

  private record({ id, after, limit }: Record<string, unknown>): object {
    const { rows: all } = this.events[Number(String(id).slice('rev_'.length))]!;
    const left = all.filter((grant) => after === undefined || grant > (after as string));
    const rows = left.slice(0, Math.min(limit as number, 2));
    const next = left.length > rows.length ? rows.at(-1)! : null;
    return { consequences: rows.map((grantId) => ({ grantId })), next };
  }
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      add: fc.constantFrom<Kind>('revoked', 'rule', 'suspension', 'tool', 'other'),
      leases: fc.nat(12),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      most: fc.integer({ min: 0, max: 5 }),
      acks: fc.array(fc.boolean(), { maxLength: 6 }),
      dies: fc.boolean(),
    }),
  },
);

describe('SsfStreams', () => {
  it('delivers every ended lease, first in the order of the log, whatever is acknowledged and whenever it dies', async () => {
    let repeated = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const world = new World();
        const items = new StreamItems(world.client as never);
        const tokens = new SsfTokens(tokensAt({ now: NOW }));
        const streams = new SsfStreams(world.client as never, items, tokens, { warn: () => undefined } as never);
        const seen: string[] = [];
        const [acked, drained] = [new Set<string>(), new Set<string>()];
        let last: string[] = [];
        const poll = async (ack: string[], maxEvents: number): Promise<PollAnswer> => {
          for (const jti of ack) acked.add(jti);
          const answer = await streams.poll(caller, ID, { ack, maxEvents });
          last = Object.keys(answer.sets);
          for (const jti of last) drained.add(jti);
          for (const text of Object.values(answer.sets)) {
            const { id } = (decodeJwt(text) as { sub_id: { id: string } }).sub_id;
            if (seen.includes(id)) repeated += 1;
            else seen.push(id);
          }
          return answer;
        };
        for (const each of steps) {
          if ('add' in each) world.add(each.add, each.leases);
          else {
            world.dies = each.dies;
            await poll(
              last.filter((_, i) => each.acks[i] ?? false),
              each.most,
            ).catch(() => undefined);
          }
        }
        world.dies = false;
        const before = new Set(acked);
        drained.clear();
        let answer = await poll([], 5);
        for (let i = 0; i < 300 && (answer.moreAvailable || last.length > 0); i += 1) answer = await poll(last, 5);
        expect(seen).toEqual(world.expected);
        // what was not acknowledged is delivered again
        const known = [...before, ...drained].map((jti) => jti.split(':').at(-1));
        expect(world.expected.filter((grantId) => !known.includes(grantId))).toEqual([]);
        expect(answer).toEqual({ sets: {}, moreAvailable: false });
      }),
      { numRuns: 60 },
    );
    expect(repeated).toBeGreaterThan(0);
  });
});
