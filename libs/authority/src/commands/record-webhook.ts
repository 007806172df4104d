import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records that a webhook was registered, rotated or removed. It changes nothing in the state: the ledger reads webhooks. */
export const recordWebhook: Decide<'recordWebhook'> = (_state, command) => {
  const { actor, webhook, change, host, types, disabled } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not change the webhooks of its tenant');
  const data = {
    webhook,
    change,
    ...(host === undefined ? {} : { host }),
    ...(types === undefined ? {} : { types }),
    ...(disabled === undefined ? {} : { disabled }),
  };
  return ok([{ type: 'WebhookChanged', data }]);
};
