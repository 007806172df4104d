/**
 * What policies read of a call. A request of Cedar has only that, since reading the whole of it would take most of the
 * time of an evaluation; and calls that differ in nothing else have one answer.
 */
export class Reads {
  private readonly paths = new Map<string, readonly string[]>();
  private readonly names = new Map<object, readonly string[]>();

  /** @param policies as Cedar has them in JSON */
  constructor(policies: readonly PolicyJson[]) {
    for (const { principal, resource, conditions } of policies) {
      if (!isOf(principal, 'Class')) this.add(['principal']);
      if (!isOf(resource, 'Type')) this.add(['resource']);
      this.walk(conditions);
    }
  }

  /** Reports whether a policy reads a part of a call, such as `context.cost`, or something in it or around it. */
  has(...path: readonly string[]): boolean {
    for (const read of this.paths.values())
      if (path.every((name, i) => i >= read.length || read[i] === name)) return true;
    return false;
  }

  /** Reads all of a call. */
  withAll(): this {
    for (const variable of ['principal', 'resource', 'context']) this.add([variable]);
    return this;
  }

  /** Returns the members of a variable that a policy reads. @param members by name; always the same object */
  among(variable: string, members: object): readonly string[] {
    let names = this.names.get(members);
    if (!names) {
      names = Object.keys(members).filter((name) => this.has(variable, name));
      this.names.set(members, names);
    }
    return names;
  }

  /** Reports whether a policy reads a variable itself, and so its identity. */
  hasItself(variable: string): boolean {
    return this.paths.has(JSON.stringify([variable]));
  }

  private add(path: readonly string[]): void {
    this.paths.set(JSON.stringify(path), path);
  }

  private walk(node: unknown): void {
    if (typeof node !== 'object' || node === null) return;
    const path = pathOf(node);
    if (path) return this.add(path);
    for (const each of Object.values(node)) this.walk(each);
  }
}

/**
 * Reports whether the scope of a policy leaves out every call of an action, so that the policy reads nothing of it.
 * @param names the verb and its nouns
 */
export function leavesOut({ action }: PolicyJson, names: readonly string[]): boolean {
  const { op, entity, entities } = action as { op?: unknown; entity?: Named; entities?: readonly Named[] };
  if (op !== '==' && op !== 'in') return false;
  const all = entities ?? (entity ? [entity] : undefined);
  if (all === undefined || all.some(({ type, id }) => type !== 'Action' || typeof id !== 'string')) return false;
  return !all.some(({ id }) => (op === '==' ? names[0] === id : names.includes(id as string)));
}
interface Named {
  readonly type?: unknown;
  readonly id?: unknown;
}

/** The members of a policy in JSON that `Reads` needs. */
export interface PolicyJson {
  readonly principal: object;
  readonly action: object;
  readonly resource: object;
  readonly conditions: readonly unknown[];
}

/** Reports whether a part of the scope names nothing but groups of a type, which a request always has. */
function isOf(constraint: object, type: string): boolean {
  const { op, entity } = constraint as { op?: unknown; entity?: { type?: unknown } };
  return op === 'All' || (op === 'in' && entity?.type === type);
}

/** Returns the path of an expression that reads a member of a variable: `context.cost`, `context has cost`. */
function pathOf(node: object): string[] | undefined {
  const { Var: variable, '.': member, has } = node as { Var?: unknown; '.'?: Member; has?: Member };
  if (typeof variable === 'string') return [variable];
  const { left, attr } = member ?? has ?? {};
  if (typeof left !== 'object' || left === null || typeof attr !== 'string') return undefined;
  const of = pathOf(left);
  return of && [...of, attr];
}
interface Member {
  readonly left?: unknown;
  readonly attr?: unknown;
}
