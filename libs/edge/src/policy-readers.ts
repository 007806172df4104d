import { LRUCache } from 'lru-cache';
import type { PolicyAnswer } from '@bailiwick/contracts/policy/deployment';
import { LIMITS } from '@bailiwick/core/limits';
import { callReader, CallReader } from '@bailiwick/policy/catalog/call-reader';
import { DEFAULT_BUNDLE } from '@bailiwick/policy/default-catalog';
import type { OwnerClient } from './owners/owner-client';
import { Refused } from './refused';

/**
 * The readers of calls by the policy in force of each log, as far as this process knows. The owner knows which version is in
 * force; it refuses a command that was read by another one.
 */
export class PolicyReaders {
  private readonly readers = new LRUCache<string, CallReader>({ max: LIMITS.policy.readersKept });
  private readonly shipped = new CallReader(0, DEFAULT_BUNDLE.catalog);
  private readonly fetching = new Map<string, Promise<CallReader>>();

  constructor(private readonly owners: Pick<OwnerClient, 'query'>) {}

  /** Returns the last known reader of a log; the one of the release if none is known. */
  known(log: string): CallReader {
    return this.readers.get(log) ?? this.shipped;
  }

  /** Returns the last known reader of a log, and reads the policy in force if none is known. @throws Refused NOT_READY */
  async current(log: string): Promise<CallReader> {
    return this.readers.get(log) ?? this.fetch(log);
  }

  /** Reads the policy in force. Requests for one log at the same time share one query. @throws Refused NOT_READY */
  async fetch(log: string): Promise<CallReader> {
    const pending = this.fetching.get(log) ?? this.inForce(log);
    this.fetching.set(log, pending);
    try {
      return await pending;
    } finally {
      this.fetching.delete(log);
    }
  }

  private async inForce(log: string): Promise<CallReader> {
    const { version, ...known } = await this.owners.query<PolicyAnswer | { version: 0 }>({ op: 'policy', log });
    const reader = 'bundle' in known ? callReader(version, known.bundle) : this.shipped;
    if (!reader) throw new Refused('NOT_READY', `this service cannot read version ${version} of the policy; update it`);
    this.readers.set(log, reader);
    return reader;
  }
}
