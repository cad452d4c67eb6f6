/**
 * The files in `deploy/nginx/` are the output of the command, and a real nginx accepts every form of it. An end-to-end test runs
 * them.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.ts';
import { parseConfig } from '../../kernel/config/config.ts';
import { siteConfigSchema } from '../config.ts';
import { formatNginxConfig } from './nginx-config.ts';

// The tokens of the sample are placeholders, which are refused. They are not in the output.
const sample = readFileSync('tributary.sample.toml', 'utf8')
  .replace(/^joinToken = .*$/gm, '')
  .replace(/^operatorToken = .*$/gm, 'operatorToken = "a1b2c3d4e5f6a7b8c9d0e1f2"');
const read = (text: string) => parseConfig(text, 'tributary.sample.toml', 'site', siteConfigSchema);

describe('the configurations in deploy/nginx', () => {
  it('front.conf is made from the sample', () => {
    expect(readFileSync('deploy/nginx/front.conf', 'utf8')).toBe(formatNginxConfig(read(sample), 'front'));
  });

  it('instead.conf is made from the sample, with a port for the origin', () => {
    const config = read(sample.replace('# originListen = "127.0.0.1:0"', 'originListen = "127.0.0.1:8091"'));
    expect(readFileSync('deploy/nginx/instead.conf', 'utf8')).toBe(formatNginxConfig(config, 'instead'));
  });
});

it('reaches a site that uses TLS over TLS, with the same certificate', () => {
  const config = read(
    sample
      .replace(/^# (tls(?:Certificate|Key) = )/gm, '$1')
      .replace(/^# (listen = )"0.0.0.0:8090"/m, '$1"[::]:8090"'),
  );
  const text = formatNginxConfig(config, 'front');
  expect(text).toContain('proxy_pass https://[::1]:8090;');
  expect(text).toContain('ssl_certificate /etc/letsencrypt/live/hangzhou.example.edu/fullchain.pem;');
});

it('quotes a data directory with a space in its name', () => {
  const config = read(sample.replace('"/var/lib/tributary/site"', '"/srv/my videos/site"'));
  expect(formatNginxConfig(config, 'front')).toContain('proxy_cache_path "/srv/my videos/site/nginx" levels');
});

it('refuses a port on which the site itself listens', () => {
  const config = read(
    sample.replace(
      'baseUrl = "https://hangzhou.example.edu"',
      'baseUrl = "http://hangzhou.example.edu:8090"',
    ),
  );
  expect(() => formatNginxConfig(config, 'front')).toThrow(
    'The site listens on port 8090, which baseUrl assigns to nginx.',
  );
});

describe.runIf(spawnSync('nginx', ['-v']).status === 0)('nginx -t accepts', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tributary-nginx-t-'));
    makeCertificate(directory, 'hangzhou.example.edu');
    mkdirSync(join(directory, 'site'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Tests a file for `conf.d`, with paths and ports that exist on any machine. */
  function check(text: string): void {
    const local = text
      .replaceAll('/var/lib/tributary/site', join(directory, 'site'))
      .replace(/(ssl_certificate) .*/, `$1 ${directory}/hangzhou.example.edu.pem;`)
      .replace(/(ssl_certificate_key) .*/, `$1 ${directory}/hangzhou.example.edu.key;`)
      .replace(/listen (\[::\]:)?(80|443)/g, 'listen $120$2');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name, index) => `${name}_temp_path ${directory}/t${index};`,
    );
    const main = join(directory, 'nginx.conf');
    writeFileSync(
      main,
      `pid ${directory}/pid; error_log stderr; events {} http { access_log off; ${temporary.join(' ')}\n${local} }`,
    );
    const { status, stderr } = spawnSync('nginx', ['-t', '-p', directory, '-c', main], { encoding: 'utf8' });
    expect([status, stderr.match(/.*(?:emerg|alert|crit|error|warn)\](?!.*deprecated).*/g)]).toEqual([
      0,
      null,
    ]);
  }

  it.each(['front', 'instead'])('deploy/nginx/%s.conf', name => {
    const text = readFileSync(`deploy/nginx/${name}.conf`, 'utf8');
    expect(text).toContain('ssl_session_cache');
    check(text);
  });

  const forms = ['http', 'https'].flatMap(scheme =>
    (['front', 'instead'] as const).flatMap(place =>
      ['cached', 'limited', 'TLS', 'IPv6', 'uploads only'].map(kind => [scheme, place, kind] as const),
    ),
  );
  it.each(forms)('%s, %s, %s', (scheme, place, kind) => {
    const settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      cached: {},
      limited: { uplink: 20e6 },
      TLS: { tlsCertificate: '/x/site.pem', tlsKey: '/x/site.key' },
      IPv6: { listen: { host: '::', port: 8_090 }, originListen: { host: '::1', port: 8_091 } },
      'uploads only': { serveViewers: false },
    };
    const config = {
      ...read(sample),
      originListen: { host: '127.0.0.1', port: 8_091 },
      baseUrl: `${scheme}://hangzhou.example.edu`,
      ...settings[kind],
    };
    if (place === 'instead' && ['limited', 'uploads only'].includes(kind))
      expect(() => formatNginxConfig(config, place)).toThrow('is enforced by the built-in buffer');
    else check(formatNginxConfig(config, place));
  });
});
