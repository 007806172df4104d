import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connectionFailure } from './connection-failure';

const failureAt = (url: string): Promise<unknown> =>
  fetch(url).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a request that does not reach the service', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => server.close());

  it('states which address accepts no connection, and what to do', async () => {
    server.close();
    await once(server, 'close');
    expect(connectionFailure(await failureAt(`http://127.0.0.1:${port}`))).toBe(
      `cannot reach 127.0.0.1:${port}: nothing accepts connections there. ` +
        'Is the service running (`npm start`, `bailiwick status`)? --url or BAILIWICK_URL states another address.',
    );
  });

  it('reports that a connection was closed before an answer', async () => {
    expect(connectionFailure(await failureAt(`http://127.0.0.1:${port}`))).toContain(
      'the connection was closed before an answer',
    );
  });

  it('names a host that has several addresses', () => {
    const each = ['::1', '127.0.0.1'].map((address) =>
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED', address, port: 8420 }),
    );
    const cause = Object.assign(new AggregateError(each), { code: 'ECONNREFUSED' });
    expect(connectionFailure(new TypeError('fetch failed', { cause }))).toContain(
      'cannot reach [::1]:8420: nothing accepts connections there',
    );
  });

  it.each([
    ['ENOTFOUND', { hostname: 'bailiwick.invalid' }, 'cannot reach bailiwick.invalid: no host has this name'],
    ['CERT_HAS_EXPIRED', {}, 'cannot reach the service: its certificate has expired'],
    ['EUNHEARDOF', {}, 'cannot reach the service: EUNHEARDOF'],
  ])('explains %s', (code, where, text) => {
    const cause = Object.assign(new Error('x'), { code, ...where });
    expect(connectionFailure(new TypeError('fetch failed', { cause }))).toContain(`${text}. `);
  });

  it('takes the message of a cause without a code, such as of a port that fetch blocks', async () => {
    expect(connectionFailure(await failureAt('http://127.0.0.1:1'))).toContain('cannot reach the service: bad port. ');
  });

  it('leaves every other error as it is', () => {
    for (const error of [new Error('fetch failed'), new TypeError('x is not a function'), 'text', undefined])
      expect(connectionFailure(error)).toBeUndefined();
  });
});
