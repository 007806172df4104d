import { isObject } from '../json-text';

/** The member of `_meta` in which a client may name an approval; it is not passed on. */
export const APPROVAL = 'dev.bailiwick/approvalId';

/** Members of `_meta` that are about this connection; an upstream has a separate connection. */
const OF_CONNECTION = /^io\.modelcontextprotocol\//;

/** Reads the `_meta` of a request: what is passed on of it, the approval that it names, and its progress token. */
export function readMeta(meta: unknown): {
  meta: Record<string, unknown> | undefined;
  approvalId: string | undefined;
  token: string | number | undefined;
} {
  if (!isObject(meta)) return { meta: undefined, approvalId: undefined, token: undefined };
  const { progressToken, [APPROVAL]: approval, ...others } = meta;
  const passed = Object.entries(others).filter(([name]) => !OF_CONNECTION.test(name));
  return {
    meta: passed.length === 0 ? undefined : Object.fromEntries(passed),
    approvalId: typeof approval === 'string' && /^apr_[0-9a-z_]{1,60}$/.test(approval) ? approval : undefined,
    token: typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined,
  };
}
