/** The files in `deploy/nginx/` are the output of the command. An end-to-end test runs them in a real nginx. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../kernel/config/config.ts';
import { siteConfigSchema } from '../config.ts';
import { formatNginxConfig } from './nginx-config.ts';

const sample = readFileSync('tributary.sample.toml', 'utf8');
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
