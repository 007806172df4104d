/**
 * The subjects that each service may publish and subscribe to. Least privilege: a compromised service can do only its
 * own part. Only the owner may use the JetStream API: a consumer or a stream delivers, with the server's own rights, to
 * any subject that its creator names, and a pull to any reply subject.
 */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const inbox = (service: string): string => `_INBOX.${service}.>`;
export const NATS_PERMISSIONS: Readonly<Record<string, Permissions>> = {
  // the edge: requests to owners, ledger and health; receives no requests; notifications of commits only wake its
  // streams
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
  // the only writer: accepts commands, announces commits, asks the monitor about high risk, publishes who owns which
  // log
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
  // the monitor: notified of commits; reports scores on a subject that accepts nothing else, so it can only tighten
  intent: {
    publish: ['bailiwick.drift.>'],
    subscribe: [inbox('intent'), 'bailiwick.intent.>', 'bailiwick.health.intent', 'bailiwick.event.*.*'],
  },
  // the ledger: notified of commits and answers; it cannot send requests
  ledger: {
    publish: [],
    subscribe: [inbox('ledger'), 'bailiwick.ledger.>', 'bailiwick.health.ledger', 'bailiwick.event.*.*'],
  },
};
