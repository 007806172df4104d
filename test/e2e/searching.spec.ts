import type { BailiwickClient } from '@bailiwick/client/client';
import { bailiwick } from '../support/cli';
import { http, Stack, type HttpAnswer } from '../support/stack';
import { open, read, WIDE, write } from './leases';

type Row = Record<string, unknown>;

/** Covers the search by fields of events, runs, grants and actions, and by words. */
describe('a search', () => {
  let stack: Stack;
  let enforcer: BailiwickClient;
  let mine: { runId: string; grantId: string; treeId: string; childRunId: string };
  let last = 0;

  beforeAll(async () => {
    stack = await Stack.tenant();
    enforcer = stack.as('enforcer');
    const orchestrator = stack.as('orchestrator');
    await open(orchestrator);
    const root = await orchestrator.openRun({
      agent: { class: 'searcher', instance: 's-1', posture: { modelVersion: '2026-11' } },
      requestedBy: 'user:grace@example.com',
      purpose: 'Count the blue whales of the Baltic',
      grant: WIDE,
    });
    if (!('grant' in root)) throw new Error('this lease should not have required approval');
    const child = await orchestrator.delegate(root.grant.id, {
      agent: { class: 'writer' },
      task: 'Write the herring down',
      grant: { actions: { allow: ['file.*'] }, budget: { writes: 1 } },
    });
    await enforcer.act(read(root.grant.id));
    await enforcer.act(write(child.grant.id));
    ({ position: last } = await enforcer.act(write(child.grant.id, 'docs/whale.md'))); // over its budget
    mine = { runId: root.run.id, grantId: root.grant.id, treeId: root.run.treeId, childRunId: child.run.id };
  }, 120_000);
  afterAll(() => stack.stop());

  const get = (path: string, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
    http(stack, 'GET', path, { key: stack.keys.analyst!, headers });
  const found = async (list: string, query: string): Promise<Row[]> => {
    const { status, body } = await get(`/v1/${list}?minPosition=${last}&${query}`);
    expect([query, status]).toEqual([query, 200]);
    return body.items as Row[];
  };
  const ids = async (list: string, query: string): Promise<unknown[]> => (await found(list, query)).map(({ id }) => id);

  it('finds runs by principal, by agent, and by words of their purpose or task', async () => {
    const both = [mine.runId, mine.childRunId];
    expect(await ids('runs', 'principal=user:grace@example.com')).toEqual(both);
    expect(await ids('runs', 'q=WHALES%20baltic')).toEqual(both); // a child shares the purpose of its tree
    expect(await ids('runs', 'q=herring')).toEqual([mine.childRunId]);
    expect(await ids('runs', 'q=whale')).toEqual([]);
    expect(await ids('runs', 'agentInstance=s-1&modelVersion=2026-11&status=active')).toEqual([mine.runId]);
    expect(await ids('runs', `parentRunId=${mine.runId}`)).toEqual([mine.childRunId]);
    const [row] = await found('runs', 'q=herring');
    expect(row).toMatchObject({ task: 'Write the herring down', requestedBy: 'user:grace@example.com' });
    expect(await ids('grants', 'principal=user:grace@example.com&agentClass=searcher')).toEqual([mine.grantId]);
    expect(await ids('grants', `parentId=${mine.grantId}&status=exhausted`)).toHaveLength(1);
  });

  it('finds actions and events by request, decision and reason', async () => {
    const verbs = async (query: string) => (await found('actions', query)).map(({ verb }) => verb);
    expect(await verbs(`treeId=${mine.treeId}`)).toHaveLength(3);
    const [denied] = await found('actions', `treeId=${mine.treeId}&status=denied`);
    const { resource, effect, reasons } = denied as { resource: Row; effect: string; reasons: { code?: string }[] };
    const code = reasons.map((each) => each.code).find((each) => each !== undefined) ?? 'GRANT_NOT_LIVE';
    const query = `resource=${String(resource.id)}&resourceType=${String(resource.type)}&effect=${effect}`;
    expect(await ids('actions', query)).toEqual([denied?.id]);
    expect(await ids('actions', `principal=user:grace@example.com&verb=${String(denied?.verb)}&status=denied`)).toEqual(
      [denied?.id],
    );
    expect((await found('events', `code=${code}&grantId=${String(denied?.grantId)}`)).at(-1)).toMatchObject({
      actionId: denied?.id,
    });
    const opened = await found('events', 'q=blue%20whales');
    expect(opened.map(({ type, runId }) => [type, runId])).toEqual([['RunOpened', mine.runId]]);
    const { time, position } = opened[0] as { time: string; position: number };
    const since = await found('events', `from=${encodeURIComponent(time)}&limit=1`);
    expect((since[0] as { position: number }).position).toBeLessThanOrEqual(position);
    const before = await found('events', `to=${encodeURIComponent(time)}`);
    expect(before.length).toBeGreaterThan(0);
    expect(before.every((event) => (event as { time: string }).time < time)).toBe(true);
    expect(await found('events', 'from=2199-01-01T00:00:00Z')).toEqual([]);
  });

  it('continues only with its own cursor, and links the next page in NDJSON, too', async () => {
    const first = await get(`/v1/actions?treeId=${mine.treeId}&limit=2&minPosition=${last}`);
    const cursor = encodeURIComponent(String(first.body.next));
    await enforcer.act(read(mine.grantId)); // a later event does not shift the pages
    const second = await get(`/v1/actions?treeId=${mine.treeId}&limit=2&cursor=${cursor}`);
    const seen = [first, second].flatMap(({ body }) => (body.items as Row[]).map(({ position }) => position));
    expect(seen).toHaveLength(4);
    expect(seen).toEqual([...new Set(seen as number[])].sort((a, b) => a - b));
    for (const other of ['actions?limit=2', 'actions?verb=x', `runs?treeId=${mine.treeId}`]) {
      const answer = await get(`/v1/${other}&cursor=${cursor}`);
      expect([other, answer.status, answer.body.code]).toEqual([other, 400, 'BAD_REQUEST']);
    }
    const lines = await get(`/v1/runs?treeId=${mine.treeId}&limit=1`, { accept: 'application/x-ndjson' });
    expect(lines.headers.get('content-type')).toContain('application/x-ndjson');
    const link = /^<(.*)>; rel="next"$/.exec(lines.headers.get('link') ?? '')?.[1] ?? '';
    const rest = await get(link, { accept: 'application/x-ndjson' });
    const runs = `${String(lines.body.text)}${String(rest.body.text)}`.trim().split('\n');
    expect(runs.map((line) => (JSON.parse(line) as Row).id)).toEqual([mine.runId, mine.childRunId]);
    expect(rest.headers.get('link')).toBeNull();
  });

  it('lists the newest runs and leases first if asked to, page by page, as it lists the oldest', async () => {
    for (const kind of ['runs', 'grants']) {
      const paged = async (order: string): Promise<unknown[]> => {
        const seen: unknown[] = [];
        let cursor = '';
        do {
          const { status, body } = await get(`/v1/${kind}?order=${order}&limit=1&minPosition=${last}${cursor}`);
          expect([kind, status]).toEqual([kind, 200]);
          seen.push(...(body.items as Row[]).map(({ id }) => id));
          cursor = body.next === null ? '' : `&cursor=${encodeURIComponent(body.next as string)}`;
        } while (cursor !== '');
        return seen;
      };
      const oldest = await paged('oldest');
      expect(oldest.length).toBeGreaterThan(2);
      expect(await paged('newest')).toEqual([...oldest].reverse());
    }
    const { body } = await get('/v1/runs?order=newest&limit=1');
    const other = await get(`/v1/runs?order=oldest&limit=1&cursor=${encodeURIComponent(body.next as string)}`);
    expect([other.status, (await get('/v1/runs?order=up')).status]).toEqual([400, 400]);
  });

  it('refuses unknown fields and invalid words', async () => {
    for (const query of ['colour=blue', 'q=%20!', 'from=yesterday', 'grantId=x']) {
      const answer = await get(`/v1/actions?${query}`);
      expect([query, answer.status, answer.body.code]).toEqual([query, 400, 'BAD_REQUEST']);
    }
  });

  it('is available on the command line', async () => {
    const env = { BAILIWICK_URL: stack.url, BAILIWICK_KEY: stack.keys.analyst! };
    const runs = await bailiwick(['runs', '--words', 'herring', '--json'], env);
    expect([runs.code, (JSON.parse(runs.out) as Row).id]).toEqual([0, mine.childRunId]);
    const actions = await bailiwick(['actions', '--tree', mine.treeId, '--status', 'denied'], env);
    expect(actions.out).toContain('docs/whale.md');
    const events = await bailiwick(['events', '--principal', 'user:grace@example.com', '--all', '--json'], env);
    expect(events.out.trim().split('\n').length).toBeGreaterThan(6);
    expect((await bailiwick(['grants', '--status', 'none'], env)).out).toBe('none found\n');
    expect((await bailiwick(['runs', '--colour', 'blue'], env)).code).toBe(2);
    expect((await bailiwick(['runs', '--limit', '0'], env)).code).toBe(2);
  });

  it('finds the same during and after a rebuild of the read models', async () => {
    const before = (await get(`/v1/runs?treeId=${mine.treeId}`)).body.items;
    const env = { BAILIWICK_URL: stack.url, BAILIWICK_KEY: stack.keys.admin! };
    const [first, second] = await Promise.all([
      bailiwick(['replay', '--rebuild', '--json'], env),
      (async () => {
        for (let i = 0; i < 20; i++) await enforcer.act(read(mine.grantId));
      })(),
    ]);
    expect([first.code, JSON.parse(first.out)]).toMatchObject([0, { state: 'done', told: { differences: 0 } }]);
    expect(second).toBeUndefined();
    expect((await get(`/v1/runs?treeId=${mine.treeId}`)).body.items).toEqual(before);
    const told = await bailiwick(['replay', '--rebuild'], env);
    expect(told.out).toContain('the old ones were identical, byte for byte');
    const progress = told.err.trim().split('\n');
    expect(progress.at(-1)).toMatch(new RegExp(`^█+ +(\\d+)/\\1 events of ${stack.log}$`));
    expect((await bailiwick(['replay', '--rebuild', '--log', 'other/0'], env)).code).toBe(1);
    expect((await bailiwick(['replay'], env)).code).toBe(2);
  });
});
