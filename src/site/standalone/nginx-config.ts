/**
 * nginx in front of a site, or instead of its built-in buffer: the configuration, made from the site's own. The rules are the
 * buffer's: the query is no part of the key, concurrent misses make one request, and a withdrawn video is gone within a minute
 * (that is why nginx asks again each minute whether what it keeps still holds; the answer is 304 and costs next to nothing). What
 * becomes private is gone likewise; private videos themselves (`/t/{token}/v/…`) pass through to the site, which checks the token.
 */
import { resolve } from 'node:path';
import { ConfigError } from '../../kernel/config/config-error.ts';
import type { SiteConfig } from '../config.ts';

export type NginxPlace = 'front' | 'instead';

/** nginx believes what it keeps for so long. */
const VALID_S = 60;
const KEYS_MB = 64;

/** For the `http` context: a file in `/etc/nginx/conf.d/`. @throws ConfigError where that cannot work. */
export function formatNginxConfig(config: SiteConfig, place: NginxPlace): string {
  const limit = ['uplink', 'uplinkViewers', 'uplinkFills', 'uplinkDaily'].find(
    name => config[name as keyof SiteConfig] !== undefined,
  );
  const isLimited = limit !== undefined || !config.serveViewers;
  if (place === 'instead' && isLimited) {
    throw new ConfigError(
      `${limit ?? 'serveViewers'} is kept by the built-in buffer, which nginx would pass by: put nginx in front (without --instead).`,
    );
  }
  if (place === 'instead' && config.originListen.port === 0) {
    throw new ConfigError(
      'originListen has port 0, which is another one at every start. Give it a port of its own, e.g. "127.0.0.1:8091".',
    );
  }
  const { hostname, port, protocol } = new URL(config.baseUrl);
  const isTls = protocol === 'https:';
  const ownPort = Number(port) || (isTls ? 443 : 80);
  if (config.listen.port === ownPort) {
    throw new ConfigError(
      `The site listens on port ${ownPort} itself, which baseUrl gives to nginx. Let it listen on another one, e.g. listen = "127.0.0.1:8090".`,
    );
  }
  const site = `${config.tlsCertificate ? 'https' : 'http'}://${formatUpstream(config.listen)}`;
  const origin = `http://${formatUpstream(config.originListen)}`;
  const cache = isLimited ? UNCACHED : cacheBy('$uri');
  return `${[
    `# Made by: tributary nginx-config${place === 'instead' ? ' --instead' : ''}. Make it anew when the site's settings change.`,
    ...(isLimited
      ? [
          '# Nothing is kept here: the built-in buffer holds the budget of the uplink, and must see every request.',
        ]
      : [
          `proxy_cache_path ${quote(resolve(config.dataDirectory, 'nginx'))} levels=1:2 keys_zone=tributary:${KEYS_MB}m max_size=${Math.ceil(config.bufferDisk / 2 ** 20)}m inactive=7d use_temp_path=off;`,
        ]),
    'limit_conn_zone $binary_remote_addr zone=tributary_addresses:10m;',
    '',
    ...block('server', [
      ...(isTls
        ? [
            `listen ${port || 443} ssl http2;`,
            `listen [::]:${port || 443} ssl http2;`,
            `ssl_certificate ${quote(config.tlsCertificate ?? `/etc/ssl/${hostname}.pem`)};`,
            `ssl_certificate_key ${quote(config.tlsKey ?? `/etc/ssl/private/${hostname}.key`)};`,
            'ssl_protocols TLSv1.2 TLSv1.3;',
            'ssl_session_cache shared:tributary:10m;',
          ]
        : [`listen ${port || 80};`, `listen [::]:${port || 80};`]),
      `server_name ${hostname};`,
      'sendfile on;',
      'tcp_nopush on;',
      'keepalive_requests 100000;',
      `limit_conn tributary_addresses ${config.connectionsPerAddress};`,
      // What crosses between sites is signed for this authority (RFC 9421).
      'proxy_set_header Host $http_host;',
      'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
      'proxy_http_version 1.1;',
      'proxy_set_header Connection "";',
      ...(config.tlsCertificate ? ['proxy_ssl_verify off;'] : []),
      '',
      '# Uploads go straight through, however large and slow; the site has limits of its own.',
      ...block('location /', [
        `proxy_pass ${site};`,
        'client_max_body_size 0;',
        'proxy_request_buffering off;',
        'proxy_buffering off;',
        'proxy_read_timeout 1h;',
        'proxy_send_timeout 1h;',
      ]),
      '',
      ...(place === 'front'
        ? block('location /v/', [...MEDIA_METHODS, `proxy_pass ${site};`, ...cache])
        : block('location /v/', [
            ...MEDIA_METHODS,
            `proxy_pass ${origin};`,
            ...cache,
            'proxy_force_ranges on;',
            'proxy_intercept_errors on;',
            'error_page 404 410 500 502 503 504 = @buffer;',
            ...OPEN_TO_ALL,
          ])),
      ...(place === 'front'
        ? []
        : [
            '',
            '# What lies at other sites, and every refusal, is for the built-in buffer to answer.',
            ...block('location @buffer', [`proxy_pass ${site};`, ...cacheBy('buffer$uri')]),
          ]),
      '',
      '# Private videos: the site checks each request. Nothing of them is kept here, and no token is written into a log.',
      ...block('location /t/', ['access_log off;', `proxy_pass ${site};`, ...UNCACHED]),
      '',
      '# Other methods, and what another site fetches: counted and answered by the site itself.',
      ...block('location @site', [`proxy_pass ${site};`, ...UNCACHED]),
    ]),
  ].join('\n')}\n`;
}

/** The buffer's own rule: players put CMCD and the like into the query, which names no other bytes. */
const cacheBy = (key: string): readonly string[] => [
  'proxy_cache tributary;',
  `proxy_cache_key ${key};`,
  'proxy_cache_lock on;',
  'proxy_cache_lock_timeout 10s;',
  'proxy_cache_lock_age 10s;',
  'proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;',
  `proxy_cache_valid 200 ${VALID_S}s;`,
  'proxy_cache_valid 404 410 2s;',
  'proxy_cache_revalidate on;',
  'proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;',
  'proxy_cache_background_update on;',
];

const UNCACHED = ['proxy_buffering off;'];

/** An `if` that only returns is one of the safe ones. */
const MEDIA_METHODS = [
  'error_page 418 = @site;',
  'recursive_error_pages on;',
  'if ($request_method !~ ^(GET|HEAD)$) { return 418; }',
  'if ($http_tributary_fill) { return 418; }',
];

/** The origin talks to buffers alone; players of any page may read what it cut. */
const OPEN_TO_ALL = [
  'add_header Access-Control-Allow-Origin * always;',
  'add_header Access-Control-Expose-Headers "Content-Length, Content-Range, ETag, Accept-Ranges, Date" always;',
  'add_header Timing-Allow-Origin * always;',
  'add_header Cross-Origin-Resource-Policy cross-origin always;',
  'add_header Cache-Control "public, max-age=31536000, immutable" always;',
  'proxy_hide_header Repr-Digest;',
  'proxy_hide_header Signature-Input;',
  'proxy_hide_header Signature;',
];

/** Paths with what nginx would read as the end of a parameter. */
const quote = (path: string): string =>
  /^[\w./:@+-]+$/.test(path) ? path : `"${path.replace(/["\\]/g, '\\$&')}"`;

const block = (head: string, lines: readonly string[]): readonly string[] => [
  `${head} {`,
  ...lines.map(line => (line === '' ? '' : `  ${line}`)),
  '}',
];

/** Where nginx reaches what listens at `host:port`: not at a wildcard. */
function formatUpstream({ host, port }: SiteConfig['listen']): string {
  if (host === '0.0.0.0') return `127.0.0.1:${port}`;
  if (host === '::') return `[::1]:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
