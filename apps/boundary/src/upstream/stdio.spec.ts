import { makeLogger } from '@bailiwick/platform/logging';
import { NotReached } from './connection';
import { StdioConnection } from './stdio';

const logger = makeLogger('test', 'silent');
/** A server that answers each request by an expression of its message `m`. */
const serving = (answer: string, user?: { uid: number; gid: number }) =>
  new StdioConnection(
    {
      ...(user && { user }),
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const m = JSON.parse(line); const send = (text) => process.stdout.write(text + '\\n');
          ${answer}
        })`,
      ],
      env: { ONLY: 'this' },
    },
    logger,
  );
const ask = (connection: StdioConnection, method = 'x', signal = new AbortController().signal) =>
  connection.request(method, {}, { signal });

describe('StdioConnection', () => {
  let connection: StdioConnection;
  afterEach(() => connection.close());

  it('starts the server with the stated environment, and with nothing else', async () => {
    process.env.BAILIWICK_TEST_SECRET = 'hidden';
    connection = serving(`send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { env: process.env } }))`);
    const answer = await ask(connection);
    delete process.env.BAILIWICK_TEST_SECRET;
    expect(answer.ok && JSON.parse(answer.result)).toEqual({ env: { ONLY: 'this' } });
  });

  (process.getuid?.() === 0 ? it : it.skip)('runs the server as the stated user, without other groups', async () => {
    connection = serving(
      `send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { ids: [process.getuid(), process.getgid(), ...process.getgroups()] } }))`,
      { uid: 65_534, gid: 65_533 },
    );
    const answer = await ask(connection);
    const { ids } = JSON.parse(answer.ok ? answer.result : '{}') as { ids: number[] };
    expect([ids[0], new Set(ids.slice(1))]).toEqual([65_534, new Set([65_533])]);
  });

  it('reaches no server that has ended', async () => {
    connection = serving(`process.exit(1)`);
    await expect(ask(connection)).rejects.toThrow('ended');
    await expect(ask(connection)).rejects.toBeInstanceOf(NotReached);
  });

  it('takes the first of several answers to a request, and none to a request that it did not send', async () => {
    connection = serving(
      `send(JSON.stringify({ jsonrpc: '2.0', id: 99, result: {} }));
       for (const n of [1, 2]) send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { n } }))`,
    );
    expect(await ask(connection)).toEqual({ ok: true, result: '{"n":1}' });
    expect(await ask(connection)).toEqual({ ok: true, result: '{"n":1}' });
  });

  it('fails the calls in flight when the server dies', async () => {
    connection = serving(`process.exit(1)`);
    await expect(Promise.all([ask(connection), ask(connection)])).rejects.toThrow('ended');
  });

  it('cancels an aborted call upstream, and drops a late answer', async () => {
    connection = serving(
      `if (m.method === 'slow') global.slow = m.id;
       else if (m.method === 'notifications/cancelled') global.canceled = m.params.requestId === global.slow;
       else send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { canceled: global.canceled } }))`,
    );
    const abort = new AbortController();
    const slow = ask(connection, 'slow', abort.signal);
    abort.abort();
    await expect(slow).rejects.toThrow('aborted');
    expect(await ask(connection)).toEqual({ ok: true, result: '{"canceled":true}' });
  });

  it('refuses requests of the server, and answers its ping', async () => {
    connection = serving(
      `if (m.method === 'x') { global.id = m.id; send(JSON.stringify({ jsonrpc: '2.0', id: 's1', method: 'sampling/createMessage', params: {} })) }
       else send(JSON.stringify({ jsonrpc: '2.0', id: global.id, result: { refused: m.error.code } }))`,
    );
    expect(await ask(connection)).toEqual({ ok: true, result: '{"refused":-32601}' });
  });

  it.each([
    ['a notification', `{ method: 'notifications/message', params: D }`],
    ['progress of a call', `{ method: 'notifications/progress', params: { progressToken: m.id, message: D } }`],
    ['a request', `{ id: 's1', method: 'sampling/createMessage', params: D }`],
    ['the answer to a request of another', `{ id: 99, result: D }`],
  ])('survives %s that is nested too deeply, and a listener that fails', async (_what, message) => {
    connection = serving(
      `const deep = '['.repeat(200_000) + ']'.repeat(200_000);
       send(JSON.stringify({ jsonrpc: '2.0', ...${message.replaceAll(/\bD\b/g, `{ a: 'DEEP' }`)} }).replace('"DEEP"', deep));
       send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} }));
       send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { n: 1 } }))`,
    );
    const heard: object[] = [];
    const signal = new AbortController().signal;
    // what the boundary does with a message: it writes it again
    connection.answerBy(async (_method, params) => ({ result: JSON.parse(JSON.stringify(params)) as unknown }));
    connection.onNotification((_method, params) => heard.push(JSON.parse(JSON.stringify(params)) as object));
    connection.onNotification(() => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    const onProgress = (params: object): void => void JSON.stringify(params);
    expect(await connection.request('x', {}, { signal, onProgress })).toEqual({ ok: true, result: '{"n":1}' });
    expect(heard).toEqual([{}]);
  });

  it('refuses a request of the server that cannot be answered, and continues', async () => {
    connection = serving(
      `if (m.method === 'x') { global.id = m.id; send(JSON.stringify({ jsonrpc: '2.0', id: 's1', method: 'roots/list' })) }
       else send(JSON.stringify({ jsonrpc: '2.0', id: global.id, result: { refused: m.error.code } }))`,
    );
    connection.answerBy(() => Promise.reject(new RangeError('Maximum call stack size exceeded')));
    expect(await ask(connection)).toEqual({ ok: true, result: '{"refused":-32603}' });
  });

  it('fails the call if a message is no answer', async () => {
    connection = serving(`send(JSON.stringify({ jsonrpc: '2.0', id: m.id, result: 7 }))`);
    await expect(ask(connection)).rejects.toThrow('malformed');
  });
});
