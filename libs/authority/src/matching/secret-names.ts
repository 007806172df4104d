import { remembered } from '@bailiwick/core/memo';

/**
 * Recognizes places that hold secrets, by name. The lists follow the rule sets that scanners publish: gitleaks and
 * trufflehog (paths), gitrob/shhgit signatures (files), GitHub secret scanning, and the default paths of the cloud and
 * Kubernetes command lines. Names are matched in their folded form, so that every spelling of a name gets its label.
 */

/** Names of one segment, as regular expressions over the folded name, without anchors. */
const NAMES: readonly string[] = [
  // settings that are read into an environment
  String.raw`\.env(rc)?([._~-].*)?`,
  String.raw`.+\.env(rc)?`,
  // keys, key stores, password stores
  String.raw`.+\.(pem|key|p8|p12|pfx|pkcs12|jks|keystore|truststore|bks|kdbx?|psafe3|agilekeychain|1pif|opvault)`,
  String.raw`.+\.(keychain(-db)?|ppk|ovpn|tblk|rdp|bek|fve|tpm|keytab|ccache|kwallet|cscfg|publishsettings)`,
  String.raw`.*id_(rsa|dsa|ecdsa|ed25519|xmss)(_sk)?([ ._~-].*)?`,
  String.raw`ssh_host_.*_key([ ._~-].*)?`,
  String.raw`(pub|sec)ring\.(gpg|kbx)|private-keys-v1\.d|otr\.private_key|authorized_keys`,
  // folders and files of tools, in a home or a project
  String.raw`\.(ssh|gnupg|aws|azure|oci|kube|password-store|chef|boto|s3cfg|tugboat|dockercfg|terraform\.d|terraformrc)`,
  String.raw`[._](netrc|npmrc|pypirc|pgpass|my\.cnf|mylogin\.cnf|htpasswd|gemrc|esmtprc|msmtprc|muttrc)`,
  String.raw`\.(git-credentials|gitcookies|remote-sync\.json|vault-token|vault[_-]?pass(word)?(\..+)?)`,
  String.raw`[._](bash|zsh|sh|psql|mysql|sqlite|rediscli|python|irb|node_repl|dbshell|mongo)_?history`,
  String.raw`kubeconfig(\..+)?|.+\.kubeconfig|kubelet\.conf|k3s\.ya?ml|admin\.conf`,
  String.raw`.*\.tfstate(\..+)?|.+\.(auto\.)?tfvars(\.json)?`,
  String.raw`application_default_credentials\.json|gha-creds-.+\.json|msal_token_cache.*|krb5cc_.+`,
  String.raw`g?shadow-?|ntds\.dit|master\.passwd`,
  String.raw`(wp-config|localsettings|config\.inc|configuration)\.php|secret_token\.rb|database\.ya?ml`,
  String.raw`(filezilla|recentservers|sitemanager)\.xml|web\.config|tomcat-users\.xml|ventrilo_srv\.ini`,
  String.raw`login[ _-]?data( for account)?|logins\.json|key[34]\.db|signons\.sqlite|web data|local state`,
  String.raw`cookies?[ ._-](sqlite|txt|db|json|binarycookies).*|wallet\.dat`,
  // names that state it
  String.raw`(credentials?|creds|secrets?)([._-].*)?`,
  String.raw`.*(password|passwd|passphrase)s?([ ._-].*)?`,
  // the short names of FAT and NTFS
  String.raw`(env|secret|creden|passwo|id_rsa|id_ed2|id_ecd|privat|servic|tfstat|terraf|wp-con|kubeco)~\d+(\..+)?`,
];

/** Names that code and documents about secrets share: such files are excluded by their extension. */
const NAMES_UNLESS_SOURCE: readonly string[] = [
  String.raw`.*[._-](credentials?|creds|secrets?)([._-].*)?`,
  String.raw`(.*[._-])?(private|secret|signing|master|encryption|access|api|deploy)[ ._-]?keys?([ ._-].*)?`,
  String.raw`(.*[._-])?(access|refresh|id|auth|bearer|session|oauth|api|bot)[_-]?tokens?([._-].*)?`,
  String.raw`(.*[._-])?service[_-]?accounts?([_-]?key)?([._-].+)?\.(json|ya?ml|p12)`,
  String.raw`\.?tokens?\.(json|ya?ml|txt|db|dat|cache|bin|pickle)`,
  String.raw`.*(seed|recovery)[ _-]?phrases?.*|.*mnemonics?\.(txt|json)`,
];
const SOURCE =
  /\.(ts|tsx|js|jsx|mjs|cjs|py|go|rs|java|kt|rb|c|h|cc|cpp|cs|swift|scala|md|mdx|rst|adoc|html|css|svg|png)$/;

