import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { idOf, logNameSchema, tenantName } from '@bailiwick/contracts/primitives';
import { envelope } from '@bailiwick/contracts/receipt';
import { LIMITS } from '@bailiwick/core/limits';
import { logName, parseLogName } from '@bailiwick/core/ids';
import { Busy, Turns } from '@bailiwick/platform/turns';
import { logOf, ownRun } from '../log-client/logs';
import { NDJSON, pour } from '../http/ndjson';
import { Refused } from '../http/problem';
import { route, wholeNumber, type Context, type Reply, type Route } from '../http/route';

const minPosition = wholeNumber(0).optional();

/** A receipt that is too large for one answer names its parts and the size of the tree: each part is asked for by both. */
const receiptQuery = z.strictObject({ minPosition, part: wholeNumber(0).optional(), size: wholeNumber(1).optional() });

/** All events of a large receipt are read once to name its parts. */
const RECEIPT_MS = 60_000;

/** The signed account of something, under the id that its path names. */
const receiptRoute = (what: 'tree' | 'action', path: string, summary: string): Route =>
  route({
    method: 'GET',
    path,
    summary,
    roles: ['analyst', 'orchestrator', 'approver', 'responder'],
    params: z.strictObject({ id: idOf(what) }),
    query: receiptQuery,
    answer: envelope,
    async handle({ caller, services, params, query }) {
      logOf(caller, params.id);
      const about = what === 'tree' ? { treeId: params.id } : { actionId: params.id };
      return {
        body: await services.owners.ledger('receipt', { tenant: caller.tenant, ...about, ...query }, RECEIPT_MS),
      };
    },
  });

const aboutRun = (what: 'receipt' | 'drift' | 'graph', summary: string): Route =>
  route({
    method: 'GET',
    path: `/v1/runs/:id/${what}`,
    summary,
    roles: ['analyst', 'orchestrator', 'approver', 'responder'],
    runs: true,
    params: z.strictObject({ id: idOf('run') }),
    query: what === 'receipt' ? receiptQuery : z.strictObject({ minPosition }),
    async handle({ caller, services, params, query }) {
      ownRun(caller, params.id);
      const about = { tenant: caller.tenant, runId: params.id, ...query };
      return { body: await services.owners.ledger(what, about, what === 'receipt' ? RECEIPT_MS : 20_000) };
    },
  });

const logParams = z.strictObject({ tenant: tenantName, n: wholeNumber(0, 999_999) });

/** Checkpoints, tiles and keys are there to be fetched by anybody who holds a receipt of that log. */
const logText = (path: string, op: string, summary: string, more: z.ZodRawShape = {}): Route =>
  route({
    method: 'GET',
    path: `/log/:tenant/:n/${path}`,
    summary,
    roles: 'public',
    params: logParams.extend(more),
    async handle({ services, params }) {
      const { tenant, n, ...rest } = params as { tenant: string; n: number };
      const text = await services.owners.ledger<string>(op, { log: logName(tenant, n), ...rest });
      return { text, type: 'text/plain; charset=utf-8' };
    },
  });

interface Refolded {
  position: number;
  root: string;
  state: string;
  findings: string[];
  first: unknown;
  checkpoints: number;
}

/** tenant → its turns to have a log verified, which asks much of the log's owner, too */
const verifying = new Map<string, Turns>();

async function verified(owners: Context['services']['owners'], log: string, look: () => void): Promise<unknown> {
  const { tenant } = parseLogName(log);
  const turns =
    verifying.get(tenant) ?? new Turns(`a log of ${tenant} is being verified`, LIMITS.foldsWaiting, LIMITS.foldWaitMs);
  verifying.set(tenant, turns);
  try {
    return await turns.take(() => verification(owners, log, look));
  } catch (error) {
    if (error instanceof Busy) throw new Refused('TOO_MANY', error.message);
    throw error;
  }
}

/**
 * A long log takes minutes: it is asked about until it is over.
 * @param look called whenever it goes on; what it throws ends the asking
 */
async function refolded(
  owners: Context['services']['owners'],
  log: string,
  position: number,
  look: () => void,
): Promise<Refolded> {
  const name = randomUUID();
  for (;;) {
    const told = await owners.ledger<Refolded | { goesOn: true }>('verify', { log, position, name }, LIMITS.verifyMs);
    if (!('goesOn' in told)) return told;
    look();
  }
}

/** The live state moves on while the log is refolded: both are asked until they stand at one position, or a few times. */
async function verification(owners: Context['services']['owners'], log: string, look: () => void): Promise<unknown> {
  for (let tries = 5; ; tries--) {
    const live = await owners.query<{ position: number; digest: string | null }>({ op: 'stateDigest', log });
    const { position, root, state, findings, first, checkpoints } = await refolded(owners, log, live.position, look);
    if (position === live.position || findings.length > 0 || tries === 0) {
      const differs =
        position === live.position && live.digest !== null && state !== live.digest
          ? ['the live state is not what the log folds to (I10)']
          : [];
      const moved =
        position === live.position ? [] : [`the live state stands at ${live.position}, the ledger at ${position}`];
      const all = [...findings, ...differs, ...(findings.length > 0 ? [] : moved)];
      return {
        log,
        position,
        root,
        refolded: state,
        live: live.digest,
        checkpoints,
        findings: all,
        first,
        ok: all.length === 0,
      };
    }
  }
}

