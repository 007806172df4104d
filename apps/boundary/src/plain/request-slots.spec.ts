import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import { Front } from './front';
import { RequestSlots } from './request-slots';
import { PlainWorld } from './testing/plain-world';

const request = (length = 0): IncomingMessage =>
  Object.assign(new EventEmitter(), {
    headers: { 'content-length': String(length) },
    socket: { destroyed: false },
  }) as unknown as IncomingMessage;

describe('the slots of requests', () => {
  const take = (slots: RequestSlots, tenant: string, grantId = 'grt_1', sent = request()) =>
    slots.take({ tenant, grantId }, sent, LIMITS.httpBodyBytes);

  it('are at most half of all in one tenant, and others find one', () => {
    const slots = new RequestSlots();
    const leave = Array.from({ length: LIMITS.httpRequests / 2 }, () => take(slots, 'large'));
    expect(() => take(slots, 'large')).toThrow('too many concurrent requests');
    take(slots, 'small');
    leave[0]?.();
    leave[0]?.(); // once
    take(slots, 'large');
    expect(() => take(slots, 'large')).toThrow('too many concurrent requests');
  });

  it('are not kept by a request whose body has no room', () => {
    const slots = new RequestSlots();
    const body = LIMITS.httpBodyBytes;
    const arriving = Array.from({ length: LIMITS.httpArrivingBytesPerSender / body }, () => request(body));
    for (const each of arriving) take(slots, 'a', 'grt_1', each);
    for (let i = 0; i < LIMITS.httpRequests; i++)
      expect(() => take(slots, 'a', 'grt_1', request(body))).toThrow('too many bytes of incomplete request bodies');
    arriving.push(request(body), request(body));
    take(slots, 'a', 'grt_2', arriving.at(-1));
    arriving[0]?.emit('end');
    take(slots, 'a', 'grt_1', arriving.at(-2));
    for (const each of arriving) each.emit('close'); // none is given up later
  });

  it('are bounded with the connections of the service', () => {
    expect(new Front().serve(() => undefined).maxConnections).toBe(LIMITS.httpConnections);
  });

  it.each([
    ['/http/crm/payments', 'POST'],
    ['/llm/acme/v1/chat/completions', 'POST'],
    ['/authz/envoy/crm/payments', 'POST'],
    ['/authz/nginx/crm', 'GET'],
  ])('are taken at %s by a known sender before its body is read, and given back', async (path, method) => {
    const world = await new PlainWorld([]).start((upstream) => ({
      apis: { crm: { upstream: { url: upstream } } },
      models: {},
    }));
    const left: string[] = [];
    const taken = jest.spyOn(RequestSlots.prototype, 'take').mockImplementation(
      ({ tenant }) =>
        () =>
          void left.push(tenant),
    );
    await world.send(method, path);
    expect([taken.mock.calls.map(([{ tenant }]) => tenant), left]).toEqual([['default'], ['default']]);
    taken.mockImplementation(() => {
      throw new Refused('TOO_MANY', 'too many concurrent requests');
    });
    const answer = await world.send(method, path);
    expect([answer.status, world.commands]).toEqual([429, []]);
    taken.mockRestore();
    await world.stop();
  });
});
