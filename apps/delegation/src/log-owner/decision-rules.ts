import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Rules } from '@bailiwick/authority/commands/types';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';

/** The rules that this service decides by. */
export const DECISION_RULES: Rules = {
  judge: judgeTrajectory,
  judgeConditions,
  catalog: DEFAULT_CATALOG,
  defaults: tenantDefaults,
};
