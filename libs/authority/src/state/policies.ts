import { policyBundle, type PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { approvalRulesOf, compileApprovalRules, type ApprovalRules } from '../approvals/approval-rules';
import { conditionsOf, type Conditions } from '../conditions/port';
import { agentsOf, compileAgents, type Agents } from '../manifests/agents';
import { compileCatalog, type Catalog } from '../matching/catalog/compile';
import { compileResponders, respondersOf, type CompiledResponder } from '../responders/compile';
import { compileRules, type CompiledRules } from '../sequences/compile';
import { SHIPPED } from '../sequences/shipped';

/** A deployed policy, without its text. */
export interface DeployedVersion {
  readonly version: number;
  readonly digest: string;
  readonly replaces: number;
  /** the number of its parts, whose events are directly before that of the deployment */
  readonly parts: number;
  /** of the event that deployed it */
  readonly position: number;
  readonly at: number;
  /** the id of the actor that deployed it */
  readonly by: string;
}

/** The policy in force. */
export interface PolicyNode extends DeployedVersion {
  /** the canonical JSON of its bundle */
  readonly text: string;
  /** derived from the text */
  readonly catalog: Catalog;
  /** derived from the text; undefined if it has no manifests */
  readonly agents: Agents | undefined;
  /** derived from the text; undefined if it has no rules about approvals */
  readonly approvals: ApprovalRules | undefined;
  /** derived from the text, which may leave the rules of the release in force */
  readonly rules: CompiledRules;
  /** derived from the text */
  readonly responders: readonly CompiledResponder[];
  /** of the text; undefined if it has none */
  readonly conditions: Conditions | undefined;
}

/** A candidate that is compared with the policy in force. Its text is in its parts, which are directly before its event. */
export interface ShadowNode {
  readonly digest: string;
  readonly parts: number;
  /** the version in force when it started */
  readonly version: number;
  /** of its event */
  readonly position: number;
  readonly at: number;
  readonly until: number;
  /** the id of the actor that started it */
  readonly by: string;
}

/** The parts of a bundle that are not followed by their deployment yet. */
export interface PendingParts {
  readonly digest: string;
  readonly texts: readonly string[];
  /** of the last part */
  readonly position: number;
}

/** The policies that a tenant deployed. Without any, the one that the release ships is in force. */
export class Policies {
  current: PolicyNode | undefined;
  pending: PendingParts | undefined;
  /** the newest candidate, also after its end */
  shadow: ShadowNode | undefined;
  /** the newest deployments, oldest first */
  readonly versions: DeployedVersion[] = [];
  /** the rules of version 0, and of each bundle without rules */
  ofRelease: CompiledRules = SHIPPED;

  get version(): number {
    return this.current?.version ?? 0;
  }

  /** the rules over sequences in force */
  get rules(): CompiledRules {
    return this.current?.rules ?? this.ofRelease;
  }

  /** the responders in force */
  get responders(): readonly CompiledResponder[] {
    return this.current?.responders ?? NO_RESPONDERS;
  }

  /** Continues after deployments whose events are not read: what they put into force does not matter any more. */
  startAfter(version: number, catalog: Catalog): void {
    const nothing = { digest: '', replaces: version - 1, parts: 0, position: 0, at: 0, by: '', text: '{}' };
    const none = { agents: undefined, approvals: undefined, conditions: undefined };
    if (version > 0) this.current = { ...nothing, ...none, version, catalog, rules: this.ofRelease, responders: [] };
  }

  put(node: PolicyNode): void {
    const {
      text: _text,
      catalog: _catalog,
      agents: _agents,
      approvals: _approvals,
      rules: _rules,
      responders: _responders,
      conditions: _conditions,
      ...version
    } = node;
    this.current = node;
    this.pending = undefined;
    this.versions.push(version);
    if (this.versions.length > LIMITS.policy.versionsKept) this.versions.shift();
  }
}

/** The release ships no responder that is in force: what no honest run touches is for the tenant to name. */
const NO_RESPONDERS: readonly CompiledResponder[] = [];

/** The members of a bundle that decisions use. */
export interface CompiledBundle {
  readonly catalog: Catalog;
  /** undefined if it has no manifests; a manifest that this release cannot read permits nothing */
  readonly agents: Agents | undefined;
  readonly approvals: ApprovalRules | undefined;
  readonly rules: CompiledRules;
  readonly responders: readonly CompiledResponder[];
  readonly conditions: Conditions | undefined;
}

/** A bundle without rules leaves those of the release in force; an empty list of rules is none. */
export function compiledBundle({
  catalog = [],
  agents,
  approvals,
  rules,
  responders = [],
  conditions,
}: PolicyBundle): Result<CompiledBundle, string> {
  const compiled = compileCatalog(catalog);
  if (!compiled.ok) return err(faultText('catalog', compiled.error));
  const ruled = rules === undefined ? ok(SHIPPED) : compileRules(rules);
  return ruled.ok
    ? ok({
        catalog: compiled.value,
        agents: agentsOf(agents),
        approvals: approvalRulesOf(approvals),
        rules: ruled.value,
        responders: respondersOf(responders),
        conditions: conditionsOf(conditions),
      })
    : err(faultText('rules', ruled.error));
}

type Fault = { readonly entry: number; readonly path: readonly (string | number)[]; readonly message: string };
const faultText = (section: string, [fault]: readonly Fault[]): string =>
  `${section}.${fault?.entry}.${fault?.path.join('.')}: ${fault?.message}`;

/** Reads the canonical text of a bundle. Returns what is wrong with it, for people. */
export function readBundle(text: string): Result<CompiledBundle & { readonly bundle: PolicyBundle }, string> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
    if (canonicalize(raw) !== text) return err('it is not in its canonical form (RFC 8785)');
  } catch (error) {
    return err(`it is not JSON: ${(error as Error).message}`);
  }
  const parsed = policyBundle.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is malformed'}`);
  }
  const compiled = compiledBundle(parsed.data);
  if (!compiled.ok) return compiled;
  const agents = compileAgents(parsed.data.agents ?? []);
  if (!agents.ok) return err(faultText('agents', agents.error));
  const approvals = compileApprovalRules(parsed.data.approvals ?? []);
  if (!approvals.ok) return err(faultText('approvals', approvals.error));
  const responders = compileResponders(parsed.data.responders ?? []);
  if (!responders.ok) return err(faultText('responders', responders.error));
  return ok({ bundle: parsed.data, ...compiled.value });
}

/**
 * Reads a text that was deployed. Its schema is not checked again, so that a later release that refuses such a bundle
 * still reads it.
 */
export function compiledText(text: string): CompiledBundle | undefined {
  try {
    const compiled = compiledBundle(JSON.parse(text) as PolicyBundle);
    return compiled.ok ? compiled.value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Cuts the text of a bundle into parts that are events. The size of a part is that of its JSON, in which a quote takes
 * two bytes; no part ends within a surrogate pair.
 */
export function cut(text: string, most: number = LIMITS.policy.partBytes): string[] {
  const parts: string[] = [];
  let [start, size, at] = [0, 0, 0];
  for (const character of text) {
    const bytes = character === '"' || character === '\\' ? 2 : bytesOf(character);
    if (size + bytes > most) {
      parts.push(text.slice(start, at));
      [start, size] = [at, 0];
    }
    size += bytes;
    at += character.length;
  }
  return [...parts, text.slice(start)];
}

/** The bytes of a character in JSON, at most; a control character is written as `\u0000`. */
function bytesOf(character: string): number {
  const code = character.codePointAt(0) as number;
  if (code < 0x20) return 6;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
