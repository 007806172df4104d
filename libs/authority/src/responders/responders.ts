import type { EventOf } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { canonicalize } from '@bailiwick/core/canonical';
import type { CompiledResponder } from './compile';
import { addTo, newCount, type WindowCount } from './window-count';

/** A responder that has fired, and whose event is to be decided. */
export interface Firing {
  /** `<position of the event that triggered it>.<responder>` */
  readonly id: string;
  readonly responder: string;
  readonly position: number;
  readonly at: number;
  readonly treeId: string;
  readonly runId: string;
  readonly selector: StoredSelector;
  readonly key: string;
}

/** What one responder keeps: a bounded number of values, whatever happens. */
export interface ResponderNode {
  readonly id: string;
  /** what is selected → its count; the one that changed last at the end */
  readonly counts: Map<string, WindowCount>;
  /** what is selected → until when it is not prepared again, ms */
  readonly quiet: Map<string, number>;
  /** times of its suspensions, and of its preparations, within its limit, ms */
  suspended: number[];
  prepared: number[];
  /** firings that had no event, since its last one */
  unrecorded: number;
}

/** A selector that a responder has prepared. */
export interface PreparedNode {
  readonly digest: string;
  readonly selector: StoredSelector;
  readonly asOf: number;
}

/**
 * What the responders of a log keep. All of it follows from the events of the log (I10): counts from decisions and
 * scores, limits from `ResponderFired`.
 */
export class Responders {
  readonly nodes = new Map<string, ResponderNode>();
  readonly pending = new Map<string, Firing>();
  /** times of the suspensions of all responders, ms */
  suspended: number[] = [];
  readonly prepared: PreparedNode[] = [];
  /** for a rehearsal: those that respond in place of those in force */
  rehearsed: readonly CompiledResponder[] | undefined;

  nodeOf(id: string): ResponderNode {
    let node = this.nodes.get(id);
    if (!node) {
      node = { id, counts: new Map(), quiet: new Map(), suspended: [], prepared: [], unrecorded: 0 };
      this.nodes.set(id, node);
    }
    return node;
  }

  /** Adds what an event shows of a run to what a responder counts, and returns whether the responder fires. */
  count({ id, atLeast, withinMs }: CompiledResponder, key: string, at: number, weight: number): boolean {
    if (withinMs === 0) return weight >= atLeast;
    const { counts } = this.nodeOf(id);
    const count = counts.get(key) ?? newCount();
    counts.delete(key);
    if (addTo(count, withinMs, at, weight) >= atLeast) return true; // and starts again
    counts.set(key, count);
    if (counts.size > LIMITS.policy.responder.keys) counts.delete(counts.keys().next().value as string);
    return false;
  }

  /**
   * Keeps a firing until its event, unless that would only repeat what is known already.
   * @param suspends whether the responder may suspend now: if it only prepares, a person is not called twice
   */
  fire(responder: CompiledResponder, firing: Firing, suspends: boolean): boolean {
    const node = this.nodeOf(responder.id);
    forgetBefore(node, firing.at, responder.limit.withinMs);
    const held = this.heldBack(responder, firing, suspends);
    if (held === 'limit') node.unrecorded += 1; // a responder that fires without end must not fill the log
    if (held) return false;
    this.pending.set(firing.id, firing);
    return true;
  }

  /** Why a firing would have no event in the log: its selector has one already, or there are too many. */
  heldBack(
    { id, name, limit }: CompiledResponder,
    { key, at }: Pick<Firing, 'key' | 'at'>,
    suspends: boolean,
  ): 'known' | 'limit' | undefined {
    const node = this.nodes.get(id);
    for (const each of this.pending.values()) if (each.responder === name && each.key === key) return 'known';
    if (this.pending.size >= LIMITS.respondersPending) return 'limit';
    // what was only prepared can be suspended as soon as its limit permits it
    if (suspends || !node) return undefined;
    if ((node.quiet.get(key) ?? 0) > at) return 'known';
    return node.prepared.filter((time) => time > at - limit.withinMs).length >= limit.most ? 'limit' : undefined;
  }

  /** Takes the event of a firing. The responder may be of a release or of a policy that is not in force any more. */
  fired(
    { responder, did, selector, trigger, digest }: EventOf<'ResponderFired'>['data'],
    compiled: CompiledResponder | undefined,
    position: number,
    at: number,
  ): void {
    this.pending.delete(`${trigger.position}.${responder.name}`);
    this.prepared.push({ digest, selector, asOf: position });
    if (this.prepared.length > LIMITS.responderPrepared) this.prepared.shift();
    if (did === 'suspend') {
      this.suspended = [...this.suspended.filter((time) => time > at - LIMITS.responderSuspensionsMs), at];
    }
    if (!compiled) return;
    const node = this.nodeOf(compiled.id);
    forgetBefore(node, at, compiled.limit.withinMs);
    node.unrecorded = 0;
    if (did === 'suspend') node.suspended.push(at);
    else {
      node.prepared.push(at);
      const key = keyOf(selector);
      node.quiet.delete(key);
      node.quiet.set(key, at + compiled.limit.withinMs);
    }
  }

  /** Drops what belongs to responders that are not in force any more. */
  keep(inForce: readonly CompiledResponder[]): void {
    const ids = new Set(inForce.map(({ id }) => id));
    for (const id of this.nodes.keys()) if (!ids.has(id)) this.nodes.delete(id);
    const names = new Set(inForce.map(({ name }) => name));
    for (const [id, { responder }] of this.pending) if (!names.has(responder)) this.pending.delete(id);
  }

  /** Drops firings that have had no event within `LIMITS.responderLateMs`: they are history, such as those of an earlier release. */
  forgetLate(at: number): void {
    for (const [id, firing] of this.pending) if (firing.at < at - LIMITS.responderLateMs) this.pending.delete(id);
  }
}

/** Drops what no longer counts. The limit bounds the number of times, and with it that of the quiet selectors. */
function forgetBefore(node: ResponderNode, at: number, withinMs: number): void {
  node.suspended = node.suspended.filter((time) => time > at - withinMs);
  node.prepared = node.prepared.filter((time) => time > at - withinMs);
  for (const [key, until] of node.quiet) {
    if (until > at) break;
    node.quiet.delete(key);
  }
}

export const keyOf = (selector: StoredSelector): string => canonicalize(selector);
