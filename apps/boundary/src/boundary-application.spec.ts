import { EventEmitter } from 'node:events';
import { Refused } from '@bailiwick/edge/refused';
import { configureHttp } from './boundary-application';
import type { RequestSlots } from './plain/request-slots';

const CLAIMS = { tenant: 'default', grantId: 'grt_1' };

/** A request of MCP whose sender is known. @returns the status of a refusal */
async function arrive(take: () => () => void) {
  let hook: (request: object, reply: object) => Promise<void> = async () => undefined;
  const ignored = (): void => undefined;
  const addHook = (_name: string, added: typeof hook): void => void (hook = added);
  const instance = { removeAllContentTypeParsers: ignored, addContentTypeParser: ignored, addHook };
  const agents = { admit: async () => ({ claims: CLAIMS }), endpoint: () => new URL('http://b/mcp/s') };
  const app = { getHttpAdapter: () => ({ getInstance: () => instance }), get: () => agents };
  configureHttp(app as never, { take } as unknown as RequestSlots);
  const raw = Object.assign(new EventEmitter(), { destroyed: false });
  let status: number | undefined;
  const reply = { raw, code: (code: number) => ((status = code), reply), header: () => reply, send: async () => reply };
  await hook({ params: { server: 's' }, url: '/mcp/s', raw: {} }, reply);
  return { raw, status };
}

describe('a request of MCP', () => {
  it('has a place of its tenant before its body is read, until its answer ends', async () => {
    const leave = jest.fn();
    const { raw, status } = await arrive(() => leave);
    expect([status, leave.mock.calls.length]).toEqual([undefined, 0]);
    raw.emit('close');
    expect(leave).toHaveBeenCalledTimes(1);
  });

  it('is refused if its tenant has none left', async () => {
    const { status } = await arrive(() => {
      throw new Refused('TOO_MANY', 'too many concurrent requests');
    });
    expect(status).toBe(429);
  });
});