const GOES_ON = { progress: {} };

/** In lines where it is not over soon: a client waits some minutes for an answer to begin, and for every part of it. */
async function inLines(begin: (look: () => void) => Promise<unknown>): Promise<Reply> {
  let look = (): void => undefined;
  const goesOn = new Promise<typeof GOES_ON>((resolve) => (look = () => resolve(GOES_ON)));
  const work = begin(() => look());
  const first = await Promise.race([work, goesOn]); // what is refused soon is refused with its status
  if (first !== GOES_ON) return { text: `${JSON.stringify({ answer: first })}\n`, type: NDJSON };
  return {
    stream: (reply) =>
      pour(reply, 'the log could not be verified', async (line) => {
        look = () => line(GOES_ON);
        look();
        line({ answer: await work });
      }),
  };
}

export const readingRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/log/verification',
    summary: 'A log refolded from position 0: its tree against its checkpoints, its state against the live one',
    roles: ['analyst'],
    streams: true,
    query: z.strictObject({ log: logNameSchema.optional() }),
    async handle({ caller, services, query, request }) {
      const log = query.log ?? logName(caller.tenant, 0);
      const { tenant, n } = parseLogName(log);
      if (tenant !== caller.tenant || log !== logName(tenant, n))
        throw new Refused('NOT_FOUND', `no log ${log} is known here`);
      const begin = (look: () => void): Promise<unknown> =>
        verified(services.owners, log, () => {
          if (request.raw.socket.destroyed) throw new Refused('NOT_READY', 'the client is gone'); // another's turn
          look();
        });
      if ((request.headers.accept ?? '').includes(NDJSON)) return inLines(begin);
      return { body: await begin(() => undefined) };
    },
  }),
  aboutRun('receipt', 'The signed account of a run'),
  receiptRoute('tree', '/v1/trees/:id/receipt', 'The signed account of all runs of a tree'),
  receiptRoute('action', '/v1/actions/:id/receipt', 'The signed account of one action, with its custody'),
  aboutRun('drift', 'How far a run has moved from its purpose, and why'),
  aboutRun('graph', 'The execution graph of a run'),
  route({
    method: 'GET',
    path: '/v1/actions/:id/custody',
    summary: 'On whose authority an action was done, link by link',
    roles: ['analyst', 'approver', 'responder'],
    params: z.strictObject({ id: idOf('action') }),
    query: z.strictObject({ minPosition }),
    async handle({ caller, services, params, query }) {
      logOf(caller, params.id);
      return {
        body: await services.owners.ledger('custody', { tenant: caller.tenant, actionId: params.id, ...query }, 20_000),
      };
    },
  }),
  logText('vkey', 'vkey', 'The verifier key of a log (C2SP signed-note)'),
  route({
    method: 'GET',
    path: '/log/:tenant/:n/vkeys',
    summary: 'Every key that has signed for a log, and since which size; how one was handed over to the next',
    roles: 'public',
    params: logParams,
    async handle({ services, params }) {
      return { body: await services.owners.ledger('vkeys', { log: logName(params.tenant, params.n) }) };
    },
  }),
  route({
    method: 'GET',
    path: '/log/:tenant/:n/checkpoint',
    summary: 'The newest signed tree head (C2SP tlog-checkpoint), or the newest with so many cosignatures',
    roles: 'public',
    params: logParams,
    query: z.strictObject({ witnesses: wholeNumber(0, LIMITS.witnesses).optional() }),
    async handle({ services, params, query }) {
      const log = logName(params.tenant, params.n);
      const text = await services.owners.ledger<string>('checkpoint', { log, ...query });
      // it changes; tiles do not
      return { text, type: 'text/plain; charset=utf-8', headers: { 'cache-control': 'max-age=1' } };
    },
  }),
  route({
    method: 'GET',
    path: '/log/:tenant/:n/consistency',
    summary:
      'A checkpoint, and the proof that it continues the tree of `from` leaves (as C2SP tlog-witness writes both)',
    roles: 'public',
    params: logParams,
    query: z.strictObject({ from: wholeNumber(0), to: wholeNumber(1).optional() }),
    async handle({ services, params, query }) {
      const log = logName(params.tenant, params.n);
      const text = await services.owners.ledger<string>('consistency', { log, ...query });
      return { text, type: 'text/plain; charset=utf-8' };
    },
  }),
  logText('proof/:position', 'proof', 'The inclusion proof of one event (C2SP tlog-proof)', {
    position: wholeNumber(0),
  }),
  route({
    method: 'GET',
    path: '/log/:tenant/:n/tile/*',
    summary: 'A tile of hashes, or a bundle of entries (C2SP tlog-tiles)',
    roles: 'public',
    params: logParams.extend({ '*': z.string().max(120) }),
    async handle({ services, params }) {
      const base64 = await services.owners.ledger<string>('tile', {
        log: logName(params.tenant, params.n),
        path: params['*'],
      });
      return {
        text: Buffer.from(base64, 'base64'),
        type: 'application/octet-stream',
        headers: { 'cache-control': 'public, max-age=31536000, immutable' },
      };
    },
  }),
];
