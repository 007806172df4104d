import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import type { Caller } from '../auth/caller';
import type { TokenMint } from '../auth/token-mint';
import { Reply } from '../http/responses/http-response';

/** The owner's result for a new run, opened or delegated. */
export interface Issued {
  run: RunView;
  grant?: GrantView;
  approval?: ApprovalView;
  position: number;
}

/** 201 with a token, or 202 if a person must approve first. */
export async function issuedReply(mint: TokenMint, caller: Caller, issued: Issued): Promise<Reply> {
  const { run, grant, approval, position } = issued;
  if (!grant) return Reply.json({ run, approval, position }, { status: 202 });
  const token = await mint.mint(caller, run, grant);
  return Reply.json({ run, grant, token, expiresAt: grant.limits.time.expiresAt, position }, { status: 201 });
}
