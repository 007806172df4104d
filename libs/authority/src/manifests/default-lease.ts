import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { DefaultLease } from '@bailiwick/contracts/policy/manifest';
import { meetAll } from '../dimensions/all';
import { boundOf, type Most } from './most';

/** Returns what a root lease gets for members that neither its request nor its manifest states: no more than the most. */
export const defaultsUnder = (most: Most | undefined, defaults: Limits, now: number): Limits =>
  most === undefined ? defaults : meetAll(defaults, boundOf(most, defaults, now));

/**
 * Adds the members of a default lease that a request leaves out. Permissions have their envelope, so that of the
 * default lease is left out if the request names some; and a request that names an
 * end has neither the length nor the renewals of the default lease.
 */
export function merged(lease: DefaultLease, request: GrantRequest): GrantRequest {
  const { ttl, renewUntil, ...rest } = lease.time ?? {};
  const ends = request.time?.ttl !== undefined || request.time?.expiresAt !== undefined;
  const base: DefaultLease = request.permissions === undefined ? lease : withoutEnvelope(lease);
  return {
    ...base,
    ...defined(request),
    ...section(base, request, 'purpose'),
    ...section(base, request, 'actions'),
    ...section(base, request, 'budget'),
    ...section(base, request, 'delegation'),
    ...section(base, request, 'risk'),
    ...section(base, request, 'posture'),
    ...(lease.time || request.time
      ? { time: { ...rest, ...(ends ? {} : defined({ ttl, renewUntil })), ...defined(request.time ?? {}) } }
      : {}),
  };
}

type SectionName = 'purpose' | 'actions' | 'budget' | 'delegation' | 'risk' | 'posture';
const section = (lease: DefaultLease, request: GrantRequest, name: SectionName): GrantRequest =>
  lease[name] === undefined && request[name] === undefined
    ? {}
    : { [name]: { ...lease[name], ...defined(request[name] ?? {}) } };

function withoutEnvelope({ actions, resources: _resources, ...rest }: DefaultLease): DefaultLease {
  if (actions === undefined) return rest;
  const { allow: _allow, ...more } = actions;
  return { ...rest, actions: more };
}

const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
