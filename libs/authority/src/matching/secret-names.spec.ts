import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { openTestRun, ROOMY, TestLog } from '../testing/harness';

/** `refused`, or the labels of the call. */
function labelsOf(id: string, verb = 'file.read', type = 'file'): string {
  const log = new TestLog(judgeTrajectory);
  const { grantId } = openTestRun(log, ROOMY);
  const action = { grantId, action: { verb }, resource: { type, id }, proof: { vouched: true as const } };
  const result = log.try('authorize', action);
  if ('refusal' in result) return 'refused';
  const decided = result.events.find((event) => event.type.startsWith('Action'));
  return (decided?.data as { labels: string[] }).labels.join(' ');
}

describe('names of secrets', () => {
  it.each([
    'config/.%65nv',
    'config/%2eenv',
    'config/.e%6Ev',
    'config/.en%56',
    'id%5Frsa',
    'id_rs%61',
    'server%2Dkey.pem',
    'k%2epem',
    'file%7E',
    '%31',
    'a%252eb',
    'config/.％65nv',
  ])('are not hidden by needless encoding: %s is refused', (id) => {
    expect(labelsOf(id)).toBe('refused');
  });

  it.each(['docs/a%20b.md', 'q/%C3%BC', 'a/100%', 'x/%3Fq'])('may contain necessary encoding: %s', (id) => {
    expect(labelsOf(id)).toBe('');
  });

  it.each([
    'config/.ｅnv',
    '.env.',
    '.envrc',
    'prod.env',
    '.kube/config',
    '.docker/config.json',
    'infra/terraform.tfstate',
    'gcp/service-account.json',
    'keys/id_rsa.bak',
    // spellings that some system treats as the same name
    '.ENV',
    '.env...',
    '.env%20',
    '.env:stream',
    '.env%3A%3A$DATA',
    'box:app/.env',
    '.%EF%BD%85nv',
    '.еnv',
    '.ἐnv',
    'id_ｒｓａ',
    'ＩＤ_ＲＳＡ',
    'ENV~1',
    'CREDEN~1.JSO',
    // copies
    'id_rsa~',
    'id_rsa.old',
    'id_rsa (1)',
    'Copy of id_rsa',
    '.id_rsa.swp',
    '#id_rsa#',
    'tls.pem.old',
    'server.key~',
    'server.key.bak.gz',
    // the names of scanners' rules
    '.env.local',
    'app.env.bak',
    '.kube',
    'kubeconfig',
    '.aws/config',
    '.azure/accessTokens.json',
    '.config/gcloud/application_default_credentials.json',
    '.dockercfg',
    'terraform.tfstate.backup',
    'prod.auto.tfvars',
    'my-service_account-key.json',
    'client_secret_123.json',
    '.pgpass',
    '.my.cnf',
    '_netrc',
    '.npmrc',
    '.pypirc',
    '.htpasswd',
    'wp-config.php',
    'proc/self/environ',
    'proc/1/environ',
    'etc/shadow',
    'office.ovpn',
    'putty.ppk',
    'login.keychain-db',
    'Login Data',
    'Default/Cookies',
    'key4.db',
    '.bash_history',
    '.vault-token',
    'wallet.dat',
    'prod-credentials.json',
    'aws_secret_access_key.txt',
    'github_api_token.txt',
    '.git-credentials',
    '169.254.169.254/latest/meta-data/iam',
    'Passwords.kdbx',
  ])('are recognized in the form %s', (id) => {
    expect(labelsOf(id)).toContain('read:secret');
    expect(labelsOf(id, 'file.write')).toBe('private');
  });

  it.each([
    'environment.ts',
    'src/env.ts',
    'env/lib/site.py',
    'docs/secretary.md',
    'keys.md',
    'id_rsa.pub',
    'api_keys.md',
    'src/access_token.ts',
    'service-account.md',
    'clients/Acme Inc.',
    'tokenizer.json',
    'cookie-banner.html',
    'shadowing.css',
    'history.md',
    'proc/notes',
  ])('are not recognized in %s', (id) => expect(labelsOf(id)).toBe(''));

  it.each([
    'ssm.get',
    'kms.decrypt',
    'secretmanager.access',
    'keychain.get',
    // similar names
    'get_secret',
    'readSecret',
    'secretsmanager.getSecretValue',
    'GetSecretValue',
    'getsecretvalue',
    'vault.read',
    'read_vault',
    'token.read',
    'get_access_token',
    'env.get',
    'env.list',
    'printenv',
    'getenv',
    'api_key.fetch',
    'reveal_password',
    'credentials.dump',
    'keyring.get',
    'bitwarden.get',
    'ssm.get_parameter',
    'sts.assume_role',
    'cookies.export',
    'decrypt_file',
    'private_key.get',
    'token.create',
    'instance.metadata.get',
  ])('are recognized if the verb %s reads them', (verb) => {
    expect(labelsOf('prod/db', verb, 'thing')).toContain('read:secret');
  });

  it.each([
    'secret.list',
    'list_secrets',
    'password.reset',
    'set_secret',
    'rotateCredentials',
    'kms.encrypt',
    'count_tokens',
  ])('are not disclosed by %s', (verb) => expect(labelsOf('prod/db', verb, 'thing')).not.toContain('read:secret'));

  it.each(['secret', 'credentials', 'Password', 'api_key', 'ｓecret'])(
    'are recognized by the resource type %s',
    (type) => {
      expect(labelsOf('prod/db', 'kv.get', type)).toContain('read:secret');
    },
  );
});
