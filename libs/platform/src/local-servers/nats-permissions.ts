import { consumerName, EVENTS_USER } from '@bailiwick/messaging/subjects';

/**
 * The subjects that each service may publish and subscribe to. Least privilege: a service that is taken over can do only
 * its own part. No service may use JetStream: a consumer delivers, with the server's own rights, to any subject that its
 * maker names, and a pull to any reply subject. The event stream is therefore in another account.
 */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const inbox = (service: string): string => `_INBOX.${service}.>`;
export const NATS_PERMISSIONS: Readonly<Record<string, Permissions>> = {
  // the edge: requests to owners, ledger and health; receives no requests; notifications of commits only wake its
  // streams; reports of enforcement points are signed, and change no decision
  gateway: {
    publish: [
      'bailiwick.command.>',
      'bailiwick.query.>',
      'bailiwick.ledger.>',
      'bailiwick.admin.>',
      'bailiwick.boundary.>',
      'bailiwick.health.>',
    ],
    subscribe: [inbox('gateway'), 'bailiwick.event.*.*', 'bailiwick.owned', 'bailiwick.enforced.*'],
  },
  // the only writer: accepts commands, announces commits, asks the monitor about high risk, publishes who owns which
  // log
  delegation: {
    publish: ['bailiwick.event.*.*', 'bailiwick.owned', 'bailiwick.freed', 'bailiwick.intent.score'],
    subscribe: [
      inbox('delegation'),
      'bailiwick.drift.>',
      'bailiwick.command.>',
      'bailiwick.query.>',
      'bailiwick.call.>',
      'bailiwick.admin.>',
      'bailiwick.freed',
      'bailiwick.health.delegation',
    ],
  },
  // the monitor: notified of commits; reports scores on a subject that accepts nothing else, so it can only tighten
  intent: {
    publish: ['bailiwick.drift.>'],
    subscribe: [inbox('intent'), 'bailiwick.intent.>', 'bailiwick.health.intent', 'bailiwick.event.*.*'],
  },
  // the boundary: decides calls of agents and reports their outcomes, on subjects that accept nothing else; notified of
  // commits, which may end the lease of a call in flight
  boundary: {
    publish: [
      'bailiwick.call.>',
      'bailiwick.enforced.boundary',
      'bailiwick.admin.logs',
      'bailiwick.admin.mcp-pins',
      'bailiwick.admin.mcp-server',
      'bailiwick.admin.mcp-servers',
    ],
    subscribe: [
      inbox('boundary'),
      'bailiwick.boundary.>',
      'bailiwick.health.boundary',
      'bailiwick.event.*.*',
      'bailiwick.owned',
    ],
  },
  // the ledger: notified of commits and answers; it cannot send requests
  ledger: {
    publish: [],
    subscribe: [inbox('ledger'), 'bailiwick.ledger.>', 'bailiwick.health.ledger', 'bailiwick.event.*.*'],
  },
};

const STREAM = 'BAILIWICK_EVENTS';

/** The publisher of the event stream, which also makes the consumers of subscribers. */
export const EVENTS_PERMISSIONS: Permissions = {
  publish: [
    'bailiwick.events.>',
    ...['INFO', 'CREATE', 'UPDATE', 'DELETE', 'MSG.GET'].map((operation) => `$JS.API.STREAM.${operation}.${STREAM}`),
    `$JS.API.CONSUMER.DURABLE.CREATE.${STREAM}.*`,
    `$JS.API.CONSUMER.CREATE.${STREAM}.>`,
    `$JS.API.CONSUMER.INFO.${STREAM}.*`,
    `$JS.API.CONSUMER.DELETE.${STREAM}.*`,
  ],
  subscribe: [inbox(EVENTS_USER)],
};

/** A client outside that receives the events of one tenant. */
export interface Subscriber {
  readonly tenant: string;
  readonly name: string;
  readonly password: string;
}

/**
 * A subscriber pulls from its own durable consumer, which is made for it with its tenant's filter, and acknowledges what
 * it got; it cannot make, change or read any other (I9). A pull may name any reply subject of this account: the server
 * then delivers events of the subscriber's tenant there, under the subjects that they have in the stream. At most it stores
 * duplicates of them; it cannot reach a service.
 */
export function subscriberPermissions(subscriber: Pick<Subscriber, 'tenant' | 'name'>): Permissions {
  const user = consumerName(subscriber);
  return {
    publish: [
      `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${user}`,
      `$JS.API.CONSUMER.INFO.${STREAM}.${user}`,
      `$JS.ACK.${STREAM}.${user}.>`,
    ],
    subscribe: [inbox(user)],
  };
}
