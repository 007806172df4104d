import type { WebhookCallback } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { callbackMessage } from './callback-message';

const AT = { log: 'acme/0', position: 9, type: 'ApprovalGiven' };
const callback = (changed: Partial<WebhookCallback> = {}): WebhookCallback => ({
  approval: 'apr_1',
  statusEndpoint: 'https://pdp.example/access/v1/requests/apr_1',
  state: 'opaque',
  events: undefined,
  position: 9,
  ...changed,
});

// AuthZEN Callback Notifications Profile, Callback Completion and Notification Delivery
describe('callbackMessage', () => {
  it('has the task and the state that the requester gave, and no result, so that the requester reads the status', () => {
    expect(JSON.parse(callbackMessage(AT, 'approved', callback())?.body ?? '')).toEqual({
      state: 'opaque',
      task: { id: 'apr_1', status: 'approved', status_endpoint: 'https://pdp.example/access/v1/requests/apr_1' },
    });
    expect(callbackMessage(AT, 'approved', callback({ state: undefined }))?.body).not.toContain('"state"');
  });

  it('is only of the events that the requester asked for', () => {
    expect(callbackMessage(AT, 'approved', callback({ events: ['denied'] }))).toBeUndefined();
    expect(callbackMessage(AT, 'approved', callback({ events: ['denied', 'approved'] }))?.id).toBe('acme/0:9');
  });

  it('is of the event that ended the request, and of no later one', () => {
    expect(callbackMessage({ ...AT, position: 12 }, 'cancelled', callback())).toBeUndefined();
  });
});
