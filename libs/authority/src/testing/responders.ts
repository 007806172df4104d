import type { Event } from '@bailiwick/contracts/events/event';
import type { Responder } from '@bailiwick/contracts/policy/responder';
import { LIMITS } from '@bailiwick/core/limits';
import { act, openTestRun, type TestLog } from './harness';
import { deploy } from './policies';

/** A responder with texts of the largest size, which each permit fires. */
export const LONGEST: Responder = {
  name: 'a'.repeat(64),
  on: { spend: { of: 'calls', at_least: 1, within: '1h' } },
  do: 'suspend',
  select: 'instance',
  lasts: '720h',
  quarantine: true,
  limit: { most: 100, within: '720h' },
  says: '"'.repeat(LIMITS.reasonLength - 200),
};

/** Deploys a responder that each permit fires, and lets one fire. */
export function fireResponder(log: TestLog): Event[] {
  deploy(log, { responders: [LONGEST] });
  act(log, openTestRun(log).grantId, 'file.read');
  return log.tickAll();
}
