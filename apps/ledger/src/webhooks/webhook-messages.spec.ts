import type { CallbackEvent } from '@bailiwick/contracts/http/access-requests';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { WebhookMessages } from './webhook-messages';

const idOf = (log: string, n: number): string => `apr_${log}_${String(n).padStart(26, '0')}`;
const TARGET = { tenant: 'acme', name: 'pep', types: undefined, callbacks: true } as WebhookTarget;
const revoked = (position: number): StoredEvent => ({
  ...{ log: 'acme/0', position, type: 'RevocationRuleAdded', time: '2026-01-02T00:00:00Z', body: '{}', payload: null },
});

/** The callbacks of a webhook, and a log after whose first revocation the requests `ended` have ended. */
function world(waiting: string[], ended: string[]) {
  const ends = new Map<string, { log: string; position: number; status: CallbackEvent }>();
  const callbackOf = (approval: string) => ({
    ...{ approval, statusEndpoint: `https://pdp.example/${approval}`, state: undefined, events: undefined },
    position: ends.get(approval)?.position,
  });
  const asked: string[][] = [];
  const messages = new WebhookMessages(
    {
      callback: () => Promise.resolve(undefined),
      waitingCallbacks: () => Promise.resolve(waiting.filter((each) => !ends.has(each))),
      endedCallbacks: (_tenant, _name, log, position) =>
        Promise.resolve(
          [...ends].flatMap(([approval, end]) =>
            end.log === log && end.position === position ? [{ ...callbackOf(approval), endedAs: end.status }] : [],
          ),
        ),
      endCallback: (_tenant, _name, approval, end) => Promise.resolve(void ends.set(approval, end)),
    },
    {
      after: (_log: string, _position: number, approvals: readonly string[]) => {
        asked.push([...approvals]);
        const found = approvals.filter((each) => ended.includes(each));
        return Promise.resolve(found.map((approvalId) => ({ approvalId, status: 'cancelled' as const })));
      },
    } as never,
  );
  return { messages, asked };
}

describe('WebhookMessages', () => {
  const [first, second, third, other] = [idOf('0', 1), idOf('0', 2), idOf('0', 3), idOf('1', 4)];

  it('notify of each request of the log whose lease has ended, with an id for each, by the first event that ended it', async () => {
    const { messages, asked } = world([first, second, third, other], [first, second, other]);
    const sent = await messages.next(TARGET, revoked(7));
    expect(sent.map(({ id }) => id)).toEqual([`acme/0:7:${first}`, `acme/0:7:${second}`]);
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({
      task: { id: first, status: 'cancelled', status_endpoint: `https://pdp.example/${first}` },
    });
    expect(await messages.next(TARGET, revoked(8))).toEqual([]);
    expect(await messages.next(TARGET, revoked(7))).toEqual(sent); // as after a crash
    expect(await messages.of(TARGET, revoked(7))).toEqual(sent);
    expect(asked).toEqual([[first, second, third], [third], [third]]);
  });

  it('wait for nothing if no request waits, or if the webhook is sent events', async () => {
    const { messages, asked } = world([other], []);
    expect(await messages.next(TARGET, revoked(7))).toEqual([]);
    expect(await messages.next({ ...TARGET, callbacks: false }, revoked(7))).toMatchObject([{ id: 'acme/0:7' }]);
    expect(asked).toEqual([]);
  });
});
