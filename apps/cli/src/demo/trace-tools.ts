import type { ActionRequest } from '@bailiwick/contracts/actions/action';

/** Maps a recorded tool to an action: its verb, its effect, and the argument that names the resource. */
interface ToolEntry {
  readonly verb: string;
  readonly effect: 'read' | 'write' | 'external';
  readonly type: string;
  /** arguments that may hold the ID of the resource, in order of preference */
  readonly names: readonly string[];
  readonly labels?: readonly string[];
}
const tool = (
  verb: string,
  effect: ToolEntry['effect'],
  type: string,
  names: readonly string[] = [],
  labels: readonly string[] = [],
): ToolEntry => ({
  verb,
  effect,
  type,
  names,
  labels,
});

const OUTSIDE = ['untrusted'];
const PRIVATE = ['private'];

/** The tools of the recorded suites (banking, slack, travel, workspace). Any other tool counts as an unknown write. */
const TOOLS: Record<string, ToolEntry> = {
  get_balance: tool('account.read', 'read', 'account', [], PRIVATE),
  get_iban: tool('account.read', 'read', 'account', [], PRIVATE),
  get_user_info: tool('profile.read', 'read', 'profile', [], PRIVATE),
  get_user_information: tool('profile.read', 'read', 'profile', [], PRIVATE),
  get_most_recent_transactions: tool('transaction.list', 'read', 'account', [], [...OUTSIDE, ...PRIVATE]),
  get_scheduled_transactions: tool('transaction.list', 'read', 'account', [], PRIVATE),
  read_file: tool('file.read', 'read', 'file', ['file_path'], OUTSIDE),
  send_money: tool('bank.transfer', 'external', 'payee', ['recipient']),
  schedule_transaction: tool('bank.schedule', 'external', 'payee', ['recipient']),
  update_scheduled_transaction: tool('bank.reschedule', 'write', 'payee', ['recipient', 'id']),
  update_password: tool('account.password.set', 'write', 'account'),
  update_user_info: tool('profile.update', 'write', 'profile'),
  get_webpage: tool('web.get', 'read', 'web', ['url'], OUTSIDE),
  post_webpage: tool('web.post', 'external', 'web', ['url']),
  read_channel_messages: tool('message.read', 'read', 'channel', ['channel'], OUTSIDE),
  read_inbox: tool('message.read', 'read', 'inbox', ['user'], OUTSIDE),
  send_channel_message: tool('message.send', 'external', 'channel', ['channel']),
  send_direct_message: tool('message.send', 'external', 'person', ['recipient']),
  add_user_to_channel: tool('channel.member.add', 'write', 'channel', ['channel']),
  invite_user_to_slack: tool('member.invite', 'external', 'person', ['user_email', 'user']),
  remove_user_from_slack: tool('member.remove', 'write', 'person', ['user']),
  get_channels: tool('channel.list', 'read', 'channel'),
  get_users_in_channel: tool('channel.list', 'read', 'channel', ['channel']),
  send_email: tool('email.send', 'external', 'person', ['recipients', 'recipient']),
  get_unread_emails: tool('email.read', 'read', 'mailbox', [], [...OUTSIDE, ...PRIVATE]),
  get_received_emails: tool('email.read', 'read', 'mailbox', [], [...OUTSIDE, ...PRIVATE]),
  get_sent_emails: tool('email.read', 'read', 'mailbox', [], PRIVATE),
  get_draft_emails: tool('email.read', 'read', 'mailbox', [], PRIVATE),
  search_emails: tool('email.search', 'read', 'mailbox', ['query'], [...OUTSIDE, ...PRIVATE]),
  delete_email: tool('email.remove', 'write', 'mailbox', ['email_id']),
  share_file: tool('drive.share', 'external', 'file', ['file_id']),
  create_file: tool('drive.write', 'write', 'file', ['filename']),
  append_to_file: tool('drive.write', 'write', 'file', ['file_id']),
  delete_file: tool('drive.remove', 'write', 'file', ['file_id']),
  get_file_by_id: tool('drive.read', 'read', 'file', ['file_id'], OUTSIDE),
  list_files: tool('drive.list', 'read', 'file', [], PRIVATE),
  create_calendar_event: tool('calendar.write', 'write', 'calendar', ['title']),
  cancel_calendar_event: tool('calendar.write', 'write', 'calendar', ['event_id']),
  reschedule_calendar_event: tool('calendar.write', 'write', 'calendar', ['event_id']),
  add_calendar_event_participants: tool('calendar.write', 'write', 'calendar', ['event_id']),
  reserve_hotel: tool('booking.make', 'external', 'booking', ['hotel']),
  reserve_restaurant: tool('booking.make', 'external', 'booking', ['restaurant']),
  reserve_car_rental: tool('booking.make', 'external', 'booking', ['company']),
};

const READS = /^(get|search|list|check|read)_/;

export interface RecordedCall {
  readonly tool: string;
  readonly args: Record<string, unknown>;
  readonly result?: string;
  readonly error?: string;
}

/** Translates a recorded call into an action. Resource IDs are cleaned into one segment, as agents typed them freely. */
export function describeCall(call: RecordedCall): Pick<ActionRequest, 'action' | 'resource' | 'labels'> {
  const name = call.tool.replace(/[^a-z0-9_-]/gi, '-').toLowerCase();
  const known = Object.hasOwn(TOOLS, call.tool) ? TOOLS[call.tool] : undefined;
  const entry =
    known ??
    tool(`tool.${name}`, READS.test(call.tool) ? 'read' : 'write', 'tool', [], READS.test(call.tool) ? OUTSIDE : []);
  const value = entry.names
    .map((key) => call.args[key])
    .find((each) => each !== undefined && each !== null && each !== '');
  return {
    action: { verb: entry.verb, effect: entry.effect, tool: name, args: call.args },
    resource: { type: entry.type, id: segment(value ?? 'all') },
    labels: [...(entry.labels ?? [])],
  };
}

function segment(value: unknown): string {
  const text = (Array.isArray(value) ? value.map(String).join(',') : String(value)).normalize('NFC');
  const clean = text
    .replace(/^https?:\/+/i, '')
    .replace(/[^\p{L}\p{N}_@.,:+-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 100);
  return clean === '' ? 'unnamed' : clean;
}
