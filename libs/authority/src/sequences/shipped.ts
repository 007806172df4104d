import { compileRules, type CompiledRules } from './compile';
import { SHIPPED_RULES } from './shipped-rules';

/** @throws Error if they have faults, which the check of the default bundle excludes */
function compileShipped(): CompiledRules {
  const compiled = compileRules(SHIPPED_RULES);
  if (compiled.ok) return compiled.value;
  throw new Error(`the rules of the release: ${compiled.error.map(({ message }) => message).join('; ')}`);
}

/** The rules that decide until a tenant deploys a bundle with rules. */
export const SHIPPED = compileShipped();
