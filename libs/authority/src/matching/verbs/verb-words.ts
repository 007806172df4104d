import { remembered } from '@bailiwick/core/memo';

/*
 * The meaning of the words of a verb, in any position and order: `email.send`, `send_email`, `sendEmail`, `send-email`
 * and `sendemail` are one verb to a tool, and one here. Words with a second meaning are in separate tables.
 */
const table = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Sends something to another party, whatever it is applied to. */
export const SEND = table(`
  send forward fwd publish submit dispatch notify broadcast announce deliver emit transmit tweet retweet toot sendmail
  remit wire donate payout disclose leak beacon exfiltrate cc bcc ping`);
/** Sends as an operation; as a noun (`post.list`, `get_comments`) it names the object that is read. */
export const SEND_OR_NOUN = table(`
  share upload push invite transfer post comment reply respond crosspost repost mention react upvote`);
/** Those nouns that are also operations: a listing of them is in doubt. */
export const SENT_AS_NOUN = table('share upload push invite transfer');
/** May send, depending on the destination. */
export const MAY_SEND = table(`
  export sync backup mirror replicate migrate import connect attach report stream pipe relay proxy tunnel mount link
  call request invoke trigger subscribe linked`);
/** Belongs to another account: what is read of it may be written by others, and no address is named. */
export const REFERS = table('linked');

/** External systems by nature: anything written there is sent. */
export const OUTSIDE = table(`
  email mail gmail outlook smtp slack teams discord telegram whatsapp signal sms mms chat dm message irc matrix
  mattermost zoom twitter facebook linkedin instagram reddit mastodon bluesky gist pastebin paste webhook hook ftp sftp
  ftps scp rsync s3 bucket blob gcs minio dropbox gdrive onedrive sharepoint web http https url uri browser webpage
  website dns websocket socket tcp udp telnet ssh mqtt kafka amqp sns sqs pubsub npm pypi registry twilio sendgrid
  mailgun mailchimp pagerduty statuspage newsletter forum feed rss printer fax phone api rpc graphql rest curl wget`);
/** Systems that others may see: anything written there may be sent. */
export const SHARED = table(`
  calendar channel event meeting issue ticket pull pr mr merge discussion wiki confluence jira linear trello asana notion zendesk
  intercom hubspot salesforce crm github gitlab bitbucket drive cloud queue topic doc form survey blog page contact
  customer payee payment order booking`);
/** Another party resolves a name that the caller chooses, so even a read sends it. */
export const REMOTE = table(`
  web http https url uri browser webpage website link dns domain hostname whois ftp sftp ftps scp rsync s3 bucket blob
  gcs minio gist pastebin paste websocket socket tcp udp telnet ssh curl wget rss feed api rpc graphql rest`);

/** Internal systems: their content is read or written in place. */
export const INSIDE = table(`
  file folder directory dir path repo repository git branch commit code source workspace project db database sql table
  row column record schema index memory cache note todo task log config setting test spreadsheet sheet cell account
  profile balance transaction document disk shelf thing state history context knowledge vector embedding list`);

/** Reads and changes nothing, as the operation of a verb: `list_files`, `file.list`. */
export const READ = table('read get list search find describe');
/** A verb with one of these words does more than read: `get_or_create`, `find_and_replace`. */
export const WRITES_TOO = table(`
  write create add set put insert append update edit upsert delete remove drop truncate replace reset revert clear rename
  purge wipe destroy kill stop start and or then if`);
/** Reads, and fetches from another party unless the object is internal. */
export const FETCH = table(`
  fetch open load download resolve lookup query visit navigate goto browse crawl scrape retrieve head clone pull
  request click follow screenshot preview unfurl`);
/** Fetches, even if the object is internal. */
export const FETCH_ALWAYS = table('clone pull');
/** Writes something at its destination. */
export const PUT = table(`
  put write create add set append insert new make save store copy cp move mv update edit patch call request trigger
  fire enqueue produce`);
/** Changes something internal, and nothing else. */
export const CHANGE = table(`
  write create update edit set append insert add save rename move mv copy cp patch commit branch delete remove drop
  truncate mkdir touch replace format apply revert reset checkout stage stash rebase tag query select open load lookup
  stat diff status read get list search find view show count describe resolve retrieve fetch store put make new clear
  archive restore lock unlock sort filter mark`);
export const DELETE = table('delete');
/** Ends or archives an existing object, and sends it to no other party. */
export const PUT_AWAY = table('delete remove archive mark star hide mute');

/** Executes its input. */
export const EXEC = table('shell bash zsh powershell pwsh cmd terminal exec eval spawn subprocess sudo');
/** Executes something, if a word of CODE names it. */
export const RUN = table('run execute launch invoke start');
export const CODE = table('code command script python node javascript js ruby perl program binary container notebook');

/** Discloses a secret, unless the verb is known to write it. */
export const SECRET = table(`
  secret vault credential cred password passwd passphrase passcode keychain keyring keystore keyvault ssm kms
  secretmanager secretsmanager apikey token jwt cookie env environ environment dotenv printenv getenv envvar onepassword
  bitwarden lastpass doppler infisical sops decrypt unseal unwrap reveal privatekey kubeconfig imds sts htpasswd`);
