/**
 * What each service may say and hear on the bus. Least privilege: a service that is taken over can do only its own part.
 * No service but the owner may ask JetStream for anything: a consumer or a stream delivers, with the server's own rights,
 * onto whatever subject its maker names, and a pull onto whatever reply subject is given.
 */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const inbox = (service: string): string => `_INBOX.${service}.>`;
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
  // the monitor: hears of commits and reports scores, on a subject that takes nothing else: it can only tighten
  intent: {
    publish: ['bailiwick.drift.>'],
    subscribe: [inbox('intent'), 'bailiwick.intent.>', 'bailiwick.health.intent', 'bailiwick.event.*.*'],
  },
  // the ledger: hears of commits and answers; it can ask nobody to do anything
  ledger: {
    publish: [],
    subscribe: [inbox('ledger'), 'bailiwick.ledger.>', 'bailiwick.health.ledger', 'bailiwick.event.*.*'],
  },
};
