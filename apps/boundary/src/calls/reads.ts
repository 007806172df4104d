import type { Result } from '@bailiwick/core/result';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { PinStore } from '../tools/pin-store';
import type { Upstream } from '../upstream/upstream';
import { denialError, denialOf } from './answers';
import type { GovernedRequests } from './governed';
import {
  completionOperation,
  loggingOperation,
  promptOperation,
  resourceOperation,
  type Operation,
} from './operations';
import type { CallAnswer, RequestedCall } from './tool-calls';

interface Reading {
  /** the capability without which a server does not have the method */
  readonly capability: string;
  readonly operation: (server: string, params: Record<string, unknown>) => Result<Operation, string>;
  /** what the answer states if the catalog has no entry for it */
  readonly unknown: string;
}

/** A request of an agent for one of `READINGS`. */
export interface RequestedReading extends Omit<RequestedCall, 'name' | 'args'> {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** The methods that read something of a server, and are no calls of tools. */
export const READINGS: Readonly<Record<string, Reading>> = {
  'resources/read': { capability: 'resources', operation: resourceOperation, unknown: 'Resource not found' },
  'resources/subscribe': { capability: 'resources', operation: resourceOperation, unknown: 'Resource not found' },
  'logging/setLevel': { capability: 'logging', operation: loggingOperation, unknown: 'Log messages are not available' },
  'prompts/get': { capability: 'prompts', operation: promptOperation, unknown: 'Unknown prompt' },
  'completion/complete': { capability: 'completions', operation: completionOperation, unknown: 'Nothing to complete' },
};

const INVALID = -32602;

/** Reads resources and prompts of upstream servers, and completes arguments, for runs. */
export class Reads {
  constructor(
    private readonly requests: GovernedRequests,
    private readonly pins: PinStore,
  ) {}

  /** Decides a request of one of `READINGS`, and sends it if it is permitted. */
  async read(
    claims: TokenClaims,
    upstream: Upstream,
    { method, params, approvalId, replaces, onProgress, send }: RequestedReading,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    const reading = READINGS[method] as Reading;
    const operation = reading.operation(upstream.name, params);
    if (!operation.ok) return invalid(operation.error);
    try {
      const pin = await this.pins.find(claims.tenant, upstream.name);
      if (pin?.identity !== upstream.identity) return { error: denialError(NEW_SERVER) };
      if (!(reading.capability in (await upstream.capabilities()))) return invalid(reading.unknown);
    } catch (error) {
      return { error: denialError(denialOf(error, 'request')) };
    }
    const request = {
      ...operation.value,
      server: upstream.name,
      approvalId,
      replaces,
      onProgress,
      send,
      isCall: false,
    };
    const outcome = await this.requests.run(claims, request, signal);
    if (!outcome) return invalid(reading.unknown);
    if ('denial' in outcome) return { error: denialError(outcome.denial), approvalId: outcome.denial.approvalId };
    return outcome.ok ? { result: outcome.result } : { error: outcome.error };
  }
}

const invalid = (message: string): CallAnswer => ({ error: { code: INVALID, message } });
const NEW_SERVER = {
  code: 'FORBIDDEN',
  says: 'The request was not made: no administrator has approved this server.',
} as const;
