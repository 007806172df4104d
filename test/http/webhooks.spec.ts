import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { openRun } from './world';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that shares no code with the sender: it verifies by the text of Standard Webhooks. */
class Receiver {
  readonly received: Received[] = [];
  status = 204;
  private server: Server | undefined;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (this.status === 204) this.received.push({ headers: request.headers, body });
        response.writeHead(this.status).end();
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}/hook?token=hunter2`;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  idsOf(type: string): string[] {
    return this.received
      .filter(({ body }) => typeOf(body) === type)
      .map(({ headers }) => String(headers['webhook-id']));
  }
}

const typeOf = (body: string): string => (JSON.parse(body) as { type: string }).type;

function verifies(secret: string, { headers, body }: Received): boolean {
  const id = String(headers['webhook-id']);
  const at = String(headers['webhook-timestamp']);
  const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${at}.${body}`)
    .digest('base64');
  return String(headers['webhook-signature']).split(' ').includes(`v1,${expected}`);
}

let stack: Stack;
let url: string;
const receiver = new Receiver();
beforeAll(async () => {
  stack = await Stack.tenant();
  url = await receiver.start();
}, 120_000);
afterAll(async () => {
  receiver.stop();
  await stack.stop();
});

const admin = (method: string, path: string, body?: object) =>
  http(stack, method, `/v1/webhooks${path}`, { key: stack.keys.admin, ...(body && { body }) });
const lastOf = (type: string): Received =>
  receiver.received.filter(({ body }) => typeOf(body) === type).at(-1) as Received;

