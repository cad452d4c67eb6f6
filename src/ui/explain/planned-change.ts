/** The fields of the simulation form → a planned change for the tracker. Pure; the tracker validates the values. */
import type { Site } from '../../protocol/central.ts';
import type { PlannedChange } from '../../protocol/tracker.ts';
import { splitList } from '../i18n/split-list.ts';

export const CHANGE_KINDS = ['drain', 'down', 'zone', 'weight'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

interface ChangeFields {
  readonly kind: ChangeKind;
  readonly site: Site['id'];
  /** Network prefixes or a weight; unused for the other kinds. */
  readonly value: string;
}

export const hasValue = (kind: ChangeKind): boolean => kind === 'zone' || kind === 'weight';

export function parsePlannedChange({ kind, site, value }: ChangeFields): Partial<PlannedChange> {
  switch (kind) {
    case 'zone':
      return { zones: splitList(value).map(prefix => ({ site, prefix })) };
    case 'weight':
      return { sites: [{ site, weight: Number(value) }] };
    case 'drain':
      return { sites: [{ site, drained: true }] };
    case 'down':
      return { sites: [{ site, down: true }] };
  }
}