/** Pairs of words that name a secret together. */
export const SECRET_PAIRS: readonly (readonly [ReadonlySet<string>, ReadonlySet<string>])[] = [
  [table('key'), table('api access private encryption master')],
  [table('parameter'), table('store')],
  [table('metadata'), table('instance cloud ec2 gce aws gcp azure')],
  [table('role'), table('assume')],
  [table('seed recovery'), table('phrase')],
];
/** Pairs of words that name a key of two halves, of which a host of code has the public one alone. */
export const KEY_PAIRS: readonly (readonly [ReadonlySet<string>, ReadonlySet<string>])[] = [
  [table('key'), table('ssh signing pgp gpg')],
];
/** Hosts of code, as the first word of the names of their tools: `github_list_issues`. */
export const CODE_HOSTS = table('git github gitlab bitbucket gitea codeberg forgejo');
/** Words by which a tool of such a host could return the private half, too. */
export const WHOLE_KEYS = table('generate mint issue rotate export backup agent local');
/** Other systems whose name is the first word of the names of their tools. */
const SYSTEMS = table(
  'jira confluence linear asana trello notion zendesk salesforce hubspot airtable figma grafana sentry',
);
/** Discloses only the number or the names of secrets. */
export const SECRET_NAMES_ONLY = table('list count describe');
/** Stores or deletes a secret, and discloses none. */
export const SECRET_CHANGE = table(`
  write set put create rotate delete revoke update change reset store remove save add disable enable expire destroy
  encrypt`);

/** Lists that include the values with the names. */
export const SECRET_LISTED = table('env environ environment dotenv envvar cookie');
/** Secrets that the caller receives when creating them. */
export const SECRET_MADE = table('token apikey jwt sts');
export const MAKE = table('create generate issue mint exchange');

/** Spends money. */
export const PAY = table(`
  pay payment purchase buy checkout refund wire donate remit payout charge reimburse topup`);
export const MONEY = table('money fund bank crypto cash usd eur wallet coin iban');
export const MOVE_MONEY = table('transfer send withdraw move deposit');

/** Words without a meaning here that occur in compounds. */
const FILLERS = table('value string text data item object name user');

const ALL: ReadonlySet<string> = new Set(
  [
    ...[SEND, SEND_OR_NOUN, MAY_SEND, OUTSIDE, SHARED, REMOTE, INSIDE, READ, WRITES_TOO, FETCH, FETCH_ALWAYS, PUT],
    ...[CHANGE, PUT_AWAY, EXEC, RUN, CODE, SECRET, SECRET_NAMES_ONLY, SECRET_CHANGE, SECRET_LISTED, SECRET_MADE, MAKE],
    ...[PAY, MONEY, MOVE_MONEY, FILLERS, ...[...SECRET_PAIRS, ...KEY_PAIRS].flat()],
  ].flatMap((words) => [...words]),
);

/** The words of a verb in their base form. */
export interface Words {
  /** of the verb as it was written, and of its lower case form: unusual capitals hide no word */
  readonly all: ReadonlySet<string>;
  /** the first and the last word of its last segment, without the name of a system before them: one is its operation */
  readonly ends: readonly string[];
  /** the name of the system with which its last segment starts */
  readonly system: string | undefined;
  /** as `all`, without those that only the lower case form has */
  readonly written: readonly string[];
}

/** Returns one key for all verbs of the same words, in any order and notation: `email.send`, `sendEmails`. */
export const keyOf = ({ written }: Words): string => [...new Set(written.map(singular))].sort().join(' ');

/** Words outside the tables here are in the form in which they were written. */
const singular = (word: string): string => (/[a-z]{2}[^s]s$/.test(word) ? word.slice(0, -1) : word);

/** @param spelled a verb as the caller wrote it: its capitals are lost once it is normalized */
export const wordsOf: (spelled: string) => Words = remembered((spelled) => {
  const text = spelled.normalize('NFKC').trim();
  const apart = text.replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2').replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2');
  const segment = split(apart.slice(apart.lastIndexOf('.') + 1));
  const [first = ''] = segment;
  // `git_push` names its operation last; `git_get_keys` is `get_keys` of a system
  const system = segment.length > 2 && (CODE_HOSTS.has(first) || SYSTEMS.has(first)) ? first : undefined;
  const last = system === undefined ? segment : segment.slice(1);
  const written = split(apart);
  return {
    written,
    all: new Set([...written, ...split(text)]),
    system,
    ends: last.length === 0 ? [] : [last[0] as string, last[last.length - 1] as string],
  };
}, 10_000);

const split = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .flatMap(plain);

/** Returns the table word of an inflected word (`sending`, `secrets`), or the words of a compound (`sendemail`). */
function plain(word: string): string[] {
  const bare = word.replace(/(?<=[a-z]{3})\d+$/, '');
  const known = stems(bare).find((stem) => ALL.has(stem));
  return known === undefined ? (parts(bare) ?? [word]) : [known];
}

function stems(word: string): string[] {
  const found = [word];
  for (const [ending, instead] of ENDINGS)
    if (word.endsWith(ending)) found.push(word.slice(0, -ending.length) + instead);
  for (const stem of [...found]) if (/([a-z])\1$/.test(stem)) found.push(stem.slice(0, -1));
  return found;
}
const ENDINGS = [
  ['s', ''],
  ['es', ''],
  ['ies', 'y'],
  ['ed', ''],
  ['d', ''],
  ['ied', 'y'],
  ['ing', ''],
  ['ing', 'e'],
] as const;

/** Splits a compound into known words of at least three letters each. */
function parts(word: string): string[] | undefined {
  if (word.length > 40) return undefined;
  const from: (string[] | undefined)[] = [[]];
  for (let end = 1; end <= word.length; end++) {
    for (let start = 0; start <= end - 2 && from[end] === undefined; start++) {
      const before = from[start];
      const piece = before && pieceOf(word.slice(start, end));
      if (before && piece !== undefined) from[end] = [...before, piece];
    }
  }
  return from[word.length];
}

const pieceOf = (text: string): string | undefined =>
  stems(text).find((stem) => (stem.length > 2 || stem === 's3') && ALL.has(stem));
