import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { OAuthSlots } from './oauth-slots';

const from = (remoteAddress: string) => ({ socket: { remoteAddress } }) as unknown as IncomingMessage;

describe('the slots of OAuth requests', () => {
  it('are bounded per address and in total, and leave the slots of tenants to others', async () => {
    const tenants = new ConcurrencyLimiter(2, 1, 'requests');
    const slots = new OAuthSlots(tenants);
    const ends: (() => void)[] = [];
    const start = (address: string) => slots.within(from(address), () => new Promise<void>((end) => ends.push(end)));
    const started: Promise<void>[] = [];
    for (let i = 0; i < LIMITS.oauthRequestsPerAddress; i++) started.push(start('192.0.2.1'));
    await expect(start('192.0.2.1')).rejects.toMatchObject({ code: 'TOO_MANY' });
    for (let i = started.length; i < LIMITS.oauthRequests; i++) started.push(start(`192.0.2.${2 + (i % 100)}`));
    await expect(start('198.51.100.1')).rejects.toMatchObject({ code: 'TOO_MANY' });
    tenants.take('default');
    for (const end of ends) end();
    await Promise.all(started);
    await slots.within(from('192.0.2.1'), () => Promise.resolve());
  });

  it('take one of the tenant once it is known, until the request ends', async () => {
    const slots = new OAuthSlots(new ConcurrencyLimiter(5, 1, 'requests'));
    const first = from('192.0.2.1');
    await slots.within(first, async () => {
      slots.ofTenant(first, 'default');
      const second = from('192.0.2.2');
      const refused = slots.within(second, () => Promise.resolve(slots.ofTenant(second, 'default')));
      await expect(refused).rejects.toMatchObject({ code: 'TOO_MANY' });
    });
    const third = from('192.0.2.3');
    await slots.within(third, () => Promise.resolve(slots.ofTenant(third, 'default')));
  });
});
