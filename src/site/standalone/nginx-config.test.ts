/** The configurations in `deploy/nginx/` are those that the command makes. What they do is shown with a real nginx (e2e). */
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

it('a site that speaks TLS itself is reached by TLS, and nginx uses the same certificate', () => {
  const config = read(
    sample
      .replace(/^# (tls(?:Certificate|Key) = )/gm, '$1')
      .replace(/^# (listen = )"0.0.0.0:8090"/m, '$1"[::]:8090"'),
  );
  const text = formatNginxConfig(config, 'front');
  expect(text).toContain('proxy_pass https://[::1]:8090;');
  expect(text).toContain('ssl_certificate /etc/letsencrypt/live/hangzhou.example.edu/fullchain.pem;');
});

it('of a data directory with a space in its name nginx reads one path', () => {
  const config = read(sample.replace('"/var/lib/tributary/site"', '"/srv/my films/site"'));
  expect(formatNginxConfig(config, 'front')).toContain('proxy_cache_path "/srv/my films/site/nginx" levels');
});

it('a port that the site itself listens on is not given to nginx, too', () => {
  const config = read(
    sample.replace(
      'baseUrl = "https://hangzhou.example.edu"',
      'baseUrl = "http://hangzhou.example.edu:8090"',
    ),
  );
  expect(() => formatNginxConfig(config, 'front')).toThrow(/listens on port 8090 itself/);
});
