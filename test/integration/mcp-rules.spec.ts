import { InProcessBoundary } from '../support/boundary';
import { until } from '../support/stack';

/** A server that asks its client what a call states, pages its resources, and announces changes of two of them. */
const SERVER = `
  const calls = new Map(); let next = 1;
  const send = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n');
  const text = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params = {}, result, error } = JSON.parse(line);
    if (method === undefined) return send({ id: calls.get(id), result: text(result ?? error) });
    if (method === 'initialize') return send({ id, result: { protocolVersion: '2025-11-25', serverInfo: { name: 's', version: '1' },
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {} } } });
    if (method === 'tools/list') return send({ id, result: { tools: ['ask', 'wait', 'note'].map((name) => ({ name, inputSchema: { type: 'object' } })) } });
    if (method === 'tools/call' && params.name === 'ask') {
      calls.set('s' + next, id);
      return send({ id: 's' + next++, method: 'elicitation/create', params: params.arguments });
    }
    if (method === 'tools/call' && params.name === 'wait') return;
    if (method === 'tools/call') return send({ id, result: text(params.arguments) });
    if (method === 'resources/list') {
      const [uri, nextCursor] = params.cursor === 'page-2' ? ['test://b'] : ['test://a', 'page-2'];
      return send({ id, result: { resources: [{ uri, name: uri }], nextCursor } });
    }
    if (method === 'resources/subscribe') {
      send({ id, result: {} });
      for (const uri of ['test://other', params.uri]) send({ method: 'notifications/resources/updated', params: { uri } });
      return;
    }
    if (method === 'resources/read') return send({ id, result: { contents: [{ uri: params.uri, text: 'x' }], cacheScope: 'public', ttlMs: 9 } });
    if (id !== undefined) send({ id, error: { code: -32601, message: 'no' } });
  });`;
