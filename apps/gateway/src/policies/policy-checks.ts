import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Injectable } from '@nestjs/common';
import type { PolicyCheckAnswer } from '@bailiwick/contracts/policy/deployment';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { PolicyChanges } from '@bailiwick/contracts/policy/policy-diff';
import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError, SerialQueue } from '@bailiwick/platform/serial-queue';
import { Pseudonyms } from '../auth/pseudonyms';
import { Refused } from '../http/problems/problem';
import type { CheckJob, CheckResult } from './check-worker';
import { peopleByRef } from './people-by-ref';

/** Problems in one response; a bundle with more has them all in `bailiwick policy check`. */
const SHOWN = LIMITS.policy.problems;

/**
 * Checks bundles and runs their tests, one at a time in this process, in a thread with a bounded heap and a bounded
 * time: a large bundle takes seconds, during which the gateway could answer no other request.
 */
@Injectable()
export class PolicyChecks {
  private readonly turns = new SerialQueue(
    'a policy is being checked',
    LIMITS.policy.checksWaiting,
    LIMITS.policy.checkWaitMs,
  );

  constructor(private readonly pseudonyms: Pseudonyms) {}

  /**
   * Returns the canonical text of a bundle with the refs of people, as it is deployed, and its digest.
   * @throws Refused POLICY_INVALID with the problems; TOO_LARGE if the check exceeds its bounds; TOO_MANY
   */
  async check(tenant: string, files: Files): Promise<Checked> {
    return accepted(await this.run(tenant, { files }));
  }

  /**
   * Does the same, and compares the bundle with another one.
   * @throws Refused as `check`
   */
  async compare(
    tenant: string,
    files: Files,
    against: PolicyBundle,
  ): Promise<Checked & { readonly changes: PolicyChanges }> {
    const job = { files, against };
    return accepted(await this.run(tenant, job)) as Checked & { readonly changes: PolicyChanges };
  }

  /** Returns the problems of a bundle. @throws Refused TOO_LARGE if the check exceeds its bounds; TOO_MANY */
  async report(tenant: string, files: Files): Promise<PolicyCheckAnswer> {
    const result = await this.run(tenant, { files });
    const problems = 'problems' in result ? result.problems.slice(0, SHOWN) : [];
    const digest = result.digest === undefined ? {} : { digest: result.digest };
    return { ok: problems.length === 0, ...digest, problems };
  }

  private async run(tenant: string, job: CheckJob): Promise<Result> {
    const result = await this.turns
      .take(() => run(job))
      .catch((error: unknown) => {
        throw error instanceof QueueFullError ? new Refused('TOO_MANY', error.message) : error;
      });
    if ('problems' in result) return result;
    return { ...result, ...peopleByRef(result.canonical, (name) => this.pseudonyms.ref(tenant, 'person', name)) };
  }
}

type Files = Readonly<Record<string, string>>;
type ByRef = ReturnType<typeof peopleByRef>;
type Checked = Exclude<CheckResult, { problems: unknown }> & ByRef;
type Result = Extract<CheckResult, { problems: unknown }> | Checked;

/** @throws Refused POLICY_INVALID with the problems */
function accepted(result: Result): Checked {
  if (!('problems' in result)) return result;
  const { problems, failed } = result;
  const [first] = problems;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const what = failed
    ? `${count === 'one problem' ? 'a test' : `${problems.length} tests`} of the bundle failed`
    : `the bundle has ${count}`;
  throw new Refused(
    'POLICY_INVALID',
    `${what}: ${first?.file}:${first?.line}:${first?.column}: ${first?.message}`,
    [],
    {
      problems: problems.slice(0, SHOWN),
    },
  );
}

/** Ends the thread in any case: it has no state. */
function run(job: CheckJob): Promise<CheckResult> {
  const worker = new Worker(join(__dirname, 'check-worker.js'), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.policy.checkHeapMb },
  });
  return new Promise<CheckResult>((resolve, reject) => {
    const timer = setTimeout(() => reject(TOO_LONG()), LIMITS.policy.checkMs);
    worker.on('message', resolve);
    worker.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_MUCH() : error),
    );
    worker.on('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the thread ended with ${code}`));
    });
  }).finally(() => worker.terminate());
}

const TOO_LONG = (): Refused =>
  new Refused(
    'TOO_LARGE',
    `checking the bundle and running its tests took longer than ${LIMITS.policy.checkMs / 1_000} s; write fewer tests, or shorter ones`,
  );
const TOO_MUCH = (): Refused =>
  new Refused('TOO_LARGE', `checking the bundle needs more than ${LIMITS.policy.checkHeapMb} MB; write a smaller one`);
