/** What each service may say and hear on the bus. Least privilege: a service that is taken over can do only its own part. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const inbox = (service: string): string => `_INBOX.${service}.>`;
/** Asking JetStream: about the stream, and for consumers on it. */
const FOLLOW = [
  '$JS.API.INFO',
  '$JS.API.STREAM.INFO.BAILIWICK_EVENTS',
  '$JS.API.STREAM.NAMES',
  '$JS.API.CONSUMER.CREATE.BAILIWICK_EVENTS.>',
  '$JS.API.CONSUMER.INFO.BAILIWICK_EVENTS.*',
  '$JS.API.CONSUMER.DELETE.BAILIWICK_EVENTS.*',
  '$JS.FC.BAILIWICK_EVENTS.>',
];

export const NATS_PERMISSIONS: Readonly<Record<string, Permissions>> = {
  // the edge: asks the owners, the ledger and how all are; is asked by nobody; hears of commits only to wake its streams
  gateway: {
    publish: [
      'bailiwick.command.>',
      'bailiwick.query.>',
      'bailiwick.ledger.>',
      'bailiwick.admin.>',
      'bailiwick.health.>',
    ],
    subscribe: [inbox('gateway'), 'bailiwick.event.*.*', 'bailiwick.owned'],
  },
  // the only writer: takes commands, announces commits, asks the monitor about high risk, tells who owns what
  delegation: {
    publish: [
      'bailiwick.event.*.*',
      'bailiwick.owned',
      'bailiwick.freed',
      'bailiwick.intent.score',
      '$JS.API.STREAM.INFO.BAILIWICK_EVENTS',
      '$JS.API.STREAM.CREATE.BAILIWICK_EVENTS',
      '$JS.API.STREAM.UPDATE.BAILIWICK_EVENTS',
      '$JS.API.STREAM.DELETE.BAILIWICK_EVENTS',
    ],
    subscribe: [
      inbox('delegation'),
      'bailiwick.drift.>',
      'bailiwick.command.>',
      'bailiwick.query.>',
      'bailiwick.admin.>',
      'bailiwick.freed',
      'bailiwick.health.delegation',
    ],
  },
  // the monitor: follows the logs and reports scores, on a subject that takes nothing else: it can only tighten
  intent: {
    publish: ['bailiwick.drift.>', ...FOLLOW],
    subscribe: [inbox('intent'), 'bailiwick.intent.>', 'bailiwick.health.intent', 'bailiwick.event.*.*'],
  },
  // the ledger: follows the logs and answers; it can ask nobody to do anything
  ledger: {
    publish: [...FOLLOW],
    subscribe: [inbox('ledger'), 'bailiwick.ledger.>', 'bailiwick.health.ledger', 'bailiwick.event.*.*'],
  },
};
