import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { exportHeader, exportLine, importView, type ExportHeader, type ImportView } from '@bailiwick/contracts/export';
import type { Query } from '@bailiwick/contracts/query';
import { LIMITS } from '@bailiwick/core/limits';
import { logName } from '@bailiwick/core/ids';
import { rfc3339 } from '@bailiwick/core/clock';
import { Places } from '../http/concurrency-limiter';
import { Refused } from '../http/problem';
import { route, type Context, type Route } from '../http/route';

const LINES_MS = 30_000;
const places = new Places(LIMITS.exports, 1, 'exports');

interface Lines {
  readonly text: string;
  readonly next: number;
  readonly payloads: number;
}

/**
 * Writes a tenant out, up to where it stood at the beginning; one page is held at a time, and the next read once the
 * client has taken it. A client that sees no last line knows that it was cut off.
 */
async function pour({ services, caller }: Pick<Context, 'services' | 'caller'>, reply: FastifyReply): Promise<void> {
  const { tenant } = caller;
  const leave = places.take(tenant);
  try {
    const logs = await services.owners.ledger<ExportHeader['logs']>('export-heads', { tenant });
    const header: ExportHeader = {
      bailiwick: 'export',
      version: 1,
      tenant,
      made: rfc3339(Date.now()),
      pseudonyms: services.pseudonyms.fingerprint,
      logs,
    };
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    raw.write(`${JSON.stringify(header)}\n`);
    let events = 0;
    let payloads = 0;
    try {
      for (const { log, size } of logs) {
        for (let from = 0; from < size && !raw.destroyed;) {
          const asked = { tenant, log, from, to: size };
          const page = await services.owners.ledger<Lines>('export-lines', asked, LINES_MS);
          if (page.next === from) throw new Error(`${log} ends at ${from}, and its head has ${size} events`);
          events += page.next - from;
          payloads += page.payloads;
          from = page.next;
          if (!raw.write(page.text)) await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
        }
      }
      const heads = logs.map(({ log, size, root }) => ({ log, size, root }));
      raw.end(`${JSON.stringify({ end: true, events, payloads, logs: heads })}\n`);
    } catch {
      raw.destroy(); // cut off, and seen to be
    }
  } finally {
    leave();
  }
}

/** Where an import is spoken to: the owner of the log that everything lands in. */
const importOf = ({ services, caller }: Pick<Context, 'services' | 'caller'>, step: Step): Promise<ImportView> =>
  services.owners.query({ op: 'import', log: logName(caller.tenant, 0), step });
type Step = Extract<Query, { op: 'import' }>['step'];

/** Moving a whole tenant from one installation to another. */
export const movingRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/export',
    summary: 'The whole tenant as NDJSON: a header, every event, a trailer with the roots',
    roles: ['admin'],
    handle(context) {
      return Promise.resolve({ stream: (reply) => pour(context, reply) });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/imports',
    summary: 'Begin to import a tenant into this one, which must be empty; or go on where it was broken off',
    roles: ['admin'],
    body: z.strictObject({
      header: exportHeader,
      /** take a tenant over although refs of the same people will be others from now on */
      otherPseudonyms: z.boolean().optional(),
      /** the tenant moves here and its leases stay alive: the operator must have pinned its key for that */
      continue: z.boolean().optional(),
    }),
    answer: importView,
    async handle(context) {
      const { header, otherPseudonyms } = context.body;
      const { tenant } = context.caller;
      if (header.tenant !== tenant)
        throw new Refused(
          'CONFLICT',
          `this is the tenant ${header.tenant}, and the key's is ${tenant}: events name their tenant, so it keeps its name`,
        );
      if (otherPseudonyms !== true && header.pseudonyms !== context.services.pseudonyms.fingerprint)
        throw new Refused(
          'CONFLICT',
          'people and purposes in it are named with another key: bring keys/pseudonym.key from where it was exported, or rules and erasures by a name will not find what is in it',
        );
      return { body: await importOf(context, { kind: 'begin', header, live: context.body.continue === true }) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/imports/events',
    summary: 'The next events of an import, in order; those that are there already are passed over',
    roles: ['admin'],
    body: z.strictObject({ events: z.array(exportLine).min(1).max(LIMITS.importEventsAtOnce) }),
    answer: importView,
    async handle(context) {
      return { body: await importOf(context, { kind: 'events', events: context.body.events }) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/imports/completion',
    summary: 'All is there: check it, and let it count; nothing does before',
    roles: ['admin'],
    body: z.strictObject({}),
    answer: importView,
    status: 202,
    async handle(context) {
      return { status: 202, body: await importOf(context, { kind: 'complete' }) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/imports',
    summary: 'How the import into this tenant stands',
    roles: ['admin'],
    answer: importView,
    async handle(context) {
      return { body: await importOf(context, { kind: 'look' }) };
    },
  }),
];