const entry = (tool: string, verb: string) => ({ tools: [`mcp__s__${tool}`], verb, effects: ['read'], risk: 'low' });
const CATALOG = [
  entry('*', 's.use'),
  entry('elicitation/create', 's.elicit'),
  entry('resources/read', 's.read'),
  entry('logging/setLevel', 's.log'),
];
const FORM = { mode: 'form', message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const STATELESS = '2026-07-28';

interface Answer {
  readonly result?: Record<string, unknown> & { readonly requestState?: string; readonly nextCursor?: string };
  readonly error?: { readonly code: number; readonly message: string };
}

describe('the rules of the boundary for all of MCP', () => {
  let boundary: InProcessBoundary;
  beforeAll(async () => {
    boundary = await InProcessBoundary.start({ s: { command: process.execPath, args: ['-e', SERVER] } }, CATALOG);
  }, 30_000);
  afterAll(() => boundary.stop());
  beforeEach(() => {
    boundary.decide = () => ({});
    boundary.commands.length = 0;
  });

  const headers = (token: string, more: object = {}) => ({
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  });
  const post = (token: string, body: object, more: object = {}, signal?: AbortSignal) =>
    fetch(`${boundary.url}/s`, {
      method: 'POST',
      headers: headers(token, more),
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      ...(signal ? { signal } : {}),
    });
  /** The messages of a response: one, or those of a stream as they come. */
  async function* messages(
    response: Response,
  ): AsyncGenerator<Answer & { id?: string; method?: string; params?: object }> {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
        const data = /^data: (.*)$/m.exec(text.slice(0, at))?.[1];
        text = text.slice(at + 2);
        if (data !== undefined) yield JSON.parse(data) as Answer;
      }
    }
    if (text.startsWith('{')) yield JSON.parse(text) as Answer;
  }
  const one = async (response: Promise<Response>): Promise<Answer> => {
    for await (const message of messages(await response)) return message;
    throw new Error('no answer');
  };
  const nameOf = ({ name, uri }: { name?: string; uri?: string }) => name ?? uri;
  function ask(token: string, method: string, params: Record<string, unknown> = {}, capabilities: object = {}) {
    const name = nameOf(params);
    const meta = {
      'io.modelcontextprotocol/protocolVersion': STATELESS,
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    };
    return post(
      token,
      { id: 1, method, params: { ...params, _meta: meta } },
      { 'mcp-protocol-version': STATELESS, 'mcp-method': method, ...(name === undefined ? {} : { 'mcp-name': name }) },
    );
  }
  const WITH_FORMS = { elicitation: { form: {}, url: {} } };
  const start = (token: string, args: object = FORM) =>
    one(ask(token, 'tools/call', { name: 'ask', arguments: args }, WITH_FORMS));
  const retry = (token: string, requestState: unknown, more: object = {}) =>
    one(
      ask(token, 'tools/call', { name: 'ask', arguments: FORM, requestState, inputResponses: {}, ...more }, WITH_FORMS),
    );
  const statuses = async () => (await boundary.outcomes()).map((each) => each.split(' ')[1]);

  it('opens a cursor for the run and the list that got it, and no other', async () => {
    const [mine, other] = [boundary.open('1'), boundary.open('2')];
    const { result } = await one(ask(mine, 'resources/list'));
    expect(result).toMatchObject({ cacheScope: 'private', ttlMs: 0, resources: [{ uri: 'test://a' }] });
    const cursor = result?.nextCursor;
    expect((await one(ask(mine, 'resources/list', { cursor }))).result).toMatchObject({
      resources: [{ uri: 'test://b' }],
    });
    for (const refused of [
      ask(other, 'resources/list', { cursor }),
      ask(mine, 'prompts/list', { cursor }),
      ask(mine, 'resources/list', { cursor: 'page-2' }),
    ])
      expect((await one(refused)).error?.code).toBe(-32602);
  });

  it('reads a resource for one run only, whatever its server states about caches', async () => {
    const { result } = await one(ask(boundary.open('1'), 'resources/read', { uri: 'test://a' }));
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  });

  it('withholds a resource and asks nothing if fields must be removed, since it cannot be known where they are', async () => {
    boundary.decide = () =>
      ({ obligations: ['report-outcome', { kind: 'remove_fields', fields: ['/email'] }] }) as object;
    const token = boundary.open('1');
    const read = await one(ask(token, 'resources/read', { uri: 'test://a' }));
    expect(read.error).toMatchObject({ code: -32001, data: { code: 'RESULT_WITHHELD' } });
    const asked = await start(token);
    expect(JSON.stringify(asked.result)).toContain('must not be asked during this call');
  });

  it('takes the state of a request from the run that got it, for the same request, once', async () => {
    const [mine, other] = [boundary.open('1'), boundary.open('2')];
    const { result } = await start(mine);
    expect(result).toMatchObject({ resultType: 'input_required' });
    const [key] = Object.keys(result?.inputRequests as object);
    const responses = { inputResponses: { [key as string]: { action: 'accept', content: {} } } };
    const state = result?.requestState;
    expect((await retry(other, state, responses)).error?.code).toBe(-32602);
    expect((await retry(mine, state, { arguments: { ...FORM, message: 'other' } })).error?.code).toBe(-32602);
    expect((await retry(mine, `${state}x`, responses)).error?.code).toBe(-32602);
    const done = await retry(mine, state, responses);
    expect(JSON.stringify(done.result)).toContain('accept');
    expect((await retry(mine, state, responses)).error?.code).toBe(-32602);
    expect(await statuses()).toEqual(['completed', 'completed']);
    const [, , again] = boundary.commands.filter(({ type }) => type === 'authorize');
    expect(again).toMatchObject({ replaces: expect.stringMatching(/^act_/) as string });
  });

  it('ends a request whose retry is denied, and one whose lease is revoked while it waits', async () => {
    const token = boundary.open('1');
    const { result } = await start(token);
    boundary.decide = () => ({ decision: 'deny' });
    expect((await retry(token, result?.requestState)).result).toMatchObject({ structuredContent: { code: 'DENIED' } });
    await until('the call to be canceled', () => boundary.messages('notifications/cancelled').length > 0);
    expect(await statuses()).toContain('completed');
    expect(await statuses()).not.toContain('failed');
    boundary.decide = () => ({});
    boundary.commands.length = 0;
    const waiting = await start(boundary.open('2'));
    boundary.revoke('2');
    await until('its outcomes', async () => (await statuses()).length === 2);
    expect(await statuses()).toEqual(['completed', 'completed']);
    expect((await retry('eyJ2', waiting.result?.requestState)).error?.code).toBe(-32602);
  });

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http://169.254.169.254/latest/meta-data',
    'https://user:password@example.com/',
    'not an address',
  ])('does not send a person to %s', async (url) => {
    const answer = await start(boundary.open('1'), { mode: 'url', message: 'Open', url, elicitationId: 'e' });
    expect(JSON.stringify(answer.result)).toContain('-32601');
  });

  it('makes no call as a task, which would outlive its permit', async () => {
    const params = { name: 'note', arguments: {}, task: { ttl: 1 } };
    const token = boundary.open('1');
    // 2026-07-28 ignores the member, and the revisions before have no answer that is no task
    expect((await one(ask(token, 'tools/call', params))).result).toMatchObject({ content: expect.any(Array) });
    expect((await one(post(token, { id: 1, method: 'tools/call', params }))).error?.code).toBe(-32602);
    expect(JSON.stringify(boundary.messages('tools/call'))).not.toContain('ttl');
  });

  it('shows a client the page of the approval, and makes the call once it is approved and the client continues', async () => {
    const token = boundary.open('1');
    const approvalId = `apr_0_${'0'.repeat(26)}`;
    boundary.decide = (command) =>
      (command.approvalId === undefined ? { decision: 'step-up', approvalId } : {}) as object;
    const call = (more: object = {}) =>
      one(ask(token, 'tools/call', { name: 'note', arguments: { a: 1 }, ...more }, WITH_FORMS));
    const { result } = await call();
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { approval: { params: { mode: 'url', url: `https://console.test/${approvalId}` } } },
    });
    const other = await call({ arguments: { a: 2 }, requestState: result?.requestState });
    expect(other.error?.code).toBe(-32602);
    const inputResponses = { approval: { action: 'accept' } };
    const done = await call({ requestState: result?.requestState, inputResponses });
    expect(done.result).toMatchObject({ resultType: 'complete', content: [{ text: '{"a":1}' }] });
  });

  async function session(token: string, capabilities: object = WITH_FORMS): Promise<string> {
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'c', version: '1' } };
    const response = await post(token, { id: 0, method: 'initialize', params });
    await response.text();
    return response.headers.get('mcp-session-id') ?? '';
  }

  it('takes a session and an answer to a request of a server from the run that has them alone', async () => {
    const [mine, other] = [boundary.open('1'), boundary.open('2')];
    const id = await session(mine);
    const stolen = await post(other, { id: 1, method: 'tools/list' }, { 'mcp-session-id': id });
    expect(stolen.status).toBe(404);
    const call = { id: 1, method: 'tools/call', params: { name: 'ask', arguments: FORM } };
    const answers = messages(await post(mine, call, { 'mcp-session-id': id }));
    const { value: request } = await answers.next();
    expect(request).toMatchObject({ method: 'elicitation/create', params: FORM });
    const answer = (token: string, action: string) => post(token, { id: request?.id, result: { action } });
    await answer(other, 'accept');
    await answer(mine, 'decline');
    const { value: result } = await answers.next();
    expect(JSON.stringify(result)).toContain('decline');
    expect(JSON.stringify(result)).not.toContain('accept');
  });

  it('ends the session of a client that leaves, and of no other', async () => {
    const [mine, other] = [boundary.open('1'), boundary.open('2')];
    const [id, second] = [await session(mine), await session(mine)];
    const list = (token: string, session: string) =>
      post(token, { id: 1, method: 'tools/list' }, { 'mcp-session-id': session });
    const leave = (token: string) =>
      fetch(`${boundary.url}/s`, { method: 'DELETE', headers: headers(token, { 'mcp-session-id': id }) });
    expect([(await leave(other)).status, (await list(mine, id)).status]).toEqual([404, 200]);
    expect([(await leave(mine)).status, (await list(mine, id)).status, (await leave(mine)).status]).toEqual([
      200, 404, 404,
    ]);
    expect((await list(mine, second)).status).toBe(200);
  });

  it('announces changes of the resources that a client subscribed to, until its lease is revoked', async () => {
    const token = boundary.open('1');
    const id = await session(token);
    const stream = messages(
      await fetch(`${boundary.url}/s`, {
        headers: headers(token, { accept: 'text/event-stream', 'mcp-session-id': id }),
      }),
    );
    const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
    expect((await one(post(token, subscribe, { 'mcp-session-id': id }))).result).toEqual({});
    expect((await stream.next()).value).toMatchObject({ params: { uri: 'test://a' } });
    boundary.revoke('1');
    for (;;) if ((await stream.next()).done) break;
  });

  it('announces them on a stream of 2026-07-28 too, without what the lease denies, until it is revoked', async () => {
    const token = boundary.open('1', { resources: [{ type: 'mcp', match: 's/resources/test/a' }] });
    boundary.decide = ({ resource }) => (resource.id.endsWith('/a') ? {} : { decision: 'deny' });
    const notifications = { resourceSubscriptions: ['test://a', 'test://b', 'test://../x'], toolsListChanged: true };
    const stream = messages(await ask(token, 'subscriptions/listen', { notifications }));
    const tag = { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } };
    expect((await stream.next()).value).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { resourceSubscriptions: ['test://a'], toolsListChanged: true }, ...tag },
    });
    expect((await stream.next()).value).toMatchObject({ params: { uri: 'test://a', ...tag } });
    boundary.revoke('1');
    expect((await stream.next()).value).toMatchObject({ id: 1, result: { resultType: 'complete', ...tag } });
  });
});
