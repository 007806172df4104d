import {
  exportHeader,
  exportLine,
  exportTrailer,
  type ExportHeader,
  type ExportLine,
  type ExportTrailer,
} from '@bailiwick/contracts/transfer/export';
import { parseExactly } from '@bailiwick/core/json';
import { openCheckpoint } from './checkpoint';
import { entryHash, leafHash } from './hash';
import { parseVerifierKey } from './note';
import { growTree, rootOfFrontier } from './merkle-tree';
import { z } from 'zod';

/** Reports a defect of an exported tenant, with its line. */
export class BadExport extends Error {}

const line = z.compile(exportLine, { strict: true });

/**
 * Reads an exported tenant line by line and checks it: the key that it names signed its heads, its events are in order
 * and without gaps and hash to the roots of its heads, and the file is complete. Holds one line at a time.
 *
 * Does not decide whether to trust the named key; that requires an earlier checkpoint or the log's key.
 */
export class ExportReader {
  header: ExportHeader | undefined;
  trailer: ExportTrailer | undefined;
  events = 0;
  payloads = 0;
  private lines = 0;
  /** index of the log that is being read */
  private nth = 0;
  private position = 0;
  private frontier: Buffer[] = [];

  /** @returns the event, if the line holds one. @throws BadExport */
  take(text: string): ExportLine | undefined {
    this.lines += 1;
    if (this.trailer) throw this.bad('there is data after the last line');
    if (!this.header) {
      this.header = this.parse(exportHeader, text);
      checkHeads(this.header);
      this.closeLogs();
      return undefined;
    }
    if (text.startsWith('{"end":')) {
      this.end(this.parse(exportTrailer, text));
      return undefined;
    }
    const event = this.parse(line, text);
    this.event(event);
    return event;
  }

  /** Call at the end of the file. @throws BadExport if the file is incomplete */
  done(): ExportTrailer {
    if (!this.trailer)
      throw new BadExport(`the file is incomplete: it ends after line ${this.lines} without the closing line`);
    return this.trailer;
  }

  private event({ log, position, body, payload }: ExportLine): void {
    const of = this.header?.logs[this.nth];
    if (log !== of?.log || position !== this.position)
      throw this.bad(
        `it contains ${log}@${position} instead of ${of ? `${of.log}@${this.position}` : 'the closing line'}`,
      );
    ({ frontier: this.frontier } = growTree(position, this.frontier, [leafHash(entryHash(body))]));
    this.position += 1;
    this.events += 1;
    if (payload !== null) this.payloads += 1;
    this.closeLogs();
  }

  /** Continues with the next log that has events, if the current one is complete. */
  private closeLogs(): void {
    for (;;) {
      const of = this.header?.logs[this.nth];
      if (!of || this.position < of.size) return;
      const root = rootOfFrontier(this.frontier).toString('base64');
      if (root !== of.root) throw this.bad(`the events of ${of.log} have the root ${root}, not ${of.root}`);
      this.nth += 1;
      this.position = 0;
      this.frontier = [];
    }
  }

  private end(trailer: ExportTrailer): void {
    const missing = this.header?.logs[this.nth];
    if (missing) throw this.bad(`the file ends, but ${missing.log} lacks its events from position ${this.position}`);
    const heads = this.header?.logs.map(({ log, size, root }) => ({ log, size, root }));
    if (
      trailer.events !== this.events ||
      trailer.payloads !== this.payloads ||
      JSON.stringify(trailer.logs) !== JSON.stringify(heads)
    )
      throw this.bad('the counts in the closing line do not match the lines before it');
    this.trailer = trailer;
  }

  private parse<T>(schema: { safeParse(raw: unknown): z.ZodSafeParseResult<T> }, text: string): T {
    let raw: unknown;
    try {
      raw = parseExactly(text);
    } catch (error) {
      throw this.bad(`it is not unambiguous JSON: ${(error as Error).message.slice(0, 200)}`);
    }
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw this.bad(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is malformed'}`.trim());
  }

  private bad(what: string): BadExport {
    return new BadExport(`line ${this.lines}: ${what}`);
  }
}

/** Checks that the heads of an export are signed and belong to its tenant. @throws BadExport */
export function checkHeads({ tenant, logs }: ExportHeader): void {
  const names = logs.map(({ log }) => log);
  if (new Set(names).size !== names.length || names.some((log) => !log.startsWith(`${tenant}/`)))
    throw new BadExport('line 1: each log must occur once and belong to the tenant'); // I9
  for (const { log, size, root, checkpoint, vkey } of logs) {
    if (checkpoint === null) {
      if (size > 0) throw new BadExport(`line 1: ${log} has no checkpoint`);
      continue;
    }
    const key = parseVerifierKey(vkey);
    if (!key.ok) throw new BadExport(`line 1: the key of ${log}: ${key.error}`);
    const opened = openCheckpoint(checkpoint, key.value);
    if (!opened.ok) throw new BadExport(`line 1: the checkpoint of ${log}: ${opened.error}`);
    const head = opened.value.checkpoint;
    if (head.size !== BigInt(size) || head.root.toString('base64') !== root)
      throw new BadExport(`line 1: the checkpoint of ${log} has another size or root`);
    if (!key.value.name.endsWith(`/${log}`))
      throw new BadExport(`line 1: the key belongs to ${key.value.name}, not to ${log}`);
  }
}
