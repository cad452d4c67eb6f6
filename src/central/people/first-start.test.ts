import { expect, it } from 'vitest';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { centralConfigSchema } from '../config.ts';
import { requireLocalDemo } from './first-start.ts';

const start = (listen: string, isDemo: boolean) => () =>
  requireLocalDemo(
    centralConfigSchema.parse({
      listen,
      operatorToken: 'the-operator-token-of-this-test',
      ...(isDemo
        ? { demoPeople: [{ id: '0193a5c0-0000-7000-8000-0000000000d1', name: 'D', role: 'R' }] }
        : {}),
    }),
  );

it.each(['0.0.0.0:8080', '[::]:8080', '192.0.2.1:8080', '127.0.0.1.example:8080'])(
  'offers people of the demo to nobody at %s',
  listen => {
    expect(start(listen, true)).toThrow(ConfigError);
    expect(start(listen, false)).not.toThrow();
  },
);

it.each(['127.0.0.1:8080', 'localhost:8080', '[::1]:8080'])('offers them at %s', listen => {
  expect(start(listen, true)).not.toThrow();
});
