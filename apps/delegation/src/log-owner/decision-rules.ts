import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Rules } from '@bailiwick/authority/commands/types';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';

/** The rules that this service decides by. */
export const DECISION_RULES: Rules = { judge: judgeTrajectory, defaults: tenantDefaults };