describe('a webhook', () => {
  let secret: string;

  it('is refused in a network that the operator has not allowed, and without encryption elsewhere', async () => {
    for (const refused of [
      'https://10.0.0.1/',
      'https://169.254.169.254/',
      'https://[::1]/',
      'http://siem.example.com/',
    ])
      expect([refused, (await admin('PUT', '/inside', { url: refused })).status]).toEqual([refused, 403]);
    expect((await admin('PUT', '/inside', { url: 'https://siem.example.com/', secret: 'whsec_short' })).status).toBe(
      400,
    );
    expect((await admin('PUT', '/inside', { url: 'https://siem.example.com/', types: ['NoSuchEvent'] })).status).toBe(
      400,
    );
    expect((await admin('GET', '')).body.items).toEqual([]);
  });

  it('shows its secret once, and neither it nor the values of its query afterwards, nor in the log', async () => {
    const { status, body } = await admin('PUT', '/siem', { url, types: ['RunOpened', 'GrantIssued'] });
    expect(status).toBe(200);
    secret = String(body.secret);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const read = await admin('GET', '/siem');
    expect(read.body).toMatchObject({ name: 'siem', enabled: true, secrets: 1, deadLetters: 0 });
    const log = await http(stack, 'GET', `/v1/events?minPosition=${String(body.position)}`, {
      key: stack.keys.analyst,
    });
    const texts = JSON.stringify([read.body, (await admin('GET', '')).body, log.body]);
    expect(texts).toContain('WebhookChanged');
    expect(texts).not.toContain(secret);
    expect(texts).not.toContain('hunter2');
  });

  it('is sent each event of its types, signed, with the position as its id, and without names of people', async () => {
    const { runId } = await openRun(stack);
    await until('the run to be received', () => Promise.resolve(receiver.idsOf('GrantIssued').length === 1));
    const opened = lastOf('RunOpened');
    expect(verifies(secret, opened)).toBe(true);
    expect(verifies(`whsec_${'A'.repeat(43)}=`, opened)).toBe(false);
    const message = JSON.parse(opened.body) as { data: { log: string; position: number; runId: string } };
    expect(opened.headers['webhook-id']).toBe(`${message.data.log}:${message.data.position}`);
    expect(message.data.runId).toBe(runId);
    expect(opened.body).not.toContain('owner@example.com');
    expect(receiver.received.map(({ body }) => typeOf(body)).sort()).toEqual(['GrantIssued', 'RunOpened']);
  });

  it('signs with both secrets after a rotation', async () => {
    const { body } = await admin('POST', '/siem/rotation', { overlap: '1h' });
    await until('both to sign', async () => {
      await admin('POST', '/siem/test', {});
      return verifies(String(body.secret), lastOf('WebhookTest'));
    });
    expect(verifies(secret, lastOf('WebhookTest'))).toBe(true);
    expect((await admin('GET', '/siem')).body.secrets).toBe(2);
  });

  it('shows a failing endpoint, sends its event once it works again, and sends one again on request', async () => {
    receiver.status = 500;
    expect((await admin('POST', '/siem/test', {})).body).toMatchObject({ delivered: false, status: 500 });
    await openRun(stack);
    const failing = async () => ((await admin('GET', '/siem')).body.logs as { failingSince?: string }[])[0];
    await until('the failure to show', async () => (await failing())?.failingSince !== undefined);
    receiver.status = 204;
    await admin('PUT', '/siem', { url, types: ['RunOpened', 'GrantIssued'] }); // tried at once
    await until('the event to be received', () => Promise.resolve(receiver.idsOf('GrantIssued').length === 2));
    const [id] = receiver.idsOf('RunOpened');
    expect((await admin('POST', '/siem/redelivery', { id })).body).toMatchObject({ id, delivered: true, status: 204 });
    expect(receiver.idsOf('RunOpened').filter((each) => each === id)).toHaveLength(2);
    expect((await admin('POST', '/siem/redelivery', { id: 'default/0:0' })).status).toBe(404);
    expect((await admin('GET', '/siem/dead-letters')).body.items).toEqual([]);
  });

  it('for callbacks is notified of the end of a request for access that names it, also with its lease, and nothing else', async () => {
    const post = (path: string, body: object, role: 'enforcer' | 'approver') =>
      http(stack, 'POST', path, { key: stack.keys[role], body });
    const registered = await admin('PUT', '/pep', { url: `${url}&for=pep`, callbacks: true });
    const { grantId } = await openRun(stack);
    const bound = async (asked: object) => {
      const { body } = await post('/access/v1/evaluation', asked, 'enforcer');
      const { access_request, evaluation_id } = body.context as { access_request: object; evaluation_id: string };
      return { ...asked, denial: { evaluation_id, ...access_request } };
    };
    const asked = {
      subject: { type: 'grant', id: grantId },
      action: { name: 'repo.read', properties: { risk: 'high', args: { call: 1 } } },
      resource: { type: 'repo', id: 'acme/clord' },
    };
    const request = await bound(asked);
    const unregistered = { ...request, callback: { endpoint: url } };
    expect((await post('/access/v1/requests', unregistered, 'enforcer')).status).toBe(403);
    const callback = { endpoint: `${url}&for=pep`, state: 'a session' };
    const { status, body } = await post('/access/v1/requests', { ...request, callback }, 'enforcer');
    expect(status).toBe(202);
    const { id, status_endpoint } = body.task as { id: string; status_endpoint: string };
    await post(`/v1/approvals/${id}/decision`, { verdict: 'deny', note: 'no' }, 'approver');
    const notified = () => receiver.received.filter((each) => each.body.includes('"task"'));
    await until('the notification', () => Promise.resolve(notified().length > 0));
    const [notification] = notified() as [Received];
    expect(JSON.parse(notification.body)).toEqual({
      state: 'a session',
      task: { id, status: 'denied', status_endpoint },
    });
    expect(verifies(String(registered.body.secret), notification)).toBe(true);

    const other = { ...asked, action: { name: 'repo.read', properties: { risk: 'high', args: { call: 2 } } } };
    const waits = await post('/access/v1/requests', { ...(await bound(other)), callback }, 'enforcer');
    const task = waits.body.task as { id: string; status_endpoint: string };
    await http(stack, 'POST', `/v1/grants/${grantId}/revocation`, { key: stack.keys.responder, body: { reason: 'x' } });
    await until('the notification of the revocation', () => Promise.resolve(notified().length > 1));
    const [, cancelled] = notified() as [Received, Received];
    expect(JSON.parse(cancelled.body)).toEqual({
      state: 'a session',
      task: { id: task.id, status: 'cancelled', status_endpoint: task.status_endpoint },
    });
    const part = String(cancelled.headers['webhook-id']);
    expect(part).toMatch(new RegExp(`^${stack.log}:\\d+:${task.id}$`));
    expect((await admin('POST', '/pep/redelivery', { id: part })).body).toMatchObject({ id: part, delivered: true });
    await admin('DELETE', '/pep');
  });

  it('is managed by the command line', async () => {
    const run = async (...args: string[]) => {
      const { code, out, err } = await bailiwick(['webhook', ...args, '--data', stack.dataDir]);
      return { code, text: out + err };
    };
    const [list, show, test] = await Promise.all([run('list'), run('show', 'siem'), run('test', 'siem')]);
    expect(list.text).toMatch(/siem .*token=%E2%80%A6 .*2 .*ok/);
    expect(show.text).toContain(stack.log);
    expect(test.text).toContain('delivered test:');
    expect(await run('remove', 'siem')).toMatchObject({ code: 0 });
    expect((await admin('GET', '')).body.items).toEqual([]);
  });
});
