import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { addGauge } from './gauge.ts';

it('a gauge that cannot be read is left out until it can be read again', async () => {
  const register = new Registry();
  let isUnavailable = false;
  addGauge(register, 'tributary_a', 'Of a database.', () =>
    isUnavailable ? Promise.reject(new Error('unavailable')) : Promise.resolve(3),
  );
  addGauge(register, 'tributary_b', 'Of another.', () => Promise.resolve(4));
  expect(await register.metrics()).toContain('tributary_a 3');
  isUnavailable = true;
  const metrics = await register.metrics();
  expect(metrics).not.toMatch(/^tributary_a/m);
  expect(metrics).toContain('tributary_b 4');
  isUnavailable = false;
  expect(await register.metrics()).toContain('tributary_a 3');
});

it('a gauge that is not read in time does not delay the response', async () => {
  const register = new Registry();
  addGauge(register, 'tributary_a', 'Of a silent database.', () => new Promise(() => {}));
  addGauge(register, 'tributary_b', 'Of another.', () => Promise.resolve(4));
  const metrics = await register.metrics();
  expect(metrics).not.toMatch(/^tributary_a/m);
  expect(metrics).toContain('tributary_b 4');
});
