import { Injectable } from '@nestjs/common';
import type { PolicyAnswer } from '@bailiwick/contracts/policy/deployment';
import { logName } from '@bailiwick/core/ids';
import { DEFAULT_BUNDLE } from '@bailiwick/policy/default-catalog';
import { LogClient } from '../log-client/log-client';

/** Finds the policies of a tenant with their bundles; version 0 is that of this release. */
@Injectable()
export class PolicyVersions {
  constructor(private readonly logClient: LogClient) {}

  /**
   * @param version left out: the one in force
   * @throws Refused NOT_FOUND
   */
  async find(tenant: string, version: number | undefined): Promise<PolicyAnswer> {
    const query = { op: 'policy', log: logName(tenant, 0), version } as const;
    const known = await this.logClient.query<PolicyAnswer | { version: 0 }>(query);
    if ('bundle' in known) return known;
    return { version: 0, digest: DEFAULT_BUNDLE.digest, bundle: DEFAULT_BUNDLE.value };
  }
}
