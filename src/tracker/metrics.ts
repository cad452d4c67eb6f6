/** What Prometheus learns of a tracker. */
import { Counter, Gauge, type Registry as Metrics } from 'prom-client';
import { Problem } from '../kernel/problem.ts';
import type { Feed } from './feed.ts';
import type { Probes } from './probes.ts';
import type { Registry } from './registry.ts';

export interface Outcomes {
  /** Runs one call and counts how it ended: `ok`, or the code of its problem. */
  count<T>(call: 'play' | 'hls' | 'go' | 'steer', run: () => T): T;
}

export function createOutcomes(metrics: Metrics): Outcomes {
  const answers = new Counter({
    name: 'tributary_tracker_answers_total',
    help: 'Answers to viewers, by call and outcome.',
    labelNames: ['call', 'outcome'],
    registers: [metrics],
  });
  return {
    count(call, run) {
      try {
        const result = run();
        answers.inc({ call, outcome: 'ok' });
        return result;
      } catch (error) {
        answers.inc({ call, outcome: error instanceof Problem ? error.code : 'internal' });
        throw error;
      }
    },
  };
}

export function measure(metrics: Metrics, registry: Registry, probes: Probes, feed: Feed): void {
  const active = () => [...registry.sites()].filter(site => site.active);
  const gauges: Readonly<Record<string, readonly [string, () => number]>> = {
    tributary_tracker_videos: ['Registered videos that are not withdrawn.', () => registry.videos],
    tributary_tracker_sites: ['Active sites.', () => active().length],
    tributary_tracker_sites_up: [
      'Active sites that answer probes.',
      () => active().filter(({ site }) => probes.find(site)?.up).length,
    ],
    tributary_tracker_feed_position: ['Change-feed position registered.', () => feed.position()],
    tributary_tracker_feed_connected: ['1 where central answered last.', () => Number(feed.connected())],
  };
  for (const [name, [help, read]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read());
      },
    });
  }
}
