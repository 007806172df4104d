import { catalogName, type Definition } from './definition';

/** The definitions of a server that an administrator approved: the digest of each tool, by its name. */
export interface Pin {
  readonly identity: string;
  readonly tools: Readonly<Record<string, string>>;
}

/** Why a tool is in quarantine. */
export type Quarantine = 'new-server' | 'new-tool' | 'changed' | 'shadows' | 'unusable';

/** Returns why a tool of a server must not be used; undefined if exactly its definition is approved. */
export function quarantineOf(
  definition: Definition,
  all: readonly Definition[],
  identity: string,
  pin: Pin | undefined,
): Quarantine | undefined {
  const { name, digest, fault } = definition;
  if (fault !== undefined) return 'unusable';
  if (all.filter((each) => catalogKey(each.name) === catalogKey(name)).length > 1) return 'shadows';
  if (pin?.identity !== identity) return 'new-server';
  if (!Object.hasOwn(pin.tools, name)) return 'new-tool';
  return pin.tools[name] === digest ? undefined : 'changed';
}

/** Names that a policy does not distinguish. */
const catalogKey = (name: string): string => catalogName('', name).toLowerCase();
