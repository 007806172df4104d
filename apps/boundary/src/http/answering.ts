import { Decisions } from '../calls/decisions';
import { GuardedCalls } from '../calls/guarded-calls';
import { GovernedRequests } from '../calls/governed';
import { LeaseViews } from '../calls/lease-views';
import { Listings } from '../calls/listings';
import type { LiveLeases } from '../calls/live-leases';
import { Reads } from '../calls/reads';
import { Seals } from '../calls/seals';
import { ToolCalls } from '../calls/tool-calls';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import type { PolicyReaders } from '@bailiwick/edge/policy-readers';
import type { Logger } from '@bailiwick/platform/logging';
import { Rounds } from '../sessions/rounds';
import { Sessions } from '../sessions/sessions';
import type { PinStore } from '../tools/pin-store';
import { ArgumentValidator } from '../tools/validator';
import { Listening } from './listening';
import { Methods } from './methods';

/** What the parts that answer agents are made of. */
export interface Ingredients {
  readonly owners: Pick<OwnerClient, 'query' | 'question' | 'submit' | 'command'>;
  readonly readers: PolicyReaders;
  readonly leases: LiveLeases;
  readonly pins: PinStore;
  readonly logger: Logger;
  /** the same for all processes of this service */
  readonly secret: string | Buffer;
  readonly approvalPage: (approvalId: string) => string;
}

/** The parts that answer agents. */
export interface Answering {
  readonly guarded: GuardedCalls;
  readonly sessions: Sessions;
  readonly seals: Seals;
  readonly methods: Methods;
}

export function makeAnswering({ owners, readers, leases, pins, logger, secret, approvalPage }: Ingredients): Answering {
  const guarded = new GuardedCalls(new Decisions(owners, readers), leases, logger);
  const requests = new GovernedRequests(guarded);
  const views = new LeaseViews(owners, readers);
  const seals = new Seals(secret);
  const sessions = new Sessions(views, requests);
  const reads = new Reads(requests, pins);
  const methods = new Methods({
    calls: new ToolCalls({ requests, views, pins, validator: new ArgumentValidator() }),
    listings: new Listings(views, pins, seals),
    reads,
    rounds: new Rounds(seals),
    listening: new Listening(sessions, reads, leases),
    seals,
    approvalPage,
  });
  return { guarded, sessions, seals, methods };
}
