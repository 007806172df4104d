import { isPassedOver } from '@bailiwick/authority/state/set-aside';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { evolveStored } from '@bailiwick/authority/state/stored';
import { parseEvent, whyUnreadable, type Event } from '@bailiwick/contracts/events/event';
import { isForeign } from '@bailiwick/contracts/events/payload';
import type { RepeatedColumns, StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { ambiguityIn } from '@bailiwick/core/json';
import { parseLogName } from '@bailiwick/core/ids';
import type { Verifier } from '@bailiwick/transparency-log/note';
import { Missing } from './absent';
import type { Check, Finding } from './finding';
import { openHeads, type SignedHead } from './heads';
import { Rulebook } from './audit-rules';
import { leafOf, Tree } from './tree';

/** One event as it is stored or exported; without columns if there is no row, as in an export. */
export type RawEvent = StoredEvent & { readonly columns?: RepeatedColumns | undefined };

export interface AuditOptions {
  readonly log: string;
  /** the expected origin of its checkpoints; if absent, any origin is accepted */
  readonly origin?: string | undefined;
  /** all keys that may have signed */
  readonly keys: readonly Verifier[];
  readonly heads: readonly SignedHead[];
  /** returns the leaf of the stored tree at a position */
  readonly storedLeaf?: (position: number) => Buffer | undefined;
  /** hooks for callers that derive other data from the same events */
  readonly before?: (state: LogState, event: Event) => void;
  readonly after?: (state: LogState, event: Event) => void;
  readonly aside?: (state: LogState, position: number) => void;
}

/** More findings give no further information. */
const FINDINGS_MOST = 100;

/**
 * Rebuilds a log from its stored bytes and reports violations: call `add` for every event in order, then `report`. Trusts
 * nothing except the given keys.
 */
export class Audit {
  readonly state: LogState;
  readonly tree = new Tree();
  private readonly findings: Finding[] = [];
  private readonly rulebook = new Rulebook();
  private readonly missing = new Missing();
  private readonly heads: { size: number; root: Buffer }[];
  /** a signed head covers the events before this position */
  private vouched = 0;
  private folds = true;
  private strayed = false;
  private signed = 0;

  constructor(private readonly options: AuditOptions) {
    const { tenant, n } = parseLogName(options.log);
    this.state = emptyState(options.log, tenant, n);
    const opened = openHeads(options.heads, options.origin, options.keys);
    this.heads = opened.heads;
    this.findings.push(...opened.findings);
  }

  /** Reports whether the events can no longer be folded; then only their hashes are checked. */
  get broken(): boolean {
    return !this.folds;
  }

  add(raw: RawEvent): void {
    const position = this.tree.size;
    const leaf = leafOf(raw.body);
    const stored = this.options.storedLeaf?.(position);
    if (this.options.storedLeaf && !stored?.equals(leaf) && !this.strayed) {
      this.strayed = true; // the first difference is enough to locate the defect
      this.find('tree', position, `the stored tree has ${stored ? 'another leaf' : 'no leaf'} here`);
    }
    this.tree.add(leaf);
    this.read(raw, position);
    for (let head = this.heads[0]; head && head.size <= this.tree.size; head = this.heads[0]) {
      this.heads.shift();
      if (head.size === 0) continue;
      if (head.root.equals(this.tree.root())) this.vouched = head.size;
      else this.differs(head.size);
      this.signed += 1;
    }
  }

  private read(raw: RawEvent, position: number): void {
    const event = this.parsed(raw, position);
    if (!event) return this.fold(raw, position);
    if (event.log !== this.options.log || raw.log !== event.log)
      this.find('position', position, `the event belongs to ${event.log}, not to ${this.options.log}`);
    if (event.position !== position || raw.position !== position)
      this.find('position', position, `the event stored here has position ${event.position}`);
    for (const [column, inRow, inBody] of repeated(raw, event))
      if (inRow !== inBody)
        this.find(
          'body',
          position,
          `the column ${column} is ${columnText(inRow)}, but the body has ${columnText(inBody)}`,
        );
    if (event.tenant !== this.state.tenant)
      this.find('tenant', position, `the event belongs to the tenant ${event.tenant}`);
    if (isForeign(event, raw.payload))
      this.find('payload', position, 'its payload does not match the digest in the event');
    this.missing.add(event, raw.payload);
    if (this.folds && !isPassedOver(this.state, event))
      this.rulebook.check(event, (check, detail) => this.find(check, position, detail));
    this.fold(raw, position);
  }

  /** Folds like every other reader: an unreadable or contradictory event is set aside with its tree. It is also a finding. */
  private fold({ body }: RawEvent, position: number): void {
    if (!this.folds) return;
    const { before, after, aside } = this.options;
    try {
      const event = evolveStored(this.state, { position, body }, (state, each) => {
        before?.(state, each);
        try {
          evolve(state, each);
        } catch (error) {
          this.find('fold', position, (error as Error).message);
          throw error;
        }
      });
      if (event) after?.(this.state, event);
      else aside?.(this.state, position);
    } catch (error) {
      this.folds = false; // without a state, later events cannot be judged
      this.find('fold', position, (error as Error).message);
    }
  }

  private parsed({ body }: RawEvent, position: number): Event | undefined {
    try {
      const wrong = ambiguityIn(body);
      if (wrong !== undefined) this.find('body', position, `the body is ambiguous: ${wrong}`);
      return parseEvent(body);
    } catch (error) {
      this.find('body', position, `the body cannot be read: ${whyUnreadable(error).slice(0, 300)}`);
      return undefined;
    }
  }

  private differs(size: number): void {
    const first = this.vouched;
    const where = size - first === 1 ? `position ${first}` : `one of the positions ${first} to ${size - 1}`;
    this.find(
      'checkpoint',
      first,
      `the checkpoint of size ${size} has another root than the events; ${where} was changed`,
    );
  }

  find(check: Check, position: number | undefined, detail: string): void {
    if (this.findings.length < FINDINGS_MOST) this.findings.push({ check, position, detail });
  }

  /** Records an erasure after the last added event; it may have been executed already. */
  erasedLater(subjectRef: string, before: number): void {
    this.missing.erased(subjectRef, before);
  }

  /** Returns the findings in order of position. Call it once, after the last event. */
  report(): Report {
    const { size } = this.tree;
    if (this.folds) this.rulebook.overdue((check, detail) => this.find(check, size - 1, detail));
    for (const head of this.heads)
      this.find(
        'checkpoint',
        size,
        `the log has ${size} events, but a checkpoint covers ${head.size}: the end of the log is missing`,
      );
    for (const position of this.missing.positions)
      this.find('payload', position, 'its payload is missing, and no recorded erasure reaches it');
    const findings = [...this.findings].sort((a, b) => (a.position ?? -1) - (b.position ?? -1));
    return {
      log: this.options.log,
      size,
      root: this.tree.root().toString('base64'),
      state: this.folds ? stateDigest(this.state) : '',
      checkpoints: this.signed,
      findings,
    };
  }
}

export interface Report {
  readonly log: string;
  /** number of checked events */
  readonly size: number;
  /** base64 */
  readonly root: string;
  /** digest of the folded state; empty if the events cannot be folded */
  readonly state: string;
  /** number of compared signed heads */
  readonly checkpoints: number;
  readonly findings: readonly Finding[];
}

const columnText = (value: string | null): string => (value === null ? 'empty' : value.slice(0, 80));

/** Lists each column that repeats a member of the body: its name, its value, and the expected value. */
function repeated({ type, time, columns }: RawEvent, event: Event): [string, string | null, string | null][] {
  const moment = (text: string): string => new Date(Date.parse(text)).toISOString();
  const all: [string, string | null, string | null][] = [['type', type, event.type]];
  if (Date.parse(time) !== Date.parse(event.time)) all.push(['time', time, moment(event.time)]);
  for (const name of Object.keys(columns ?? {}) as (keyof RepeatedColumns)[])
    all.push([COLUMN_NAMES[name], columns?.[name] ?? null, event[name] ?? null]);
  return all;
}
const COLUMN_NAMES: Readonly<Record<keyof RepeatedColumns, string>> = {
  tenant: 'tenant',
  treeId: 'tree_id',
  runId: 'run_id',
  grantId: 'grant_id',
  actionId: 'action_id',
  commandId: 'command_id',
};
