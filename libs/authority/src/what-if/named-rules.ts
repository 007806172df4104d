import type { CompiledRules } from '../sequences/compile';

/** A rule that a change sets, and that was never in force where it applies. */
export interface UnknownRule {
  readonly name: string;
  /** the names and the codes of the rules that were in force */
  readonly known: readonly string[];
}

/** Collects the rules in force while a change applies, to find names in it that change nothing. */
export class NamedRules {
  private readonly known = new Set<string>();
  private last: CompiledRules | undefined;

  /** @param named by name or by code */
  constructor(private readonly named: readonly string[]) {}

  inForce(rules: CompiledRules): void {
    if (this.named.length === 0 || rules === this.last) return;
    this.last = rules;
    for (const { name, code } of rules.list) {
      this.known.add(name);
      if (code !== SHARED) this.known.add(code);
    }
  }

  /** Returns the first name that no rule in force had. */
  unknown(): UnknownRule | undefined {
    const name = this.named.find((each) => !this.known.has(each));
    return name === undefined ? undefined : { name, known: [...this.known] };
  }
}

/** The code of each rule that states none. */
const SHARED = 'POLICY_RULE';
