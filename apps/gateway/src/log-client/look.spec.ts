import { Branches } from './branches';
import { LogClient } from './log-client';
import { ApprovalsController } from '../approvals/approvals.controller';
import { PersonNames } from '../auth/person-names';
import type { RequestContext } from '../http/request-context';
import { GrantsController } from '../runs/grants.controller';
import { RunsController } from '../runs/runs.controller';
import { busThat, type BusReply } from '../testing/bus';
import { GRANT_ID, refusalOf, RUN_ID, TREE_ID } from '../testing/tokens';

const APPROVAL_ID = 'apr_0_00000000000000000000000005';
const TREE = { id: TREE_ID, runs: [{ id: RUN_ID }] };

const LOOKS: [kind: string, path: string, id: string, view: object][] = [
  ['run', '/v1/runs/:id', RUN_ID, { id: RUN_ID }],
  ['grant', '/v1/grants/:id', GRANT_ID, { id: GRANT_ID }],
  ['tree', '/v1/trees/:id', TREE_ID, TREE],
  ['approval', '/v1/approvals/:id', APPROVAL_ID, { id: APPROVAL_ID }],
];

type Read = (logClient: LogClient, context: RequestContext, id: string) => Promise<unknown>;
const none = {} as never;
const names = new PersonNames({ request: () => Promise.reject(new Error('these views name no person')) }, none);
const READS: Record<string, Read> = {
  '/v1/runs/:id': (client, context, id) =>
    new RunsController(client, new Branches(client), none, none, none, names).get(context, { id }),
  '/v1/grants/:id': (client, context, id) =>
    new GrantsController(client, new Branches(client), none, none, none, names).get(context, { id }),
  '/v1/trees/:id': (client, context, id) =>
    new GrantsController(client, new Branches(client), none, none, none, names).tree(context, { id }, {}),
  '/v1/approvals/:id': (client, context, id) =>
    new ApprovalsController(client, none, none, none, new Branches(client), names).get(context, { id }),
};

const key = { kind: 'key', tenant: 'acme', roles: ['analyst'], actor: { kind: 'service', id: 'key:test' } };
const run = { kind: 'run', tenant: 'acme', runId: RUN_ID, grantId: GRANT_ID, actor: { kind: 'run', id: RUN_ID } };

const found = (value: unknown): BusReply => ({ value: { ok: true, value } });
const refused = (code: string): BusReply => ({ value: { ok: false, refusal: { code, detail: 'why' } } });
const UNKNOWN = refused('NOT_FOUND');

/** Reads an object through a controller, with these responses of the log's owner and of the ledger. */
function look(path: string, id: string, owner: BusReply, ledger: BusReply, caller: object = key) {
  const { bus, sent } = busThat((subject) => (subject.includes('.ledger.') ? ledger : owner));
  const context = { caller } as unknown as RequestContext;
  return { reply: READS[path]!(new LogClient(bus), context, id), sent };
}

describe.each(LOOKS)('LogClient.look: %s', (kind, path, id, view) => {
  it('returns the response of the owner, without a request to the ledger', async () => {
    const { reply, sent } = look(path, id, found(view), found('another'));
    expect(await reply).toEqual(view);
    expect(sent).toEqual([['bailiwick.query.acme.0', { op: kind, log: 'acme/0', id }]]);
  });

  it('returns the object that the ledger finds if the owner does not know it', async () => {
    const { reply, sent } = look(path, id, UNKNOWN, found(view));
    expect(await reply).toEqual(view);
    expect(sent[1]).toEqual(['bailiwick.ledger.ended', { tenant: 'acme', kind, id }]);
  });

  it('answers NOT_FOUND if neither the owner nor the ledger knows it', async () => {
    expect((await refusalOf(look(path, id, UNKNOWN, UNKNOWN).reply)).code).toBe('NOT_FOUND');
  });

  it.each(['NOT_READY', 'TOO_MANY'])('passes on the refusal of the ledger: %s', async (code) => {
    expect((await refusalOf(look(path, id, UNKNOWN, refused(code)).reply)).code).toBe(code);
  });

  it('passes on the refusal of the owner, without a request to the ledger', async () => {
    const { reply, sent } = look(path, id, refused('NOT_READY'), found(view));
    expect((await refusalOf(reply)).code).toBe('NOT_READY');
    expect(sent).toHaveLength(1);
  });

  it('answers NOT_READY, not NOT_FOUND, while the ledger is unavailable (I11)', async () => {
    jest.useFakeTimers();
    try {
      const refusal = refusalOf(look(path, id, UNKNOWN, { fails: 'NO_RESPONDERS' }).reply);
      await jest.advanceTimersByTimeAsync(20_000);
      expect((await refusal).code).toBe('NOT_READY');
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('a run that reads with its own token', () => {
  it.each([UNKNOWN, found(TREE)])('reads its own tree and no other, from the owner or the ledger', async (owner) => {
    const other = { ...TREE, runs: [{ id: 'run_0_00000000000000000000000009' }] };
    expect(await look('/v1/trees/:id', TREE_ID, owner, found(TREE), run).reply).toEqual(TREE);
    const from = owner === UNKNOWN ? owner : found(other);
    expect((await refusalOf(look('/v1/trees/:id', TREE_ID, from, found(other), run).reply)).code).toBe('FORBIDDEN');
  });

  it('is refused runs and grants outside its branch, whether or not they exist', async () => {
    for (const [path, id] of [
      ['/v1/runs/:id', 'run_0_00000000000000000000000009'],
      ['/v1/grants/:id', 'grt_0_00000000000000000000000009'],
    ] as const) {
      const { reply, sent } = look(path, id, found({ below: null }), found({ id }), run);
      expect((await refusalOf(reply)).code).toBe('FORBIDDEN');
      expect(sent).toHaveLength(1); // only whether it is in the branch
    }
  });
});

it('LogClient answers NOT_FOUND for an id in a log that the tenant does not have, without a request to the ledger', async () => {
  const logs = found({ logs: ['acme/1'] });
  const { bus, sent } = busThat((subject) => (subject.includes('.admin.') ? logs : { fails: 'NO_RESPONDERS' }));
  expect((await refusalOf(new LogClient(bus).look('run', 'acme/0', RUN_ID))).code).toBe('NOT_FOUND');
  expect(sent.map(([subject]) => subject)).not.toContain('bailiwick.ledger.ended');
});