/** Paths whose names are only secret together; `*` is any one segment. */
const PATHS: readonly string[] = [
  'proc/*/environ',
  'proc/*/cmdline',
  'proc/*/mem',
  'proc/*/task/*/environ',
  'serviceaccount/token',
  'config/sam',
  'etc/sudoers',
  'etc/kubernetes/*',
  '.config/gcloud/*',
  '.config/gh/hosts.yml',
  '.config/doctl/config.yaml',
  '.config/op',
  'rclone/rclone.conf',
  'github-copilot/hosts.json',
  'containers/auth.json',
  '.docker/config.json',
  '.m2/settings.xml',
  '.gradle/gradle.properties',
  '.composer/auth.json',
  '.purple/accounts.xml',
  '.subversion/auth/*',
  'default/cookies',
  'network/cookies',
  // the metadata services that return the keys of a machine
  '169.254.169.254',
  '100.100.100.200',
  'metadata.google.internal',
];

/** Additions that mark a copy of a file, which an editor, a tool or a person appends or prepends to its name. */
const COPY =
  /(~|#|\.(bak|bkp|backup|old|orig|original|save|saved|copy|sw[a-p]|tmp|temp|dist|disabled|rej|\d+|gz|zip|tar|tgz|bz2|xz|7z|enc|gpg|age|txt)|[ ._-]+(copy|kopie|backup|bak|old|\d{1,8})|[ _]*\(\d+\))$/;
const COPY_BEFORE = /^(copy of |backup of |#|~\$?|\.(?=.+\.sw[a-p]$))/;

/** Letters of other scripts that read like the Latin ones in the names above. @see Unicode TS 39, confusables */
const LOOK_ALIKE: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['аαаɑ', 'a'],
    ['ьƅ', 'b'],
    ['сϲᴄ', 'c'],
    ['ԁɗ', 'd'],
    ['еҽєεеᴇ', 'e'],
    ['ɡց', 'g'],
    ['һհ', 'h'],
    ['іıιӏɩ', 'i'],
    ['јϳ', 'j'],
    ['кκᴋ', 'k'],
    ['ⅼӏ', 'l'],
    ['мᴍ', 'm'],
    ['пոηɴ', 'n'],
    ['оοσօᴏ', 'o'],
    ['рρ', 'p'],
    ['ԛ', 'q'],
    ['гᴦʀ', 'r'],
    ['ѕꜱ', 's'],
    ['тτᴛ', 't'],
    ['υսᴜ', 'u'],
    ['ѵνᴠ', 'v'],
    ['ԝωᴡ', 'w'],
    ['хχ', 'x'],
    ['уүγ', 'y'],
    ['ᴢ', 'z'],
    ['․‧·', '.'],
    ['‐‑‒–—−', '-'],
    ['：∶ː', ':'],
  ].flatMap(([from, to]) => Array.from(from as string).map((letter) => [letter, to as string])),
);

/**
 * Returns the form in which names are compared: percent-encoding decoded, compatibility forms folded (NFKC), accents
 * and invisible characters dropped, lower case, look-alikes in Latin.
 */
export function folded(name: string): string {
  if (/^[a-z0-9_./-]*$/.test(name)) return name;
  let text = name.normalize('NFKC');
  for (let i = 0; i < 3 && /%[0-9a-f]{2}/i.test(text); i++) text = decoded(text).normalize('NFKC');
  return text
    .normalize('NFD')
    .replace(/[\p{M}\p{Cf}\p{Cc}]/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{ASCII}]/gu, (letter) => LOOK_ALIKE[letter] ?? letter);
}

const decoded = (text: string): string =>
  text.replace(/(%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));

const NAME = new RegExp(`^(${NAMES.join('|')})$`);
const NAME_UNLESS_SOURCE = new RegExp(`^(${NAMES_UNLESS_SOURCE.join('|')})$`);
const PATH = new RegExp(
  `(^|/)(${PATHS.map((path) => path.replaceAll('.', String.raw`\.`).replaceAll('*', '[^/]+')).join('|')})(/|:|$)`,
);
/** The public half of a key. */
const PUBLIC = /^(.*id_\w+|ssh_host_.*)\.pub$/;

/** Reports whether this id names a place that holds a secret, in any spelling that some system treats as that name. */
export const isSecretName = (id: string): boolean => secrecy(id) === 1;

const secrecy = remembered((id) => (isNamed(folded(id)) ? 1 : 0), 10_000);

function isNamed(id: string): boolean {
  // Windows drops the dots and spaces at the end of a name
  const segments = id.split('/').map((segment) => segment.replace(/[. ]+$/, '').trim());
  if (PATH.test(segments.join('/'))) return true;
  // a file system may read `name:stream` as `name`, a container tool `box:path` as the path
  return segments.some((segment) => segment.split(':').some(isName));
}

/** Checks the name itself, or the name that it is a copy of. */
function isName(part: string): boolean {
  let name = part.replace(/[. ]+$/, '').trim();
  for (let copies = 0; copies < 4; copies++) {
    if (PUBLIC.test(name)) return false;
    if (NAME.test(name) || (!SOURCE.test(name) && NAME_UNLESS_SOURCE.test(name))) return true;
    const bare = name
      .replace(COPY_BEFORE, '')
      .replace(COPY, '')
      .replace(/[. ]+$/, '');
    if (bare === name || bare === '') return false;
    name = bare;
  }
  return false;
}
